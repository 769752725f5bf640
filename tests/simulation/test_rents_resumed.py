"""Rents of disk that end with too much on it, on a real database: stopped before and after one, the run ends alike."""

import asyncio
from pathlib import Path

import apsw

from ecology.core.clock import SECOND_NS, VirtualClock
from ecology.core.seeds import Draw
from ecology.engine.engine import Engine
from ecology.engine.observation import Observation
from ecology.engine.policy import PolicyBook
from ecology.engine.services import Supervision
from ecology.events.records import ArtifactDeleted
from ecology.events.registry import decode
from ecology.kernel.actions import Action, Buy, Edit, List, Sleep, Write
from ecology.resources.assets import DISK
from ecology.store.audit import audit
from ecology.store.reader import EventReader
from ecology.store.sqlite import SqliteStore
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, populate
from tests.support.thinkers import COSTS, Crashes, puppet

AGENTS = 5
UNTIL_NS = 30 * SECOND_NS


def choose(view: Observation) -> Action:
    """Write and let and rent disk, as the agent's own turn says; the mind remembers nothing."""
    draw = Draw(view.ordinal, view.turn)
    kind = draw.below(8)
    if kind < 3:
        return Write(f"work-{view.ordinal}-{view.turn}", "x" * draw.between(200, 3_000), title=f"work {kind}")
    if kind == 3:
        return Edit(f"work-{view.ordinal}-{draw.below(view.turn + 1)}", "x" * 150, "y" * draw.below(300))
    if kind == 4:
        amount = draw.between(500, 2_000)
        return List(1, asset=DISK, amount=amount, rent_ms=draw.between(1_000, 4_000))
    if kind < 7:
        return Buy(f"listing-{draw.between(1, 2 + view.turn)}")
    return Sleep(draw.between(1, 500))


def lived(path: Path, stop_ns: int = UNTIL_NS) -> None:
    """Live, from the store if it has a world, until the end or until the first turn that is not before `stop_ns`.

    Nothing but the database is left of a stopped run.
    """
    engines: list[Engine] = []

    def stopping(view: Observation) -> Action:
        if view.now_ns >= stop_ns:
            engines[0].interrupt()
        return choose(view)

    store = SqliteStore.open(path) if path.is_file() else SqliteStore.create(path)
    if store.is_empty():
        world, start_ns = store.new_world(seed=3, default_contract="public"), 0
        populate(world, AGENTS, {**GRANTS, DISK: 8_000})
        store.write(world.take_batch(), 0)
        store.commit()
        world.shelf.contents.committed()
    else:
        world, start_ns = store.load_world(seed=3, default_contract="public")

    async def live() -> None:
        engines.append(
            Engine(
                world,
                store,
                VirtualClock(start_ns),
                costs=COSTS,
                budgeted=False,
                thought_memory_bytes=0,
                policies=PolicyBook({"maker": puppet(stopping)}),
                thinking_slots=4,
                thought_ns=100_000_000,
                supervision=Supervision(),
                report_crash=Crashes().report,
                group_turns=7,
            )
        )
        await engines[0].run(UNTIL_NS)

    asyncio.run(live())
    assert broken_laws(world) == []
    store.close()
    assert engines[0].interrupted == (stop_ns < UNTIL_NS)
    assert [check for check in audit(path) if not check.ok] == []


def log_of(path: Path) -> list[bytes]:
    reader = EventReader(path)
    try:
        return [bytes(line) for line in reader.lines()]
    finally:
        reader.close()


def test_stopped_before_and_after_a_clearance_it_ends_as_the_whole_one(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite"
    lived(whole)
    expected = log_of(whole)
    told = [decode(line) for line in expected]
    cleared = [it for it in told if isinstance(it, ArtifactDeleted) and it.principal_id is None]
    times = sorted({it.time_ns for it in cleared})
    assert len(cleared) > len(times) >= 4, "some rents end with more than one thing too many"
    for clearance in (times[0], times[len(times) // 2], times[-1]):
        for stop_ns in (clearance - 200_000_000, clearance, clearance + 1):
            pieces = tmp_path / f"{stop_ns}.sqlite"
            lived(pieces, stop_ns)
            lived(pieces)
            assert log_of(pieces) == expected


def test_an_overhang_made_by_hand_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    lived(path)
    connection = apsw.Connection(str(path))
    one = "(SELECT id FROM artifacts WHERE type = 'text' AND NOT deleted ORDER BY created_sequence LIMIT 1)"
    bearer = f"(SELECT bearer FROM artifacts WHERE id = {one})"
    connection.execute(f"UPDATE artifacts SET size_bytes = size_bytes + 20000 WHERE id = {one}")
    connection.execute(f"UPDATE agents SET disk_used = disk_used + 20000 WHERE id = {bearer}")
    connection.close()
    assert [check.name for check in audit(path) if not check.ok] == ["quotas_respected"]
