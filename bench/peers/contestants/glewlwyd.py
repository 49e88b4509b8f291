"""Glewlwyd out of Debian's package, with SQLite, as its sample configuration has it. Its one user signs in as often as
sessions are wanted, with the password that its database brings."""

import gzip
import sqlite3

from install import version_of
from measure import Question, ask, at_once, set_cookie
from process import Failed, Process, free_port

from .contestant import Contestant

CONFIGURATION = """port={port}
bind_address="127.0.0.1"
external_url="http://localhost:{port}"
login_url="login.html"
api_prefix="api"
static_files_path="{root}/usr/share/glewlwyd/webapp/"
log_mode="file"
log_level="INFO"
log_file="{folder}/glewlwyd.log"
cookie_domain="localhost"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{root}/usr/lib/glewlwyd/user"
user_middleware_module_path="{folder}/none"
client_module_path="{root}/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="{root}/usr/lib/glewlwyd/scheme"
plugin_module_path="{root}/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{folder}/glewlwyd.db"; }};
"""


class Glewlwyd(Contestant):
    name, asked = "Glewlwyd", "`GET /api/profile_list`, session cookie"
    fetches = "Debian: glewlwyd and the libraries it needs"

    def prepare(self):
        super().prepare()
        self.root = self.place.debian("glewlwyd")
        self.version = version_of("glewlwyd")
        # With everything that the package would have made at its installation.
        (self.folder / "none").mkdir()
        tables = self.root / "usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz"
        database = sqlite3.connect(self.folder / "glewlwyd.db")
        database.executescript(gzip.decompress(tables.read_bytes()).decode())
        database.close()

    def start(self):
        self.port = free_port()
        configuration = self.folder / "glewlwyd.conf"
        configuration.write_text(CONFIGURATION.format(port=self.port, root=self.root, folder=self.folder))
        self._serve(configuration)
        cookies = at_once(self._sign_in, range(self.options.sessions), callers=4)
        self.stop()
        self._serve(configuration)
        self.question = Question(self.port, "/api/profile_list", "Cookie", cookies)

    def _serve(self, configuration):
        libraries = ":".join(map(str, (self.root / "usr/lib").glob("*-linux-gnu")))
        server = Process([self.root / "usr/bin/glewlwyd", f"--config-file={configuration}"], self.options.server_core,
                         self.folder / "log", variables={"LD_LIBRARY_PATH": libraries})
        self.processes.append(server)
        server.wait_for(self.port)

    def _sign_in(self, _):
        status, headers, _ = ask(self.port, "POST", "/api/auth/", body={"username": "admin", "password": "password"})
        if status != 200:
            raise Failed(f"a sign-in was answered {status}")
        return set_cookie(headers, "GLEWLWYD2_SESSION_ID")
