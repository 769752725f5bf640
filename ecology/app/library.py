"""Runs from Python: the same engine, files and measures as the command line."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ecology import scenarios
from ecology.app import assembly, model_client, running
from ecology.app.finishing import finish
from ecology.app.memory import MemoryPlace
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import utc_stamp
from ecology.core.errors import RunFault, UsageError
from ecology.engine.policy import PolicyFactory
from ecology.events.registry import FAMILY_OF, Record, decode
from ecology.observe.summary import Summary
from ecology.scenarios import Scenario
from ecology.store.reader import EventReader


class FinishedRun(msgspec.Struct, frozen=True):
    """A run that is over: where its files are and what it came to."""

    directory: Path
    summary: Summary

    def events(self) -> Iterator[Record]:
        """All events in order, as typed records."""
        reader = EventReader(RunDirectory(self.directory).database)
        try:
            for line in reader.lines():
                yield decode(line)
        finally:
            reader.close()

    def table(self, event_type: str) -> dict[str, list[object]]:
        """The events of one type as columns: what `pandas.DataFrame` and `polars.DataFrame` take.

        Raises UsageError for a type that does not exist.
        """
        family = FAMILY_OF.get(event_type)
        if family is None:
            raise UsageError(
                f"no event type '{event_type}'", remedy=f"there are {', '.join(sorted(FAMILY_OF))}"
            )
        columns: dict[str, list[object]] = {name: [] for name in family.__struct_fields__}
        for event in self.events():
            if type(event) is family:
                for name, column in columns.items():
                    column.append(getattr(event, name))
        return columns


def run(
    scenario: Scenario | str | Path,
    *,
    runs: str | Path = "runs",
    policies: Mapping[str, PolicyFactory] | None = None,
    **settings: object,
) -> FinishedRun:
    """Run a scenario (an object, a name or a file) to its end; `settings` are its top-level keys, e.g. `seed=7`.

    `policies` adds minds of your own, which the scenario's population may then name as strategies. Not for use inside a
    running event loop. Raises ScenarioError for what cannot be run and RunFault for what failed on the way; an
    interrupted run raises RunFault too and can be resumed from the command line.
    """
    if isinstance(scenario, Scenario):
        if settings:
            raise UsageError(
                "settings go with a scenario's name or file", remedy="change the Scenario object instead"
            )
    else:
        scenario = scenarios.load(
            scenario, environ=os.environ, flags=settings, strategies=assembly.strategies(policies or ())
        )
    assembly.require_minds(scenario, policies or ())
    return asyncio.run(_live(scenario, Path(runs), dict(policies or {})))


async def _live(scenario: Scenario, runs: Path, policies: dict[str, PolicyFactory]) -> FinishedRun:
    place = MemoryPlace.named(os.environ.get("QDRANT_URL"), os.environ)
    client = await model_client.connect(scenario, dict(os.environ), _ignore, wait=False)
    assembly.policies(scenario, client, policies)  # a plug-in that is broken leaves no directory behind
    directory = RunDirectory.create(runs, utc_stamp(), scenario)
    watchers = running.Watchers(say=_ignore, progress=_ignore)
    try:
        ending = await running.begin(directory, scenario, client, watchers, policies, place=place)
        if not ending.complete:
            raise RunFault(
                "the run was interrupted", remedy=f"go on with: {running.resume_command(directory)}"
            )
        return FinishedRun(directory.path, finish(directory, scenario, ending.wall_ns))
    finally:
        directory.unlock()


def _ignore(news: object) -> None:
    """A library says nothing by itself."""
