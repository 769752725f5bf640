"""Followers and gits killed at seeded moments while a run goes on: the history comes out as if nothing had happened."""

import asyncio
import contextlib
from pathlib import Path

import psutil
import pytest

from ecology.core.seeds import Draw
from ecology.observe.archive import archivist as archivist_module
from ecology.observe.archive.archivist import Archivist
from ecology.observe.archive.audit import verify
from tests.integration.archive_git import archive, git, head
from tests.integration.archive_log import ArtifactLog, content_of

SEEDS = range(1, 11)
GROUPS = 60
STEPS_PER_GROUP = 16
KILLS = 6
KILLS_AT_THE_END = 2


def unbroken(run_dir: Path, seed: int) -> str:
    """The head that a history without accidents has."""
    log = ArtifactLog(run_dir)
    draw = Draw(seed)
    for _ in range(GROUPS * STEPS_PER_GROUP):
        log.step(draw)
    log.commit()
    log.close()
    return archive(run_dir)


class Killer:
    """Kills, at seeded moments, the follower, its git, or both at once."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self.kills = 0

    async def work(self, kills: int) -> None:
        """Strike until so many strikes have hit something."""
        while self.kills < kills:
            await asyncio.sleep(self._draw.below(400) / 1_000)
            self.kills += self._strike()

    def _strike(self) -> bool:
        try:
            followers = psutil.Process().children()
            gits = [git for follower in followers for git in follower.children(recursive=True)]
        except psutil.NoSuchProcess:
            return False
        victims = self._draw.choice([followers, gits, followers + gits])
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        return bool(victims)


async def live(log: ArtifactLog, seed: int) -> int:
    """Append, prune the outbox by the reported cursor as a run does, and be struck; returns the number of kills."""
    reported = 0

    def on_cursor(sequence: int) -> None:
        nonlocal reported
        reported = sequence

    archivist = Archivist(log.run_dir, on_cursor=on_cursor, on_fault=lambda _line: None)
    killer = Killer(Draw(seed, 1))
    await archivist.start()
    killing = asyncio.create_task(killer.work(KILLS))
    draw = Draw(seed)
    for _ in range(GROUPS):
        for _ in range(STEPS_PER_GROUP):
            log.step(draw)
        log.commit()
        archivist.nudge()
        log.drop(reported)
        await asyncio.sleep(0.02)
    await killing
    killing = asyncio.create_task(killer.work(KILLS + KILLS_AT_THE_END))
    await archivist.finish(log.sequence)
    killing.cancel()
    log.drop(reported)
    return killer.kills


@pytest.mark.parametrize("seed", SEEDS)
def test_kill_9_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(archivist_module, "BACKOFF_FIRST_MS", 5)
    monkeypatch.setattr(archivist_module, "BACKOFF_LAST_MS", 50)
    log = ArtifactLog(tmp_path / "struck")
    assert asyncio.run(live(log, seed)) >= KILLS
    assert head(tmp_path / "struck") == unbroken(tmp_path / "unbroken", seed), f"seed {seed}"
    audit = verify(tmp_path / "struck")
    assert audit.problems == () and audit.lag == 0 and audit.commits == log.changes
    assert log.waiting() == 0
    log.close()


def test_ten_thousand_artifacts(tmp_path: Path) -> None:
    log = ArtifactLog(tmp_path)
    draw = Draw(9)
    for number in range(10_000):
        log.write(f"note-{number}", b"%d" % number)
    for number in range(0, 10_000, 10):
        log.delete(f"note-{number}")
    for number in range(1, 10_000, 20):
        log.write(f"note-{number}", content_of(draw, number))
    log.commit()

    async def follow() -> None:
        archivist = Archivist(tmp_path, on_cursor=log.drop, on_fault=print)
        await archivist.start()
        await archivist.finish(log.sequence)

    asyncio.run(follow())
    audit = verify(tmp_path)
    assert audit.problems == () and audit.commits == 11_500 and audit.compared == 9_000
    path = next(
        line
        for line in git(tmp_path, "ls-tree", "-r", "--name-only", "main").split()
        if line.endswith("/note-21")
    )
    assert git(tmp_path, "log", "--format=%s", "main", "--", path) == "write note-21 r2\ncreate note-21 r1\n"
    log.close()
