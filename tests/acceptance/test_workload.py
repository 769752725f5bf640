"""`ecology workload` as a process: what it is told and says over its pipes, and that it leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecology import scenarios
from tests.support.command import PATIENCE_S, environment
from tests.support.small_run import scenario

Figures = dict[str, int]


class Workload:
    """A workload's process and both ends of its conversation; `place` is where it makes its folder."""

    def __init__(self, place: Path, *options: str) -> None:
        self.place = place
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ecology", "workload", *options],
            env=environment(TMPDIR=str(place)),
            cwd=place,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def tell(self, line: object) -> None:
        """Send one line: JSON, or a text as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
        self.process.stdin.flush()

    def begin(self, name: str = "stress", **settings: object) -> dict[str, object]:
        """Send a scenario and wait until its world lives."""
        self.tell({"scenario": scenarios.dump(scenario(name, **settings))})
        return dict(self.heard()["ready"])

    def heard(self) -> dict[str, dict[str, object]]:
        """The next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"it said nothing more: {self.ended()}")
        heard: dict[str, dict[str, object]] = json.loads(line)
        return heard

    def figures(self) -> Figures:
        """The next figures."""
        return {name: int(str(value)) for name, value in self.heard()["figures"].items()}

    def until(self, seen: Callable[[Figures], bool]) -> Figures:
        """The figures of which it is first true."""
        end_s = time.monotonic() + PATIENCE_S
        while not seen(figures := self.figures()):
            assert time.monotonic() < end_s, f"it did not come to pass: {figures}"
        return figures

    def until_turns(self, turns: int) -> Figures:
        """The figures that first say so many turns."""
        return self.until(lambda figures: figures["turns"] >= turns)

    def until_spent(self, least: float, most: float) -> None:
        """Wait until an agent spends between so many tokens per second, over the time of nine figures in a row.

        Where a machine stalls, buckets fill and are emptied afterwards: these figures say nothing, others will.
        """
        rows = deque([self.figures()], maxlen=9)

        def spent(figures: Figures) -> bool:
            rows.append(figures)
            return len(rows) == rows.maxlen and least < spent_per_s(rows[0], rows[-1]) < most

        self.until(spent)

    def ended(self) -> tuple[int, str]:
        """Exit code and what was said to people, once it has ended by itself. Nothing is left of its folder."""
        _, err = self.process.communicate(timeout=PATIENCE_S)
        assert list(self.place.glob("ecology-workload-*")) == []
        return self.process.returncode, err


@contextmanager
def workload(place: Path, *options: str) -> Iterator[Workload]:
    it = Workload(place, *options)
    try:
        yield it
    finally:
        it.process.kill()
        it.process.communicate()


def spent_per_s(before: Figures, after: Figures) -> float:
    """Tokens per second of one agent."""
    seconds = (after["time_ns"] - before["time_ns"]) / 1e9
    return (after["millitokens"] - before["millitokens"]) / 1000 / seconds / after["agents"]


def test_it_begins_works_and_ends_with_its_input(tmp_path: Path) -> None:
    with workload(tmp_path) as it:
        ready = it.begin()
        assert ready["agents"] == 5
        assert ready["software"]
        assert int(str(ready["slots"])) >= 1
        first = it.until_turns(10)
        later = it.until_turns(first["turns"] + 1)
        assert later["time_ns"] > first["time_ns"]
        assert later["millitokens"] > first["millitokens"]
        assert later["loop_cpu_ns"] > first["loop_cpu_ns"]
        assert later["rate_millitokens_per_s"] == 10_000
        assert later["llm_tokens"] > 0
        assert len(list(tmp_path.glob("ecology-workload-*"))) == 1
        assert it.process.stdin is not None
        it.process.stdin.close()
        it.process.stdin = None
        assert it.ended() == (0, "")


def test_what_is_spent_follows_the_rate_it_is_told(tmp_path: Path) -> None:
    with workload(tmp_path) as it:
        it.begin()
        for rate, least, most in ((60, 40, 80), (15, 8, 23)):
            told = rate * 1000
            it.tell({"rate_millitokens_per_s": told})
            while it.figures()["rate_millitokens_per_s"] != told:
                pass
            for _ in range(3):  # what the buckets still held is spent first
                it.figures()
            it.until_spent(least, most)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(number: signal.Signals, tmp_path: Path) -> None:
    with workload(tmp_path) as it:
        it.begin()
        it.figures()
        it.process.send_signal(number)
        assert it.ended() == (0, "")


def test_it_ends_when_nobody_reads_what_it_says(tmp_path: Path) -> None:
    with workload(tmp_path) as it:
        it.begin()
        assert it.process.stdout is not None
        it.process.stdout.close()
        it.process.stdout = None
        assert it.process.wait(PATIENCE_S) == 0
        assert list(tmp_path.glob("ecology-workload-*")) == []


def test_it_ends_with_whoever_wanted_it(tmp_path: Path) -> None:
    """Its parent is killed: the pipe's end is the only word it gets."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=environment(TMPDIR=str(tmp_path)),
    )  # fmt: skip
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(json.dumps({"scenario": scenarios.dump(scenario("stress"))}) + "\n")
    parent.stdin.flush()
    child = int(parent.stdout.readline())
    assert list(tmp_path.glob("ecology-workload-*"))
    parent.kill()
    parent.communicate()
    _wait_for(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))
    _wait_for(lambda: not list(tmp_path.glob("ecology-workload-*")))


_PARENT = """
import subprocess, sys
it = subprocess.Popen([sys.executable, "-m", "ecology", "workload"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
it.stdin.write(sys.stdin.readline().encode())
it.stdin.flush()
it.stdout.readline()
print(it.pid, flush=True)
sys.stdin.read()
"""


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _wait_for(condition: object) -> None:
    assert callable(condition)
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it did not come to pass"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("garbage", "a line that is no order"),
        ('{"rate_millitokens_per_s": 5}', "a line that is no order"),
        ('{"scenario": "agents: -1"}', "agents"),
        ('{"scenario": "policy: scripted\\npopulation: [{strategy: nobody}]"}', "no strategy 'nobody'"),
        ('{"scenario": "mint: {slots: 1, scorer: nobody}"}', "no scorer 'nobody'"),
    ],
)
def test_what_is_no_beginning_is_one_line(line: str, word: str, tmp_path: Path) -> None:
    with workload(tmp_path) as it:
        it.tell(line)
        code, err = it.ended()
        assert code == 2
        assert len(err.splitlines()) == 1
        assert word in err


@pytest.mark.parametrize(
    "line", ["garbage", '{"rate_millitokens_per_s": "fast"}', '{"rate_millitokens_per_s": 0}', "{}", "\xff"]
)
def test_an_order_that_is_none_ends_it_with_one_line(line: str, tmp_path: Path) -> None:
    with workload(tmp_path) as it:
        it.begin()
        it.tell(line)
        code, err = it.ended()
        assert code == 2
        assert len(err.splitlines()) == 1
        assert err.startswith("ecology: ")


def test_no_line_at_all_is_no_mistake(tmp_path: Path) -> None:
    with workload(tmp_path) as it:
        assert it.ended() == (0, "")


def test_a_world_in_which_nobody_can_go_on_is_one_line(tmp_path: Path) -> None:
    """Everybody's money for models is spent after a thought or two, and nobody has any to give."""
    with workload(tmp_path) as it:
        it.begin(
            resources__stock__llm_budget__total_usd=0.03,
            prices__input_usd_per_million=1,
            prices__output_usd_per_million=1,
        )
        assert it.process.stdout is not None
        assert "figures" in it.process.stdout.read()  # until it ends by itself, while its input is open
        code, err = it.ended()
        assert code == 1
        assert len(err.splitlines()) == 1
        assert "will ever think again (llm_budget)" in err


def test_any_other_scenario_brings_its_own_mix(tmp_path: Path) -> None:
    """Scripted minds as they are, beyond the duration that the scenario names, its groups in proportion."""
    with workload(tmp_path) as it:
        assert it.begin("market", agents=20, duration="1s")["agents"] == 20
        it.tell({"rate_millitokens_per_s": 50_000})
        it.until(
            lambda seen: 40_000 < seen["rate_millitokens_per_s"] < 55_000
        )  # some of their rights are for sale
        figures = it.until(lambda seen: seen["turns"] >= 60 and seen["time_ns"] >= 2_000_000_000)
        assert 40_000 < figures["rate_millitokens_per_s"] < 55_000
        assert figures["llm_tokens"] == 0


def test_who_waits_for_a_model_thinks_meanwhile_and_keeps_nobody_from_ending(tmp_path: Path) -> None:
    with workload(tmp_path, "--latency", "3000", "--malformed", "0") as it:
        it.begin(model__timeout_s=4000)
        figures = it.until(lambda seen: seen["thinking"] >= 5)
        assert figures["turns"] == 0
        assert it.process.stdin is not None
        it.process.stdin.close()
        it.process.stdin = None
        assert it.ended() == (0, "")


def test_it_is_no_command_for_people(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "ecology", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert "workload" not in shown.stdout
