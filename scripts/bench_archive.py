"""Archive throughput: revisions per second through the real follower, into a repository with 10,000 artifacts.

    python3 scripts/bench_archive.py [--artifacts 10000] [--revisions 30000]

First every artifact gets its first revision (not counted), then the counted revisions arrive in groups of 256, as the
engine commits them, faster than the follower can take them. Prints figures and judges nothing.
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402

from ecology.core.seeds import Draw  # noqa: E402
from ecology.observe.archive.archivist import Archivist  # noqa: E402
from ecology.observe.archive.audit import verify  # noqa: E402
from tests.integration.archive_log import AGENTS, ArtifactLog, content_of  # noqa: E402

GROUP = 256
CONTENTS = 1_000


class Follow:
    """An archivist whose progress can be awaited."""

    def __init__(self, log: ArtifactLog) -> None:
        self.log = log
        self.moved = asyncio.Event()
        self.archivist = Archivist(log.run_dir, on_cursor=self.on_cursor, on_fault=print)

    def on_cursor(self, sequence: int) -> None:
        self.log.drop(sequence)
        self.moved.set()

    async def reach(self, sequence: int) -> None:
        while self.archivist.cursor < sequence:
            self.moved.clear()
            await self.moved.wait()


async def measure(run_dir: Path, artifacts: int, revisions: int) -> None:
    """Run the benchmark in a new run directory and print what came of it."""
    log = ArtifactLog(run_dir)
    draw = Draw(1)
    follow = Follow(log)
    await follow.archivist.start()
    contents = [content_of(draw, number) for number in range(CONTENTS)]
    await append(log, follow, contents, range(artifacts))
    await follow.reach(log.sequence)
    numbers = [draw.below(artifacts) for _ in range(revisions)]

    begun, begun_cpu = time.perf_counter(), cpu_seconds()
    await append(log, follow, contents, numbers)
    appended = time.perf_counter()
    await follow.reach(log.sequence)
    archived, archived_cpu = time.perf_counter(), cpu_seconds()
    await follow.archivist.finish(log.sequence)
    finished = time.perf_counter()

    path = git(run_dir, "ls-tree", "-r", "--name-only", "main").splitlines()[0]
    begun_log = time.perf_counter()
    git(run_dir, "log", "--oneline", "main", "--", path)
    looked = time.perf_counter()
    audit = verify(run_dir)
    audited = time.perf_counter()
    log.close()
    size = sum(file.stat().st_size for file in (run_dir / "archive.git").rglob("*") if file.is_file())
    print(f"artifacts                  {artifacts:>10,}")
    print(f"revisions                  {revisions:>10,}   (1-2 KB each)")
    print(f"appended to the database   {revisions / (appended - begun):>10,.0f} /s")
    print(f"confirmed in the archive   {revisions / (archived - begun):>10,.0f} /s")
    print(f"CPU, follower and git      {(archived_cpu - begun_cpu) / revisions * 1e6:>10.0f} us per revision")
    print(f"packed at the end in       {finished - archived:>10.2f} s   ({size / 1e6:.0f} MB)")
    print(f"git log -- path            {1_000 * (looked - begun_log):>10.0f} ms")
    print(
        f"verify                     {audited - looked:>10.2f} s   ({'agrees' if audit.ok else audit.problems})"
    )


async def append(log: ArtifactLog, follow: Follow, contents: list[bytes], numbers: Sequence[int]) -> None:
    """Write artifacts by number, in groups."""
    for place, number in enumerate(numbers):
        content = b"%d %b" % (place, contents[(place + number) % len(contents)])
        log.write(f"note-{number}", content, by=AGENTS[number % len(AGENTS)])
        if place % GROUP == GROUP - 1:
            log.commit()
            follow.archivist.nudge()
            await asyncio.sleep(0)
    log.commit()


def cpu_seconds() -> float:
    """CPU time of the follower, of its git, and of those of its git processes that have ended."""
    return sum(sum(process.cpu_times()[:4]) for process in psutil.Process().children(recursive=True))


def git(run_dir: Path, *arguments: str) -> str:
    """What a person who looks into the archive runs."""
    command = ["git", f"--git-dir={run_dir / 'archive.git'}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Parse the arguments and measure in a temporary directory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--artifacts", type=int, default=10_000)
    parser.add_argument("--revisions", type=int, default=30_000)
    given = parser.parse_args()
    room = Path(tempfile.mkdtemp(prefix="bench-archive-"))
    try:
        asyncio.run(measure(room, given.artifacts, given.revisions))
    finally:
        shutil.rmtree(room)


if __name__ == "__main__":
    main()
