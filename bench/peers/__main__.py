"""Countersign beside others: who is how fast at the question that a proxy asks for every request. README.md says more."""

import argparse
import datetime
import json
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

import report
from contestants import BEHIND, DIRECT
from install import Place
from measure import medians, turn
from process import Failed, stop_all

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    options = arguments()
    # Also where whoever started it, such as a script in the background, has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    place = Place(options.folder, options.install)
    chosen = [kind for kind in DIRECT + BEHIND if chosen_by(options.only, kind)]
    if not options.markdown:
        tell_plan(chosen, options)
    if not shutil.which("taskset"):
        sys.exit("taskset is needed (Debian: util-linux)")
    countersign(options)
    run = {"date": datetime.date.today().isoformat(), "machine": report.machine(), "rounds": options.rounds,
           "seconds": options.seconds, "command": command(options)}
    try:
        run["contestants"] = compare(chosen, place, options)
    except KeyboardInterrupt:
        sys.exit("ended by hand")
    finally:
        stop_all()
    options.json.write_text(json.dumps(run, indent=2) + "\n")
    print(report.markdown(run), end="")
    if any("cpu" not in row for row in run["contestants"] if row["ours"]):
        sys.exit(1)


def arguments():
    parser = argparse.ArgumentParser(prog="python3 bench/peers", description=__doc__)
    parser.add_argument("--install", action="store_true", help="fetch what is missing, into the folder alone")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "target/peers", help="where all of it lies")
    parser.add_argument("--countersign", type=pathlib.Path, help="the program; built by cargo where absent")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of a turn of a contestant in a round")
    parser.add_argument("--warm", type=int, default=5, help="seconds of load before the first round")
    parser.add_argument("--sessions", type=int, default=1000, help="people signed in at each contestant")
    parser.add_argument("--cores", default="0,1", help="the core of what is measured, and that of the load")
    parser.add_argument("--only", default="", help="names of contestants with commas between, such as glewlwyd,countersign")
    parser.add_argument("--json", type=pathlib.Path, help="where the figures go; peers.json in the folder by default")
    parser.add_argument("--markdown", action="store_true", help="print the table and nothing else")
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    options.json = options.json or options.folder / "peers.json"
    options.server_core, options.load_core = options.cores.split(",")
    return options


def command(options):
    """What would measure the same elsewhere: without places on this machine."""
    parts = ["python3 bench/peers --install", f"--rounds {options.rounds} --seconds {options.seconds}",
             f"--warm {options.warm} --sessions {options.sessions}"]
    return " ".join(parts + ([f"--only {shlex.quote(options.only)}"] if options.only else []))


def chosen_by(only, kind):
    """Whether a contestant was asked for: all are, where nobody chose."""
    wanted = [name.strip().lower() for name in only.split(",") if name.strip()]
    return not wanted or kind.name.lower() in wanted


def tell_plan(chosen, options):
    print(f"Everything goes into {options.folder}, and listens on 127.0.0.1 alone. Nothing of the system is changed.")
    for what in dict.fromkeys(kind.fetches for kind in chosen if kind.fetches):
        print(f"  {what}")
    print("What is missing there is fetched.\n" if options.install else "Nothing is fetched without --install.\n", flush=True)


def countersign(options):
    """Finds or builds the program that all others are compared with."""
    if options.countersign is None:
        command = ["cargo", "build", "--release", "--package", "countersign-cli", "--message-format", "json"]
        built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if built.returncode:
            sys.exit("it does not build")
        made = [json.loads(line).get("executable") for line in built.stdout.splitlines()]
        options.countersign = pathlib.Path(next(path for path in made if path and path.endswith("/countersign")))
    options.countersign = options.countersign.resolve()


def compare(chosen, place, options):
    """All rounds: a row for each contestant, also for those that could not be measured."""
    rows, running = [], []
    try:
        wrk = place.program("wrk", "wrk")
    except Failed as reason:
        sys.exit(f"no load without wrk: {reason}")
    for kind in chosen:
        row = {"name": kind.name, "version": "", "asked": kind.asked, "ours": kind.is_ours,
               "behind_nginx": kind.behind_nginx, "turns": []}
        rows.append(row)
        contestant = kind(place, options)
        if guarded(row, contestant, lambda: make_ready(contestant, row, wrk, options)):
            running.append((contestant, row))
    for number in range(options.rounds):
        say(options, f"round {number + 1} of {options.rounds}")
        for contestant, row in list(running):
            measured = lambda: row["turns"].append(turn(contestant, wrk, options.load_core, options.seconds))
            if not guarded(row, contestant, measured):
                running.remove((contestant, row))
    for contestant, row in running:
        # Everybody must still be known: a quick answer may have been a refusal.
        if guarded(row, contestant, contestant.question.control):
            row.update(medians(row["turns"]))
            contestant.stop()
    return rows


def make_ready(contestant, row, wrk, options):
    say(options, f"{contestant.name}{', behind nginx' if contestant.behind_nginx else ''}: starting")
    contestant.prepare()
    row["version"] = contestant.version
    contestant.start()
    time.sleep(2)
    row["idle"] = contestant.resident()
    row["credentials"] = len(contestant.question.credentials)
    contestant.question.control()
    turn(contestant, wrk, options.load_core, options.warm)


def guarded(row, contestant, work):
    """Does a piece of work; where it fails the contestant is stopped, and its row says why."""
    try:
        work()
        return True
    except Exception as reason:  # Whatever a peer does must not end the comparison of the others.
        row["not_measured"] = str(reason) if isinstance(reason, Failed) else f"{type(reason).__name__}: {reason}"
        print(f"{row['name']}: not measured: {row['not_measured']}", file=sys.stderr)
        contestant.stop()
        return False


def say(options, what):
    if not options.markdown:
        print(what, flush=True)


if __name__ == "__main__":
    main()
