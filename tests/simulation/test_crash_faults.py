"""A store that fails at a seeded commit, in every way it can: the run that goes on ends as one that never stopped."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ecology.app.run_directory import RunDirectory
from ecology.core.seeds import Draw
from ecology.scenarios import Scenario
from ecology.store.sqlite import SqliteStore
from tests.support.faulty_store import MOMENTS, FaultyStore, Moment, PowerCut
from tests.support.small_run import SmallRun, scenario
from tests.support.stored_run import StoredRun, tables_of

SEEDS = 120
WORLDS = (("container", "60s"), ("commons", "30s"), ("market", "60s"), ("famine", "10m"))
"""Scenarios, and how long each needs for some hundred turns."""


def _world(seed: int) -> Scenario:
    name, duration = WORLDS[seed % len(WORLDS)]
    return scenario(name, agents=6, duration=duration, seed=seed % 12)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], StoredRun]:
    """What the world of a seed comes to when nothing happens to it."""

    @cache
    def of(world_seed: int) -> StoredRun:
        run = SmallRun.make(tmp_path_factory.mktemp("whole"), _world(world_seed))
        run.live(group_turns=16)
        return StoredRun.read(run.path)

    return lambda seed: of(seed % 12)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_failed_goes_on_as_if_it_had_not(
    seed: int, tmp_path: Path, uninterrupted: Callable[[int], StoredRun]
) -> None:
    """Up to three faults in a life, genesis among them; then to the end in peace."""
    draw = Draw(seed, 1)
    run = SmallRun.make(tmp_path, _world(seed))
    for _ in range(draw.between(1, 3)):
        at, moment = draw.between(1, 7), draw.choice(MOMENTS)

        def faulty(store: SqliteStore, at: int = at, moment: Moment = moment) -> FaultyStore:
            return FaultyStore(store, at, moment)

        with pytest.raises(PowerCut):
            run.live(group_turns=draw.between(1, 5), wrap=faulty)
    run.live(group_turns=draw.between(1, 40))
    assert StoredRun.read(run.path).difference(uninterrupted(seed)) == "", f"seed {seed}"


def test_a_group_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """Whatever the moment of a fault, the tables are those of a group's border."""
    world = scenario(agents=6, duration="40s", seed=5)
    borders: list[dict[str, object]] = []

    class Noting(FaultyStore):
        def commit(self) -> None:
            super().commit()
            borders.append(dict(tables_of(run.directory.database)))

    run = SmallRun.make(tmp_path / "whole", world)
    run.live(group_turns=3, wrap=lambda store: Noting(store, 1_000_000, "before"))
    for moment in MOMENTS:

        def faulty(store: SqliteStore, moment: Moment = moment) -> FaultyStore:
            return FaultyStore(store, 4, moment)

        broken = SmallRun.make(tmp_path / moment, world)
        with pytest.raises(PowerCut):
            broken.live(group_turns=3, wrap=faulty)
        kept = 4 if moment == "committed" else 3
        assert tables_of(broken.directory.database) == borders[kept - 1], moment


def test_a_world_taken_up_again_has_its_laws(tmp_path: Path) -> None:
    """The scenario is read from the run's own directory, as a new process reads it."""
    overrides = {
        "mint__slots": "3",
        "mint__every": "7s",
        "code__depth": "2",
        "code__costs__per_step_ns": "777",
    }
    begun = SmallRun.make(tmp_path, scenario("market", agents=6, duration="30s", **overrides))
    with pytest.raises(PowerCut):
        begun.live(group_turns=5, wrap=lambda store: FaultyStore(store, 3, "committed"))
    stored = RunDirectory(begun.path).scenario()
    assert stored.laws() == begun.scenario.laws() != Scenario().laws()
    resumed = SmallRun(begun.directory, stored)
    assert resumed.live().world.laws == begun.scenario.laws()
