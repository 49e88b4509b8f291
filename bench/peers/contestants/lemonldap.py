"""LemonLDAP::NG's handler out of Debian's packages, asked by nginx as its manual has it: seven processes, which is the
default of its server, sessions in files and remembered in its local cache. Sessions are made by its own library: a portal
is not measured."""

import json
import os
import subprocess

from install import HERE, version_of
from measure import Question
from process import Failed, Process

from .nginx import Floor

CACHE = ("{{ 'namespace' => '{name}', 'default_expires_in' => 600, 'directory_umask' => '007', "
         "'cache_root' => '{folder}/cache', 'cache_depth' => 3 }}")
SETTINGS = """[all]
logLevel = warn
checkTime = 1
[configuration]
type = File
dirName = {folder}/conf
localStorage = Cache::FileCache
localStorageOptions = {configuration_cache}
[handler]
status = 0
useRedirectOnError = 1
localSessionStorage = Cache::FileCache
localSessionStorageOptions = {session_cache}
"""
ASKED = """location = /lmauth {{
      internal;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param QUERY_STRING $query_string; fastcgi_param SCRIPT_NAME $document_uri;
      fastcgi_param SERVER_NAME $server_name; fastcgi_param SERVER_PORT $server_port;
      fastcgi_param REMOTE_ADDR $remote_addr; fastcgi_param SERVER_PROTOCOL $server_protocol;
      fastcgi_pass unix:{socket};
      fastcgi_pass_request_body off;
      fastcgi_param CONTENT_LENGTH "";
      fastcgi_param HOST $http_host;
      fastcgi_param X_ORIGINAL_URI $request_uri;
    }}"""
LET_IN = """auth_request /lmauth;
      auth_request_set $lmremote_user $upstream_http_lm_remote_user;
      auth_request_set $lmlocation $upstream_http_location;
      error_page 401 $lmlocation;
      proxy_set_header Remote-User $lmremote_user;
      proxy_http_version 1.1; proxy_set_header Connection "";"""


class LemonLdap(Floor):
    name, asked, behind_nginx = "LemonLDAP::NG", "`auth_request`, its handler over FastCGI, session cookie", True
    fetches = "Debian: lemonldap-ng-fastcgi-server and the Perl modules it needs"

    def prepare(self):
        super().prepare()
        self.root = self.place.debian("lemonldap-ng-fastcgi-server")
        self.version = version_of("lemonldap-ng-fastcgi-server")
        modules = [self.root / "usr/share/perl5", *(self.root / "usr/lib").glob("*-linux-gnu/perl5/*"),
                   *(self.root / "usr/lib").glob("*-linux-gnu/perl-base")]
        libraries = (self.root / "usr/lib").glob("*-linux-gnu")
        self.variables = {
            "PERL5LIB": ":".join(map(str, modules)),
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "LLNG_DEFAULTCONFFILE": self.folder / "lemonldap-ng.ini",
            "LLNG_DEFAULTLOGGER": "Lemonldap::NG::Common::Logger::Std",
        }

    def start(self):
        self._configure()
        ids = self._sign_in()
        socket = self.folder / "socket"
        handler = Process(["perl", HERE / "lemonldap/handler.pl", socket, 7], self.options.server_core,
                          self.folder / "handler.log", variables=self.variables)
        self.processes.append(handler)
        handler.wait_for(socket)
        self._serve(server=ASKED.format(socket=socket), location=LET_IN)
        self.question = Question(self.port, "/", "Cookie", [f"lemonldap={each}" for each in ids])

    def _configure(self):
        for name in ("conf", "sessions", "lock", "cache"):
            (self.folder / name).mkdir()
        caches = {f"{name}_cache": CACHE.format(name=f"lemonldap-ng-{name}", folder=self.folder)
                  for name in ("configuration", "session")}
        (self.folder / "lemonldap-ng.ini").write_text(SETTINGS.format(folder=self.folder, **caches))
        configuration = {
            "cfgNum": 1, "cfgAuthor": "bench", "cfgDate": 1, "domain": "localhost", "portal": "http://auth.localhost/",
            "cookieName": "lemonldap", "securedCookie": 0, "whatToTrace": "uid", "key": "thrown away afterwards",
            "timeout": 72000, "globalStorage": "Apache::Session::File",
            "globalStorageOptions": {
                "Directory": f"{self.folder}/sessions", "LockDirectory": f"{self.folder}/lock",
                "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256",
            },
            "locationRules": {"localhost": {"default": "accept"}},
            "exportedHeaders": {"localhost": {"Auth-User": "$uid", "Auth-Mail": "$mail"}},
            "vhostOptions": {}, "exportedVars": {}, "macros": {}, "groups": {},
        }
        (self.folder / "conf/lmConf-1.json").write_text(json.dumps(configuration))

    def _sign_in(self):
        command = ["perl", HERE / "lemonldap/sign_in.pl", self.folder, self.options.sessions]
        environment = {**os.environ, **{name: str(value) for name, value in self.variables.items()}}
        made = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
        if made.returncode:
            raise Failed(f"no sessions: {made.stderr.strip()[:200]}")
        return made.stdout.split()
