"""Worlds on the real clock that are over when a test has seen what it waits for, be the machine ever so slow.

Those that must also last for a time of their own are `tests.support.enough`.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from ecology.app import assembly
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import RealClock
from ecology.engine.engine import Engine
from ecology.scenarios import Scenario

AT_MOST = "90s"
"""How long such a world is to last: it is over by then even if what is waited for never happens."""

LOOK_S = 0.005

Happened = Callable[[Engine], bool]


def end_when(engine: Engine, until_ns: int, happened: Happened) -> None:
    """Let what is left of the time until `until_ns` pass at once when that has happened."""
    clock = engine.clock
    assert isinstance(clock, RealClock), "virtual time waits for everybody"

    async def life() -> None:
        while not happened(engine):
            await asyncio.sleep(LOOK_S)
        clock.not_before(until_ns)

    clock.spawn(life())


@contextmanager
def worlds_end_when(happened: Happened) -> Iterator[None]:
    """The same for every world that is taken up meanwhile."""
    make = assembly.engine

    def made(run: RunDirectory, scenario: Scenario, *parts: Any, **named: Any) -> Engine:  # noqa: ANN401 (passed on)
        engine = make(run, scenario, *parts, **named)
        end_when(engine, scenario.duration_ns, happened)
        return engine

    with mock.patch.object(assembly, "engine", made):
        yield


def later(happened: Happened, turns: int) -> Happened:
    """So many turns were taken since it had happened."""
    since: list[int] = []

    def so(engine: Engine) -> bool:
        if not since and happened(engine):
            since.append(engine.figures().turns)
        return bool(since) and engine.figures().turns >= since[0] + turns

    return so
