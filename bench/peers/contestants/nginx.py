"""nginx: what one worker answers by itself, which is the floor; and a service behind it, that is asked about at nobody, at
Countersign by the recipe of deploy/nginx, or at a peer."""

import os
import re
import subprocess

from install import HERE
from measure import Question
from process import Process, free_port

from .contestant import Contestant
from .countersign import Countersign
from .glewlwyd import Glewlwyd

RECIPE = HERE.parent.parent / "deploy/nginx"
CONFIGURATION = """worker_processes 1;
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  upstream service {{ server 127.0.0.1:{service}; keepalive 64; keepalive_requests 1000000000; }}
  {more}
  server {{ listen 127.0.0.1:{service}; location / {{ return 200 hello; }} }}
  server {{
    listen 127.0.0.1:{port};
    server_name localhost;
    {server}
    location / {{
      {location}
      proxy_pass http://service;
    }}
  }}
}}
"""
# The worker is who started it: nobody else may enter the folder.
WORKER = "user root;" if os.geteuid() == 0 else ""
KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'


class Floor(Contestant):
    name, asked = "nginx", "`return 200`, a floor: nobody is refused"
    fetches = "Debian: nginx and wrk, where the system has none"
    # Which of its two servers is asked.
    asks_service = True

    def prepare(self):
        super().prepare()
        self.program = self.place.program("nginx", "nginx")
        said = subprocess.run([self.program, "-v"], capture_output=True, text=True).stderr
        self.version = said.strip().rpartition("/")[2]

    def start(self):
        self._serve(location=KEPT)
        self.question = Question(self.service if self.asks_service else self.port, "/", "Cookie", ["nobody=here"])
        self.question.is_open = True

    def _serve(self, **pieces):
        self.service, self.port = free_port(), free_port()
        pieces = {"more": "", "server": "", "location": "", **pieces}
        configuration = self.folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(
            folder=self.folder, service=self.service, port=self.port, user=WORKER, **pieces))
        server = Process([self.program, "-p", self.folder, "-e", self.folder / "error.log", "-c", configuration],
                         self.options.server_core, self.folder / "log")
        self.processes.append(server)
        server.wait_for(self.port)


class Proxied(Floor):
    name, asked = "nginx", "`proxy_pass` alone, a floor: nobody is refused"
    fetches, asks_service, behind_nginx = "", False, True


class Behind(Floor):
    """A contestant that nginx asks: two programs on one core."""

    asker, fetches, behind_nginx = None, "", True

    def prepare(self):
        super().prepare()
        self.peer = self.asker(self.place, self.options)
        self.peer.prepare()
        self.version = self.peer.version

    def start(self):
        try:
            self.peer.start()
        finally:
            self.processes += self.peer.processes
        self._serve(**self._pieces(self.peer.question))
        asked = self.peer.question
        self.question = Question(self.port, "/", asked.header, asked.credentials)


class CountersignBehind(Behind):
    name, asked, is_ours, asker = "Countersign", "`auth_request`, recipe of `deploy/nginx`, session cookie", True, Countersign

    def _pieces(self, question):
        more = (RECIPE / "countersign.conf").read_text()
        more = more.replace("127.0.0.1:8080", f"127.0.0.1:{self.peer.public}")
        more = more.replace("127.0.0.1:8082", f"127.0.0.1:{self.peer.verify}")
        # Connections are kept for more than a thousand requests, as those of the others are.
        more = re.sub(r"keepalive (\d+);", r"keepalive \1; keepalive_requests 1000000000;", more)
        return {
            "more": more,
            "server": f"set $countersign_app bench; include {RECIPE}/snippets/countersign-server.conf;",
            "location": f"include {RECIPE}/snippets/countersign-service.conf;",
        }


class GlewlwydBehind(Behind):
    name, asked, asker = "Glewlwyd", "`auth_request`, nothing passed on, session cookie", Glewlwyd

    def _pieces(self, question):
        return {
            "more": f"upstream peer {{ server 127.0.0.1:{question.port}; keepalive 64; keepalive_requests 1000000000; }}",
            "server": f"location = /ask {{ internal; proxy_pass http://peer{question.path}; proxy_pass_request_body off; "
                      f'proxy_set_header Content-Length ""; {KEPT} }}',
            "location": f"auth_request /ask; {KEPT}",
        }
