"""Thoughts per second of a whole world whose model takes its time: concurrency, end to end.

A fake model server answers every call after one second. A hundred agents think on it under the real clock; with one
second a thought they cannot make more than a hundred calls a second, and whatever they make less is lost by us.

    python scripts/bench_thinking.py [--agents 100] [--seconds 20]
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile

DELAY_MS = 1_000
ANSWER = '{"action":"noop"}'
PLENTY = (
    "thought.memory=1MiB",
    "resources.flow.llm_rate.rate=100000",
    "resources.flow.llm_rate.capacity=1000000",
    "resources.flow.cpu.rate=100",
    "resources.flow.cpu.capacity=100",
)
"""Nothing may bind here but the model."""


def main() -> None:
    """Start the server, run the world, print the rate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    python = sys.executable
    serve = [python, "-m", "ecology.testing.model_server", "--delay-ms", str(DELAY_MS), "--say", ANSWER]
    with (
        subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        try:
            assert server.stdout is not None
            url = re.search(r"http://\S+", server.stdout.readline())
            assert url is not None, "the server says where it listens"
            command = [
                python,
                "-m",
                "ecology",
                "run",
                "--policy",
                "llm",
                "--llm-url",
                url[0],
                "--model",
                "fake",
            ]
            command += [
                "--agents",
                str(options.agents),
                "--duration",
                f"{options.seconds}s",
                "--json",
                "--quiet",
            ]
            command += ["--runs", folder, *(word for setting in PLENTY for word in ("--set", setting))]
            summary = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        finally:
            server.terminate()
    calls, seconds = summary["model"]["calls"], summary["world_seconds"]
    print(f"{options.agents} agents, a model that takes {DELAY_MS / 1000:g} s: {calls / seconds:.1f} calls/s")
    print(
        f"{calls} calls in {seconds:.1f} s, {summary['cpu_seconds'] / calls * 1000:.2f} ms of CPU each, all told"
    )


if __name__ == "__main__":
    main()
