"""Countersign as an operator runs it: a SQLite file, durable commits, the log at its default level, metrics, and all limits,
set so high that the load does not reach them. People sign in by mailed code, as a page has them do."""

import email.parser
import email.policy
import json
import re
import subprocess
import time

from measure import Question, ask, at_once, set_cookie
from process import Failed, Process, free_port

from .contestant import Contestant

PAGE = "http://localhost:8080"
CONFIGURATION = """[server]
issuer = "{page}"
trusted_proxies = ["127.0.0.1/32"]
session_cache = {cache}
listeners = [
  {{ address = "127.0.0.1:{public}", parts = ["public"] }},
  {{ address = "127.0.0.1:{operations}", parts = ["operations"] }},
  {{ address = "127.0.0.1:{verify}", parts = ["verify"] }},
]
[storage]
data_dir = "{folder}"
[mail]
from = "no-reply@example.org"
transport = "file"
folder = "{folder}/mail"
allow_plaintext_messages = true
[limits]
messages_per_day = 100_000_000
requests_per_network_per_minute = 1_000_000
publishable_requests_per_network_per_minute = 1_000_000
[[apps]]
name = "bench"
accounts = "realm"
origins = ["{page}"]
forward_auth = {{ open = true, scopes = ["read:email", "read:name"] }}
resend_pause_seconds = 0
messages_per_day = 100_000_000
"""


class Countersign(Contestant):
    name, asked, is_ours = "Countersign", "`GET /verify/bench`, session cookie", True

    def prepare(self):
        super().prepare()
        self.program = self.options.countersign
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True)
        self.version = said.stdout.split()[-1] if said.returncode == 0 else ""

    def start(self):
        self.public, self.verify = free_port(), free_port()
        self.configuration = self.folder / "countersign.toml"
        self.configuration.write_text(CONFIGURATION.format(
            page=PAGE, folder=self.folder, public=self.public, verify=self.verify, operations=free_port(),
            cache=max(65_536, self.options.sessions * 2)))
        self._serve()
        cookies = self._sign_in(self.options.sessions)
        # What is idle has not just signed a thousand people in.
        self.stop()
        self._serve()
        self.question = Question(self.verify, "/verify/bench", "Cookie", cookies)

    def _serve(self):
        server = Process([self.program, "--config", self.configuration, "serve"], self.options.server_core,
                         self.folder / "log")
        self.processes.append(server)
        server.wait_for(self.verify)

    def _sign_in(self, people):
        added = subprocess.run([self.program, "--config", self.configuration, "key", "add", "bench", "--publishable",
                                "--json"], capture_output=True, text=True)
        if added.returncode:
            raise Failed(f"no key: {added.stderr.strip()}")
        headers = {"Authorization": f"Bearer {json.loads(added.stdout)['key']}", "Origin": PAGE}
        addresses = [f"person-{number}@example.org" for number in range(people)]

        def begin(address):
            _, _, body = ask(self.public, "POST", "/v1/challenges", headers, {"to": {"email": address}})
            return json.loads(body)

        challenges = at_once(begin, addresses)
        codes = self._codes(people)

        def finish(of):
            address, challenge = of
            body = {"code": codes[address], "binding": challenge["binding"]}
            path = f"/v1/challenges/{challenge['id']}/verify"
            status, answer, said = ask(self.public, "POST", path, headers, body)
            if status != 200:
                raise Failed(f"a sign-in was answered {status}: {said[:200]}")
            return set_cookie(answer, "__Host-countersign")

        return at_once(finish, zip(addresses, challenges))

    def _codes(self, people):
        """The codes of all mails, by address."""
        mails, until = self.folder / "mail", time.monotonic() + 60
        while len(found := list(mails.glob("*.eml"))) < people:
            if time.monotonic() > until:
                raise Failed(f"{len(found)} of {people} mails came")
            time.sleep(0.1)
        codes, parser = {}, email.parser.BytesParser(policy=email.policy.default)
        for path in found:
            mail = parser.parsebytes(path.read_bytes())
            text = mail.get_body(("plain",)).get_content()
            codes[mail["To"].addresses[0].addr_spec] = re.search(r"^(\d{6})\r?$", text, re.MULTILINE).group(1)
        return codes
