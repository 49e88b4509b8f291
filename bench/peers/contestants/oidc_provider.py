"""oidc-provider on Node's own HTTP server. It keeps everything in memory: a database would cost it more. Its access tokens
are of the opaque kind, which is its default, and are made at its start, since a thousand walks through a browser are not
practical."""

import json
import time

from measure import Question
from process import Failed, Process, free_port

from .contestant import Contestant


class OidcProvider(Contestant):
    name, asked = "oidc-provider", "`GET /me` (userinfo), opaque access token, kept in memory"
    fetches = "npm: oidc-provider"

    def prepare(self):
        super().prepare()
        self.modules = self.place.node("oidc-provider")
        package = self.modules / "node_modules/oidc-provider/package.json"
        self.version = json.loads(package.read_text())["version"]

    def start(self):
        port, tokens = free_port(), self.folder / "tokens"
        server = Process(["node", self.modules / "server.mjs", port, self.options.sessions, tokens],
                         self.options.server_core, self.folder / "log", variables={"NODE_ENV": "production"})
        self.processes.append(server)
        server.wait_for(port)
        until = time.monotonic() + 60
        while not tokens.exists():
            if time.monotonic() > until:
                raise Failed(f"no tokens: {server.last_words()}")
            time.sleep(0.1)
        self.question = Question(port, "/me", "Authorization", [f"Bearer {token}" for token in tokens.read_text().split()])
