"""Processes that the comparison starts: on a core of their own, watched through /proc, and ended when the run ends,
however it ends. It does not know what they serve."""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PR_SET_PDEATHSIG = 1

_running = []


class Failed(Exception):
    """Something that was started did not do what it is there for."""


class Process:
    """A program and all processes below it."""

    def __init__(self, command, core, log, folder=None, variables=None):
        environment = {**os.environ, **{name: str(value) for name, value in (variables or {}).items()}}
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as output:
            self.child = subprocess.Popen(
                ["taskset", "-c", str(core), *map(str, command)], stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, cwd=folder, env=environment, start_new_session=True, preexec_fn=_end_with_parent)
        _running.append(self)

    def cpu(self):
        """Seconds of user and system time of all of them so far."""
        return sum(_stat(pid)["cpu"] for pid in self._tree()) / TICKS

    def resident(self):
        """MiB in memory, of all of them."""
        return sum(_stat(pid)["pages"] for pid in self._tree()) * PAGE / 1024 / 1024

    def is_running(self):
        return self.child.poll() is None

    def wait_for(self, port, seconds=60):
        """Waits until it takes connections at a port, or has made a socket."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self.is_running():
                raise Failed(f"it ended at its start: {self.last_words()}")
            if _is_open(port):
                return
            time.sleep(0.05)
        raise Failed(f"it did not listen within {seconds} seconds: {self.last_words()}")

    def last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"

    def stop(self):
        """Ends it and what it started: in order, and after five seconds at once."""
        for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.child.pid, number)
            except ProcessLookupError:
                break
            try:
                self.child.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        try:
            # Whoever of its group is still there.
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if self in _running:
            _running.remove(self)

    def _tree(self):
        below = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and (found := _stat(entry)):
                below.setdefault(found["parent"], []).append(int(entry))
        tree, open_ends = [], [self.child.pid]
        while open_ends:
            pid = open_ends.pop()
            if _stat(pid):
                tree.append(pid)
                open_ends += below.get(pid, [])
        return tree


def stop_all():
    """Ends all that still run."""
    for process in list(_running):
        process.stop()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _is_open(port):
    if isinstance(port, pathlib.Path):
        return port.exists()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stat(pid):
    """What /proc/PID/stat says, with the time of children that have ended; nothing where it has gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return {"parent": int(fields[1]), "cpu": sum(map(int, fields[11:15])), "pages": int(fields[21])}


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
