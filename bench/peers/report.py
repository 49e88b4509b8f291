"""The table and the JSON. It measures nothing."""

import os
import pathlib
import platform

HEAD = ("| | what is asked | credentials | requests/s | CPU µs | p50 ms | p99 ms | idle MiB | CPU to Countersign's |\n"
        "|---|---|--:|--:|--:|--:|--:|--:|--:|")


def machine():
    """What it ran on."""
    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "system": f"Linux {'.'.join(platform.release().split('.')[:2])}",
            "load_before": round(os.getloadavg()[0], 2)}


def markdown(run):
    machine = run["machine"]
    lines = [f"{run['date']}, {machine['processor']}, {machine['cores']} cores, {machine['system']}, load "
             f"{machine['load_before']} before the run; `{run['command']}`; {run['rounds']} rounds of {run['seconds']} s.", ""]
    for title, behind in (("Asked directly:", False), ("Behind nginx, on one core with it:", True)):
        rows = [row for row in run["contestants"] if row["behind_nginx"] == behind]
        if rows:
            lines += [title, "", HEAD, *_rows(rows), ""]
    missing = [row for row in run["contestants"] if row.get("not_measured")]
    lines += [f"Not measured: {row['name']}: {row['not_measured']}." for row in missing]
    return "\n".join(lines).rstrip() + "\n"


def _rows(rows):
    ours = next((row["cpu"] for row in rows if row["ours"] and "cpu" in row), None)
    for row in rows:
        name = f"{row['name']} {row['version']}".strip()
        if "cpu" not in row:
            yield f"| {name} | {row['asked']} | | not measured | | | | | |"
            continue
        ratio = f"{row['cpu'] / ours:.{1 if row['cpu'] / ours < 10 else 0}f}" if ours else ""
        yield (f"| {name} | {row['asked']} | {row['credentials']:,} | {row['rate']:,.0f} | {row['cpu']:,.1f} | "
               f"{row['p50'] / 1e3:,.2f} | {row['p99'] / 1e3:,.2f} | {row['idle']:,.0f} | {ratio} |")
