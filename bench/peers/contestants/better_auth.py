"""better-auth on Node's own HTTP server, with better-sqlite3."""

import json

from measure import Question, ask, at_once, set_cookie
from process import Failed, Process, free_port

from .contestant import Contestant


class BetterAuth(Contestant):
    name, asked = "better-auth", "`GET /api/auth/get-session`, session cookie"
    fetches = "npm: better-auth and better-sqlite3 (which is built, or fetches its build)"

    def prepare(self):
        super().prepare()
        self.modules = self.place.node("better-auth", natives=["better-sqlite3"])
        package = self.modules / "node_modules/better-auth/package.json"
        self.version = json.loads(package.read_text())["version"]

    def start(self):
        self.port = free_port()
        self._serve()
        cookies = at_once(self._sign_up, range(self.options.sessions))
        self.stop()
        self._serve()
        # Whoever is not known is answered 200 and `null`.
        self.question = Question(self.port, "/api/auth/get-session", "Cookie", cookies,
                                 lambda status, body: status == 200 and b'"user"' in body)

    def _serve(self):
        server = Process(["node", self.modules / "server.mjs", self.port, self.folder / "better-auth.db"],
                         self.options.server_core, self.folder / "log", variables={"NODE_ENV": "production"})
        self.processes.append(server)
        server.wait_for(self.port)

    def _sign_up(self, number):
        body = {"email": f"person-{number}@example.org", "password": "a password of some length", "name": "Person"}
        origin = {"Origin": f"http://localhost:{self.port}"}
        status, headers, said = ask(self.port, "POST", "/api/auth/sign-up/email", origin, body)
        if status != 200:
            raise Failed(f"a sign-up was answered {status}: {said[:200]}")
        return set_cookie(headers, "better-auth.session_token")
