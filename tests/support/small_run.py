"""Small worlds with a real database, lived in this process; no archive, no subprocess."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ecology import scenarios
from ecology.app import assembly
from ecology.app.run_directory import RunDirectory
from ecology.engine.committer import Store
from ecology.engine.engine import Engine
from ecology.engine.policy import PolicyFactory
from ecology.events.registry import Record, decode
from ecology.scenarios import Scenario
from ecology.store.reader import EventReader
from ecology.store.sqlite import SqliteStore

Wrap = Callable[[SqliteStore], Store]
Meanwhile = Callable[[Engine], None]


class SmallRun(msgspec.Struct, frozen=True):
    """A run directory whose world is lived a stretch at a time, as processes that come and go would."""

    directory: RunDirectory
    scenario: Scenario
    policies: Mapping[str, PolicyFactory] = {}

    @classmethod
    def make(
        cls, runs: Path, scenario: Scenario, policies: Mapping[str, PolicyFactory] | None = None
    ) -> "SmallRun":
        """A run directory for the scenario, not yet begun."""
        directory = RunDirectory.create(runs, "20260101T000000Z", scenario)
        directory.unlock()
        return cls(directory, scenario, policies or {})

    @property
    def path(self) -> Path:
        return self.directory.path

    def live(
        self, *, group_turns: int = 256, wrap: Wrap | None = None, meanwhile: Meanwhile | None = None
    ) -> Engine:
        """Take the run up and live to its end, or until something raises.

        `wrap` puts something between the engine and the store; `meanwhile` is called on the event loop before time
        begins to pass.
        """
        return asyncio.run(self._live(group_turns, wrap, meanwhile))

    async def _live(self, group_turns: int, wrap: Wrap | None, meanwhile: Meanwhile | None) -> Engine:
        path = self.directory.database
        store = SqliteStore.open(path) if path.is_file() else SqliteStore.create(path)
        outer = store if wrap is None else wrap(store)
        try:
            book = assembly.policies(self.scenario, None, self.policies)
            if store.is_empty():
                world, start_ns = assembly.new_world(store, self.scenario, book), 0
                outer.write(world.take_batch(), 0)
                store.put_meta("fingerprint", self.scenario.fingerprint())
                outer.commit()
                world.shelf.contents.committed()
            else:
                world, start_ns = assembly.load_world(store, self.scenario)
            engine = assembly.engine(
                self.directory, self.scenario, world, outer, start_ns, book, group_turns=group_turns
            )
            if meanwhile is not None:
                meanwhile(engine)
            await engine.run(self.scenario.duration_ns)
            return engine
        finally:
            store.close()

    def events(self) -> list[Record]:
        """Every committed event."""
        reader = EventReader(self.directory.database)
        try:
            return [decode(line) for line in reader.lines()]
        finally:
            reader.close()


def scenario(name: str = "container", **settings: object) -> Scenario:
    """A scenario with some of its keys set; dots in keys are written `__`."""
    flags = {key.replace("__", "."): value for key, value in settings.items()}
    return scenarios.load(name, flags=flags)


def peopled(strategies: Mapping[str, int], text: str = "", **settings: object) -> Scenario:
    """A scenario with so many agents of each strategy, in that order; `text` is YAML for the rest."""
    people = "".join(f"  - {{ strategy: {name}, share: {count} }}\n" for name, count in strategies.items())
    document = f"agents: {sum(strategies.values())}\npopulation:\n{people}{text}"
    data = scenarios.loads(document).data()
    for key, value in settings.items():
        data[key] = value
    return Scenario.model_validate(data)
