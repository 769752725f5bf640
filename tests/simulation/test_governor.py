"""A run that is governed: a real clock, a real engine, and a sampler that says what the test wants the host to be."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from calibrate.control import Change, Decision, Wait
from calibrate.errors import CalibrationFault
from calibrate.reading import Limits, Reading, Sampler
from calibrate.workload import Figures, Sample
from ecology.app import running
from ecology.app.governing import Governing, Governor
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import SECOND_NS
from ecology.engine.engine import Engine
from ecology.events.records import ActionTaken, FlowChanged
from ecology.events.registry import Record, decode
from ecology.scenarios import Scenario
from ecology.store.audit import audit
from ecology.store.reader import EventReader
from ecology.store.sqlite import SqliteStore
from tests.support.ending import AT_MOST, later, worlds_end_when
from tests.support.small_run import peopled

GIGABYTE = 2**30
EVERY_S = 0.05
AGENTS = 3
TURNS = 2


class Host:
    """A container of two CPUs that is always this busy, read twenty times a second by a clock of its own.

    After `readings` it is gone, if that is not None.
    """

    limits = Limits(2_000, GIGABYTE, "a test")

    def __init__(self, percent: float, readings: int | None = None) -> None:
        self._percent = percent
        self._left = readings
        self.read = 0
        self.gone = False

    async def readings(self) -> AsyncGenerator[Reading, None]:
        while True:
            if self._left == self.read:
                self.gone = True
                raise CalibrationFault("the container is gone", remedy="start it again")
            at_ns = self.read * SECOND_NS
            yield Reading(at_ns, int(at_ns * self._percent / 100 * 2), GIGABYTE // 4)
            self.read += 1
            await asyncio.sleep(EVERY_S)


class State(msgspec.Struct, frozen=True):
    since: int = 0


class Halves:
    """The simplest rule: a third less above the band, half as much again below it, after four samples each."""

    def __init__(self, rate: float) -> None:
        self.began = rate

    def begin(self) -> State:
        return State()

    def step(self, state: State, sample: Sample) -> tuple[State, Decision]:
        if state.since < 4 or 70 <= sample.cpu_percent <= 80:
            return State(state.since + 1), Wait()
        factor = 2 / 3 if sample.cpu_percent > 80 else 3 / 2
        rate = min(max(sample.rate * factor, self.began / 8), self.began * 8)
        return State(), Change(rate, f"CPU {sample.cpu_percent:.0f} %")


class Watched(msgspec.Struct, frozen=True):
    """What a run said and did."""

    said: list[str]
    events: list[Record]
    complete: bool
    last: int
    """The last event that there was when what was waited for had happened."""

    @property
    def flow(self) -> list[int]:
        return [event.flow_ppm for event in self.events if isinstance(event, FlowChanged)]


def the_scenario() -> Scenario:
    return peopled({"maker": AGENTS}, duration=AT_MOST, clock="real")


def directory(runs: Path) -> RunDirectory:
    found = RunDirectory.create(runs, "20260101T000000Z", the_scenario())
    found.unlock()
    return found


def live(
    where: RunDirectory,
    sampler: Callable[[], Sampler],
    rule: Callable[[float], Halves] = Halves,
    *,
    until: Callable[[list[str]], bool] = lambda said: len(said) >= 3,
) -> Watched:
    """Begin the run or go on with it, governed; some turns after that is true of what was said, its world is over."""
    said: list[str] = []
    last: list[int] = []

    def happened(engine: Engine) -> bool:
        if not last and until(said):
            last.append(engine.world.log.next_sequence - 1)
        return bool(last)

    watchers = running.Watchers(said.append, lambda progress: None)
    governing = Governing(sampler, rule)
    scenario = where.scenario()

    async def lived() -> running.Ending:
        if where.begun:
            return await running.resume(where, scenario, None, watchers, governing=governing)
        return await running.begin(where, scenario, None, watchers, governing=governing)

    with worlds_end_when(later(happened, TURNS)):
        ending = asyncio.run(lived())
    reader = EventReader(where.database)
    events = [decode(line) for line in reader.lines()]
    reader.close()
    assert [check for check in audit(where.database) if not check.ok] == []
    return Watched(said, events, ending.complete, last[0] if last else 0)


def test_an_overloaded_host_slows_the_world(tmp_path: Path) -> None:
    run = live(directory(tmp_path), lambda: Host(95))
    assert run.complete and run.flow
    assert run.flow == sorted(run.flow, reverse=True) and run.flow[0] < 1_000_000
    changed = [event for event in run.events if isinstance(event, FlowChanged)]
    assert {event.why for event in changed} == {"governor: CPU 95 %"}
    assert len(run.said) == len(changed) and all("CPU 95 %" in line for line in run.said)


def test_an_idle_host_lets_it_run(tmp_path: Path) -> None:
    run = live(directory(tmp_path), lambda: Host(40))
    assert run.flow == sorted(run.flow) and run.flow[0] > 1_000_000


def test_inside_the_band_nothing_happens(tmp_path: Path) -> None:
    host = Host(75)
    run = live(directory(tmp_path), lambda: host, until=lambda said: host.read > 20)
    assert (run.flow, run.said) == ([], [])
    assert run.complete and host.read > 20


def test_a_sampler_that_fails_is_said_once_and_the_run_goes_on(tmp_path: Path) -> None:
    host = Host(95, readings=3)
    run = live(directory(tmp_path), lambda: host, until=lambda said: host.gone)
    assert run.complete and run.flow == []
    assert run.said == ["the governor rests: the container is gone (start it again)"]
    assert any(isinstance(event, ActionTaken) and event.sequence > run.last for event in run.events)


def test_nor_does_one_that_cannot_even_begin_or_a_rule_that_is_wrong(tmp_path: Path) -> None:
    def nothing() -> Sampler:
        raise CalibrationFault("nothing limits this process")

    def broken(rate: float) -> Halves:
        raise ZeroDivisionError("by nothing")

    run = live(directory(tmp_path / "one"), nothing, until=bool)
    assert (run.complete, run.said) == (True, ["the governor rests: nothing limits this process"])
    run = live(directory(tmp_path / "two"), lambda: Host(95), broken, until=bool)
    assert (run.complete, run.said) == (True, ["the governor rests: ZeroDivisionError: by nothing"])


def test_a_resumed_run_begins_with_the_flow_it_had(tmp_path: Path) -> None:
    """The first time it is interrupted, by a signal of the rule's own."""
    where, began = directory(tmp_path), list[float]()

    class Stopping(Halves):
        def __init__(self, rate: float) -> None:
            super().__init__(rate)
            began.append(rate)

        def step(self, state: State, sample: Sample) -> tuple[State, Decision]:
            decided = super().step(state, sample)
            if len(began) == 1 and sample.rate < self.began:
                os.kill(os.getpid(), signal.SIGTERM)
            return decided

    first = live(where, lambda: Host(95), Stopping, until=lambda said: False)
    assert not first.complete and first.flow
    store = SqliteStore.open(where.database)
    world, _ = store.load_world(
        seed=the_scenario().seed, default_contract="freeware", laws=the_scenario().laws()
    )
    assert world.offices.world.flow_ppm == first.flow[-1]
    store.close()
    host = Host(75)
    second = live(where, lambda: host, Stopping, until=lambda said: host.read > 20)
    assert second.complete and second.flow == first.flow
    assert began[1] == pytest.approx(began[0] * first.flow[-1] / 1_000_000, rel=0.01)


def test_rights_that_change_hands_do_not_look_like_another_rate(tmp_path: Path) -> None:
    """What agents may use moves with every listing; the rule sees what the flow is, and what share of it is spent."""
    seen: list[Sample] = []

    class Watching(Halves):
        def step(self, state: State, sample: Sample) -> tuple[State, Decision]:
            seen.append(sample)
            return super().step(state, sample)

    class Listing:
        """An engine whose agents list a hundredth of their rate every other second."""

        def __init__(self) -> None:
            self.second = 0
            self.spent = 0
            self.world = SimpleNamespace(offices=SimpleNamespace(world=SimpleNamespace(flow_ppm=1_000_000)))

        def figures(self) -> Figures:
            self.second += 1
            rate = 10_000 if self.second % 2 else 9_900
            self.spent += 5 * rate * 8 // 10
            return Figures(self.second * SECOND_NS, 5, rate, self.second, self.spent, 0, 0, 0, 1)

    host = Host(75, readings=30)
    governor = Governor(cast(Engine, Listing()), Governing(lambda: host, Watching), lambda line: None)
    with pytest.raises(CalibrationFault, match="gone"):
        asyncio.run(governor.run())
    assert {sample.rate for sample in seen} == {10.0}
    assert len(seen) > 10 and all(0.7 < sample.spent / sample.rate < 0.9 for sample in seen)
