"""Controls and rounds: what must be accepted, what must be refused, and who is how fast. It does not know who is measured."""

import http.client
import json
import pathlib
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from process import Failed

HERE = pathlib.Path(__file__).parent
CONNECTIONS = 16


class Question:
    """What is asked for every request: a GET with a header that holds one of many credentials."""

    def __init__(self, port, path, header, credentials, accepts=lambda status, body: status == 200):
        self.port, self.path, self.header = port, path, header
        self.credentials, self.accepts = credentials, accepts
        # A floor lets everybody in, and says so itself.
        self.is_open = False

    def control(self):
        """Every credential must be accepted, and what is damaged, and nothing at all, must be refused."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for credential in self.credentials:
            if not self._is_accepted(connection, {self.header: credential}):
                raise Failed(f"a good credential was refused at {self.path}")
        if self.is_open:
            return
        bad = [{}] + [{self.header: damaged} for damaged in damage(self.credentials[0])]
        for headers in bad:
            if self._is_accepted(connection, headers):
                raise Failed(f"a damaged credential was accepted at {self.path}: {headers}")

    def _is_accepted(self, connection, headers):
        connection.request("GET", self.path, headers={"Host": "localhost", **headers})
        answer = connection.getresponse()
        return self.accepts(answer.status, answer.read())


def damage(credential):
    """The same with another letter near its end, and with another one in the middle of its value."""
    start = max(credential.find("="), credential.find(" ")) + 1
    for place in (len(credential) - 5, (start + len(credential)) // 2):
        other = "b" if credential[place] == "a" else "a"
        yield credential[:place] + other + credential[place + 1:]


def ask(port, method, path, headers=None, body=None):
    """One request: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": "localhost", **(headers or {})}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def at_once(work, items, callers=8):
    """`work` for each of the items, some at once, in their order."""
    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(work, items))


def set_cookie(headers, name):
    """`name=value` of the cookie that an answer sets."""
    for line in headers.get_all("Set-Cookie") or []:
        if line.startswith(f"{name}="):
            return line.split(";")[0]
    raise Failed(f"no cookie {name} was set")


def turn(contestant, wrk, core, seconds):
    """One turn of load: figures of wrk, and the CPU time that the contestant took for each request."""
    question = contestant.question
    credentials = contestant.folder / "credentials"
    if not credentials.exists():
        credentials.write_text("\n".join(question.credentials) + "\n")
    command = ["taskset", "-c", str(core), wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s",
               "-s", HERE / "load.lua", f"http://127.0.0.1:{question.port}{question.path}", "--", credentials,
               question.header]
    before, began = contestant.cpu(), time.monotonic()
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=seconds + 60)
    took, cpu = time.monotonic() - began, contestant.cpu() - before
    line = next((line for line in result.stdout.splitlines() if line.startswith("figures ")), None)
    if line is None:
        raise Failed(f"wrk: {(result.stderr or result.stdout).strip()[:200]}")
    figures = json.loads(line.removeprefix("figures "))
    if figures["failed"] or not figures["requests"]:
        raise Failed(f"{figures['failed']} of {figures['requests']} requests failed under load")
    return {
        "rate": figures["requests"] / (figures["microseconds"] / 1e6),
        "cpu": cpu / figures["requests"] * 1e6,
        "busy": cpu / took,
        "p50": figures["p50"],
        "p99": figures["p99"],
    }


def medians(turns):
    return {name: statistics.median(each[name] for each in turns) for name in turns[0]}
