"""A small workload that speaks the lines of `calibrate.workloads.lines`. Its scenario says how it behaves.

It imports nothing of ours, so it runs where there is only Python: `python -u -c SOURCE` in any container.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

RATE_OF_GLUTTONY = 666_000
"""Told this rate it takes 200 MB."""

STARTED = time.monotonic_ns()
STATE: dict[str, Any] = {"rate": 0, "turns": 0, "hoard": b""}


def source() -> str:
    """This module, for `python -u -c`."""
    return Path(__file__).read_text(encoding="utf-8")


def say(line: object) -> None:
    print(json.dumps(line), flush=True)


def figures(**others: object) -> dict[str, Any]:
    STATE["turns"] += 1
    told = {
        "time_ns": time.monotonic_ns() - STARTED,
        "agents": 5,
        "rate_millitokens_per_s": STATE["rate"],
        "turns": STATE["turns"],
        "millitokens": STATE["turns"] * 1000,
        "late_ns": 0,
        "loop_cpu_ns": time.process_time_ns(),
        "thinking": 1,
        "slots": 14,
    }
    return {"figures": told | others}


def work(percent: int) -> None:
    """Burn this share of one CPU, in bursts of 20 ms of wall time."""
    while True:
        until = time.monotonic() + 0.02
        while time.monotonic() < until:
            pass
        time.sleep(0.02 * (100 - percent) / percent)


def talk(how: str) -> None:
    number = 0
    while True:
        say(figures(a_figure_of_tomorrow=[1]) if how == "newer" else figures())
        number += 1
        if how == "newer":
            say({"news": "of a kind that nobody knows yet"})
        if number == 3 and how == "garbage":
            print("Segmentation fault \x1b[31m", flush=True)
        if number == 3 and how == "endless":
            sys.stdout.write("x" * 200_000)
        if number == 3 and how == "backwards":
            say({"figures": figures()["figures"] | {"turns": 0}})
        if number == 3 and how == "die":
            print("first line\nthe scenario is too small", file=sys.stderr, flush=True)
            os._exit(3)
        time.sleep(0.05)


def main() -> None:
    how = json.loads(sys.stdin.readline())["scenario"]
    if how == "early":
        sys.exit("no such scenario")
    if how == "family":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    if how != "silent":
        say({"ready": {"software": "0.1.0", "agents": 5, "slots": 14, "whatever": None}})
        threading.Thread(target=talk, args=(how,), daemon=True).start()
    if how.startswith("burn "):
        threading.Thread(target=work, args=(int(how.split()[1]),), daemon=True).start()
    for line in sys.stdin:
        STATE["rate"] = json.loads(line)["rate_millitokens_per_s"]
        if STATE["rate"] == RATE_OF_GLUTTONY:
            STATE["hoard"] = b"x" * 200_000_000
    if how == "deaf":
        time.sleep(300)


if __name__ == "__main__":
    main()
