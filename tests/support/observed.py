"""A world in PostgreSQL that somebody changes commit by commit, and `ecology observe` processes that watch it."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from ecology.core.clock import MILLISECOND_NS
from ecology.core.errors import StoreFault
from ecology.core.seeds import Draw
from ecology.events.records import RunEnded
from ecology.kernel.actions import Action, Delete, Message, Transfer, Write
from ecology.observe.archive.audit import ArchiveAudit, verify
from ecology.store.audit import audit
from ecology.store.postgres import PostgresStore
from ecology.store.transcript import transcribe
from ecology.testing.worlds import Stage, populate
from tests.support.command import environment

PATIENCE_S = 90
AGENTS = tuple(f"agent-{ordinal:04d}" for ordinal in range(1, 4))
CONTRACT = "freeware"

Summary = dict[str, Any]


class Author:
    """Somebody who acts for three agents and commits what they did, as a node does."""

    def __init__(self, store: PostgresStore, stage: Stage, draw: Draw) -> None:
        self.store = store
        self.stage = stage
        self._draw = draw

    @classmethod
    async def begin(cls, url: str, seed: int = 1) -> "Author":
        """Found a world."""
        store = await PostgresStore.open(url)
        author = cls(
            store, Stage(populate(store.new_world(seed=1, default_contract=CONTRACT), 3)), Draw(seed)
        )
        await author.commit()
        return author

    async def again(self, url: str) -> None:
        """Take up what the database has."""
        await self.store.close()
        self.store = await PostgresStore.open(url)
        world, head = await self.store.load_world(seed=1, default_contract=CONTRACT)
        self.stage = Stage(world, head.time_ns)

    async def work(self, commits: int, pause_s: float = 0.0) -> None:
        """So many commits of a few deeds each."""
        for _ in range(commits):
            self.stage.pass_time(10 * MILLISECOND_NS)
            for _ in range(self._draw.between(1, 8)):
                self.stage.act(self._draw.choice(AGENTS), self._deed())
            await self.commit()
            await asyncio.sleep(pause_s)

    async def write(self, artifact: str, content: str) -> None:
        """One commit of one revision."""
        self.stage.do(AGENTS[0], Write(artifact, content))
        await self.commit()

    async def end(self) -> None:
        """Nothing follows."""
        log = self.stage.world.log
        log.append(
            RunEnded(
                sequence=log.next_sequence,
                time_ns=self.stage.now_ns,
                principal_id=None,
                turn_id=None,
                reason="duration reached",
            )
        )
        await self.commit(ended=True)

    async def commit(self, *, ended: bool = False) -> None:
        async with self.store.at_head() as turnstile:
            await turnstile.write(
                self.stage.world.take_batch(),
                node="author",
                generation=1,
                payload=b"something",
                time_ns=self.stage.now_ns,
                ended=ended,
            )
        self.stage.world.shelf.contents.committed()

    def _deed(self) -> Action:
        draw = self._draw
        name = f"note-{draw.below(40)}"
        luck = draw.below(100)
        if luck < 10:
            return Delete(name)
        if luck < 20:
            return Transfer(draw.choice(AGENTS), artifact=name)
        if luck < 30:
            return Message(draw.choice(AGENTS), "artifact.created")
        if luck < 40:
            return Transfer(draw.choice(AGENTS), 1)
        words = " ".join(f"{draw.below(5_000):x}" for _ in range(draw.between(10, 300)))
        return Write(name, words, title=f"Title: {luck}")


class Observing:
    """One `ecology observe`, with its archive in the folder `archive` unless told otherwise."""

    def __init__(
        self,
        url: str,
        folder: Path,
        name: str = "observer",
        archive: str = "archive",
        largest_file_kib: str = "unlimited",
    ) -> None:
        self.name = name
        self._said = folder / f"{name}.log"
        with self._said.open("ab") as said:
            self._from = said.tell()
            command = ["sh", "-c", f'ulimit -f {largest_file_kib}; exec "$@"', "sh"]
            command += [sys.executable, "-m", "ecology", "observe", "--archive", str(folder / archive)]
            self.process = subprocess.Popen(
                [*command, "--port", "0"],
                env=environment(POSTGRES_URL=url),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def said(self) -> str:
        """What this process has said so far."""
        return self._said.read_bytes()[self._from :].decode()

    async def get(self, path: str) -> httpx2.Response:
        """Its answer to one request, waited for while it starts."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := re.search(r"answers at (http://[\d.]+:\d+)", self.said())) is None:
                assert self.process.poll() is None, self.said()
                await asyncio.sleep(0.05)
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:
            return await client.get(found[1] + path)

    async def until(self, wanted: Callable[[Summary], bool]) -> Summary:
        """The first summary that is as wanted."""
        summary: Summary = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (summary and wanted(summary)):
                    summary = (await self.get("/api/v1/summary")).json()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self.name}: {summary}\n{self.said()}") from None
        return summary

    async def is_in_state(self, state: str) -> Summary:
        """The first summary in which its share in the archive is in that state."""
        return await self.until(lambda summary: summary["archive"]["state"] == state)

    async def is_ready(self) -> None:
        """It says that it lacks nothing, after its next look at the database at the latest."""
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await self.get("/ready")).status_code != 200:
                await asyncio.sleep(0.05)
        assert answer.json() == {"ready": True, "missing": {}}

    async def misses(self, need: str) -> str:
        """Why it is not ready, once it lacks that."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = await self.get("/ready")
                if need in answer.json()["missing"]:
                    assert answer.status_code == 503
                    return str(answer.json()["missing"][need])
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """As if it had never been told anything."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def end(self) -> str:
        """Stop it cleanly; all that it said."""
        self.process.terminate()
        code = await asyncio.to_thread(self.process.wait, PATIENCE_S)
        assert code == 0, self.said()
        assert "Traceback" not in self.said()
        return self.said()


async def audited(store: PostgresStore, archive: Path) -> ArchiveAudit:
    """The archive in that folder compared with the world in the database, which passes its own audit."""
    await transcribe(store, archive / "ecology.sqlite")
    wrong = [check for check in audit(archive / "ecology.sqlite") if not check.ok]
    assert wrong == [], wrong
    found = verify(archive)
    assert found.ok, found.problems
    return found


async def whole(store: PostgresStore, archive: Path) -> None:
    """The archive has every change of the world, and the database waits with none."""
    found = await audited(store, archive)
    assert (found.lag, found.compared > 0) == (0, True), found
    async with asyncio.timeout(
        PATIENCE_S
    ):  # an observer says how far the archive goes, and then lets them go
        while await store.ask(lambda connection: connection.fetchval("SELECT count(*) FROM revisions")):
            await asyncio.sleep(0.05)


async def after_restart(author: Author, url: str) -> None:
    """Take the world up again as soon as its server lets anybody."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await author.again(url)
                return
            except StoreFault:
                await asyncio.sleep(0.1)
