"""A world with a mint on a real database: stopped or killed, and taken up again, it ends as the whole one."""

import asyncio
import shutil
from pathlib import Path

import apsw
import pytest

from ecology.core.clock import MILLISECOND_NS, SECOND_NS, VirtualClock
from ecology.core.seeds import Draw
from ecology.engine.engine import Engine
from ecology.engine.judging import Judgement, SlowScorer
from ecology.engine.observation import Observation
from ecology.engine.policy import ModelUse, PolicyBook
from ecology.engine.services import Supervision
from ecology.kernel.actions import Action, Bid, Read, Sleep, Write
from ecology.kernel.batch import Batch
from ecology.kernel.economy.rubric import Rubric
from ecology.kernel.economy.scoring import Score, Scorer, Submission
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import SCRIP
from ecology.store.audit import audit
from ecology.store.reader import EventReader
from ecology.store.sqlite import SqliteStore
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, populate
from tests.support.thinkers import COSTS, Crashes, puppet

AGENTS = 5
RESOLVED_NS = 5 * SECOND_NS
LAWS = Laws(mint=MintLaw(first_ns=RESOLVED_NS, every_ns=7 * SECOND_NS, slots=2))
UNTIL_NS = 40 * SECOND_NS
KILLED_UNTIL_NS = 7 * SECOND_NS
STOPS_MS = (4_000, 5_500, 12_990, 19_400)
"""Before, between and just after resolutions, and while winners of three of them await their scores."""


class Judge:
    """Takes a moment, and scores by all that it is shown."""

    slow = True

    async def score(self, submission: Submission) -> Judgement:
        await asyncio.sleep(0)
        value = (len(submission.content) + 7 * submission.users + submission.similarity) % 101
        return Judgement(Score(value), ModelUse("judge", "ok", len(submission.content), 5, 1))


def choose(view: Observation) -> Action:
    """Write, revise, read one another's and bid, as the agent's own turn says; the mind remembers nothing."""
    draw = Draw(view.ordinal, view.turn)
    mine, theirs = (f"work-{ordinal}-{draw.below(3)}" for ordinal in (view.ordinal, draw.between(1, AGENTS)))
    kind = draw.below(6)
    if kind < 2:
        words = " ".join(f"w{draw.below(40)}" for _ in range(draw.between(5, 60)))
        return Write(mine, words, title="A work of mine", depends_on=[theirs] if kind else [])
    if kind == 2:
        return Read(theirs)
    return Bid(mine, draw.between(1, 30)) if kind < 5 else Sleep(draw.between(1, 2_000))


class Photographed(SqliteStore):
    """After each commit in one of some spans of time keeps what a kill at that moment would leave on the disk."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        super().__init__(path, connection)
        self.spans: list[tuple[int, int]] = []
        self.written_ns = 0
        self.killed: list[Path] = []

    def write(self, batch: Batch, now_ns: int) -> None:
        super().write(batch, now_ns)
        self.written_ns = now_ns

    def commit(self) -> None:
        super().commit()
        if not any(start <= self.written_ns <= end for start, end in self.spans):
            return
        left = self.path.with_name(f"killed-{len(self.killed)}.sqlite")
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{self.path}{suffix}", f"{left}{suffix}")
        self.killed.append(left)


def opened(path: Path) -> SqliteStore:
    return SqliteStore.open(path) if path.is_file() else SqliteStore.create(path)


def lived(
    store: SqliteStore,
    scorer: Scorer | SlowScorer,
    *,
    stop_ns: int = UNTIL_NS,
    until_ns: int = UNTIL_NS,
    laws: Laws = LAWS,
    group_turns: int = 7,
) -> None:
    """Live, from the store if it has a world, until the end or until the first turn that is not before `stop_ns`.

    Nothing but the database is left of a stopped run.
    """
    engines: list[Engine] = []

    def stopping(view: Observation) -> Action:
        if view.now_ns >= stop_ns:
            engines[0].interrupt()
        return choose(view)

    if store.is_empty():
        world, start_ns = store.new_world(seed=3, default_contract="freeware", laws=laws), 0
        populate(world, AGENTS, {**GRANTS, SCRIP: 60})
        store.write(world.take_batch(), 0)
        store.commit()
        world.shelf.contents.committed()
    else:
        world, start_ns = store.load_world(seed=3, default_contract="freeware", laws=laws)

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
                thought_ns=SECOND_NS,
                supervision=Supervision(),
                report_crash=Crashes().report,
                scorer=scorer,
                group_turns=group_turns,
            )
        )
        await engines[0].run(until_ns)

    asyncio.run(live())
    assert broken_laws(world) == []
    store.close()
    assert engines[0].interrupted == (stop_ns < until_ns)


def log_of(path: Path) -> list[str]:
    reader = EventReader(path)
    try:
        return [bytes(line).decode() for line in reader.lines()]
    finally:
        reader.close()


def awaited(path: Path) -> int:
    """How many winners of a stopped run wait for their scores."""
    store = SqliteStore.open(path)
    try:
        world, _ = store.load_world(seed=3, default_contract="freeware", laws=LAWS)
        return len(world.bids.awaiting_score())
    finally:
        store.close()


@pytest.mark.parametrize("scorer", [Rubric(), Judge()], ids=["rubric", "slow judge"])
def test_stopped_and_taken_up_again_it_ends_as_the_whole_one(
    scorer: Scorer | SlowScorer, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.sqlite"
    lived(opened(whole), scorer)
    expected = log_of(whole)
    ends = [line for line in expected if '"mint.closed"' in line]
    assert sum('"minted"' in line for line in ends) >= 8
    assert any('"lost"' in line for line in ends)
    waiting = 0
    for stop_ms in STOPS_MS:
        pieces = tmp_path / f"{stop_ms}.sqlite"
        lived(opened(pieces), scorer, stop_ns=stop_ms * 1_000_000)
        waiting += awaited(pieces)
        lived(opened(pieces), scorer)
        assert log_of(pieces) == expected
    assert (waiting >= 3) if scorer.slow else (waiting == 0)


@pytest.mark.parametrize(
    ("scorer", "every_ms", "resolutions"),
    [(Rubric(), 7_000, 1), (Judge(), 7_000, 1), (Judge(), 500, 2)],
    ids=["rubric", "slow judge", "slow judge, the next resolution put off"],
)
def test_killed_at_any_commit_it_ends_as_the_whole_one(
    scorer: Scorer | SlowScorer, every_ms: int, resolutions: int, tmp_path: Path
) -> None:
    """Every turn, and every deed of the world's own, is a commit: each of those around a resolution is one's last."""
    laws = Laws(mint=MintLaw(first_ns=RESOLVED_NS, every_ns=every_ms * MILLISECOND_NS, slots=2))
    whole = Photographed.create(tmp_path / "whole.sqlite")
    assert isinstance(whole, Photographed)
    for about_ns in (RESOLVED_NS, RESOLVED_NS + every_ms * MILLISECOND_NS, RESOLVED_NS + SECOND_NS):
        whole.spans.append((about_ns - SECOND_NS // 50, about_ns + SECOND_NS // 20))
    lived(whole, scorer, until_ns=KILLED_UNTIL_NS, laws=laws, group_turns=1)
    expected = log_of(whole.path)
    assert sum('"mint.resolved"' in line for line in expected) == resolutions
    assert len(whole.killed) > 10
    waiting = 0
    for left in whole.killed:
        assert [check for check in audit(left) if not check.ok] == []
        waiting += awaited(left)
        lived(SqliteStore.open(left), scorer, until_ns=KILLED_UNTIL_NS, laws=laws, group_turns=50)
        assert log_of(left) == expected, left.name
    assert (waiting >= 3) if scorer.slow else (waiting == 0)


BODY = "CAST(replace(body, '\"{0}\":', '\"{0}\":1') AS BLOB)"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM registers WHERE kind = 'case'",
        f"UPDATE registers SET body = {BODY.format('revision')} WHERE kind = 'case'",
        f"UPDATE registers SET body = {BODY.format('price')} WHERE kind = 'bid'",
    ],
)
def test_whoever_tampers_with_what_awaits_its_score_is_found_out(change: str, tmp_path: Path) -> None:
    path = tmp_path / "stopped.sqlite"
    lived(opened(path), Judge(), stop_ns=STOPS_MS[1] * MILLISECOND_NS)
    assert awaited(path) > 0
    assert [check for check in audit(path) if not check.ok] == []
    connection = apsw.Connection(str(path))
    connection.execute(change)
    assert connection.total_changes() > 0
    connection.close()
    assert "bids_match" in [check.name for check in audit(path) if not check.ok]
