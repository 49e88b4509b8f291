"""What the contestants need, into a folder of the comparison's own: packages of Debian are fetched and unpacked there, so
that nothing of the system changes, no service starts, and nobody has to be root. It starts nothing."""

import os
import pathlib
import shutil
import subprocess
import sys

from process import Failed

HERE = pathlib.Path(__file__).parent


class Place:
    """The folder, and whether something may be fetched into it."""

    def __init__(self, folder, may_install):
        self.folder, self.may_install = folder.resolve(), may_install

    def debian(self, *names):
        """The root of a tree with these packages and what they need beyond what the system has."""
        root, mark = self.folder / "debian", self.folder / "debian" / f".{'+'.join(names)}"
        if mark.exists():
            return root
        self._ask_first(" ".join(names))
        needed = _run(["apt-get", "install", "--simulate", "--no-install-recommends", *names], self.folder)
        packages = [line.split()[1] for line in needed.splitlines() if line.startswith("Inst ")]
        fetched = self.folder / "fetched"
        fetched.mkdir(parents=True, exist_ok=True)
        root.mkdir(exist_ok=True)
        if packages:
            _run(["apt-get", "download", *packages], fetched)
        for package in sorted(fetched.glob("*.deb")):
            _run(["dpkg", "--extract", package, root], fetched)
        shutil.rmtree(fetched)
        mark.touch()
        return root

    def program(self, name, package):
        """A program of the system, or else of a package."""
        if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
            return pathlib.Path(found)
        root = self.debian(package)
        for folder in ("usr/bin", "usr/sbin"):
            if (root / folder / name).exists():
                return root / folder / name
        raise Failed(f"{package} has no {name}")

    def node(self, name, natives=()):
        """The folder with a server in JavaScript and its modules, in the versions of its lock file."""
        if not shutil.which("node") or not shutil.which("npm"):
            raise Failed("there is no node with npm here")
        target = self.folder / name
        mark = target / ".installed"
        lock = (HERE / name / "package-lock.json").read_text()
        if not mark.exists() or mark.read_text() != lock:
            self._ask_first(f"{name} (npm)")
            target.mkdir(parents=True, exist_ok=True)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name / file, target)
            # No package runs anything of its own, but for those that have to be built.
            _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], target)
            for native in natives:
                _run(["npm", "rebuild", native], target)
            mark.write_text(lock)
        shutil.copy(HERE / name / "server.mjs", target)
        return target

    def python(self, name):
        """The Python of an environment with the requirements of a peer."""
        target, wanted = self.folder / name, (HERE / name / "requirements.txt").read_text()
        mark = target / ".installed"
        if not mark.exists() or mark.read_text() != wanted:
            self._ask_first(f"{name} (PyPI)")
            _run(["python3", "-m", "venv", target], self.folder)
            _run([target / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--requirement",
                  HERE / name / "requirements.txt"], self.folder)
            mark.write_text(wanted)
        return target / "bin/python"

    def scratch(self, name):
        """An empty folder for the data of a contestant."""
        folder = self.folder / "data" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _ask_first(self, what):
        if not self.may_install:
            raise Failed(f"{what} is not in {self.folder.name}/, and --install was not given")
        self.folder.mkdir(parents=True, exist_ok=True)
        print(f"fetching {what}", file=sys.stderr, flush=True)


def version_of(package):
    """The version of a Debian package that was unpacked or is installed."""
    status = subprocess.run(["dpkg-query", "--show", "--showformat", "${Version}", package],
                            capture_output=True, text=True)
    if status.returncode == 0 and status.stdout:
        return status.stdout
    found = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True).stdout
    return next((line.split()[1] for line in found.splitlines() if line.strip().startswith("Candidate:")), "")


def _run(command, folder):
    command = list(map(str, command))
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800)
    if result.returncode:
        words = (result.stderr or result.stdout).strip().splitlines() or ["it said nothing"]
        raise Failed(f"{' '.join(command[:3])}: {words[-1][:200]}")
    return result.stdout
