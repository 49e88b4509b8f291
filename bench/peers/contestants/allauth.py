"""django-allauth's headless API in gunicorn: one worker with threads, which keeps connections, as the others do. Sessions lie
in SQLite, which is Django's default, and are made by Django itself: a thousand hashes of passwords would take long."""

import subprocess

from measure import Question
from process import Failed, Process, free_port

from install import HERE

from .contestant import Contestant


class Allauth(Contestant):
    name, asked = "django-allauth", "`GET /_allauth/browser/v1/auth/session`, session cookie"
    fetches = "PyPI: django-allauth[headless], Django, gunicorn"

    def prepare(self):
        super().prepare()
        self.python = self.place.python("allauth")
        wanted = (HERE / "allauth/requirements.txt").read_text().split()
        self.version = next(line.partition("==")[2] for line in wanted if line.startswith("django-allauth=="))

    def start(self):
        variables = {"PEER_DATABASE": self.folder / "django.db", "PYTHONPATH": HERE / "allauth",
                     "PYTHONDONTWRITEBYTECODE": 1, "DJANGO_SETTINGS_MODULE": "site_of_peer"}
        made = subprocess.run([self.python, "-m", "sign_in", str(self.options.sessions)], capture_output=True, text=True,
                              env={name: str(value) for name, value in variables.items()})
        if made.returncode:
            raise Failed(f"no sessions: {made.stderr.strip().splitlines()[-1][:200]}")
        port = free_port()
        server = Process([self.python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", 1, "--worker-class",
                          "gthread", "--threads", 16, "--keep-alive", 75, "--no-control-socket", "site_of_peer:application"],
                         self.options.server_core, self.folder / "log", variables=variables)
        self.processes.append(server)
        server.wait_for(port)
        cookies = [f"sessionid={key}" for key in made.stdout.split()]
        self.question = Question(port, "/_allauth/browser/v1/auth/session", "Cookie", cookies)
