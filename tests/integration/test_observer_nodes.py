"""Real nodes, a real observer that is killed at any point, real git: at the end everything agrees."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from ecology.app.auditing import audit_shared
from ecology.core.seeds import Draw
from ecology.nodes.endpoints import POSTGRES, Endpoint
from ecology.store.postgres import PostgresStore
from tests.support.command import started
from tests.support.nodes import QUICK
from tests.support.observed import Observing, Summary, whole
from tests.support.postgres import database

NODES = 2
ENDS_WITHIN_S = 240


@contextlib.contextmanager
def nodes(url: str, folder: Path, *, agents: int, duration: str) -> Iterator[list[asyncio.Future[int]]]:
    """Node processes that found a world and live in it; futures of their exit codes."""
    pace = [part for setting in QUICK for part in ("--set", setting)]
    command = ["node", "--no-http", "--quiet", "--agents", str(agents), "--duration", duration, "--seed", "7"]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                started(*command, *pace, "--id", f"node-{number}", cwd=folder, POSTGRES_URL=url)
            )
            for number in range(NODES)
        ]
        yield [asyncio.ensure_future(asyncio.to_thread(process.wait, ENDS_WITHIN_S)) for process in processes]


def at_work(summary: Summary) -> bool:
    """It writes the archive, or has written it to the end before anybody asked."""
    return summary["archive"]["state"] in ("archiving", "complete")


async def actions(store: PostgresStore) -> int:
    """How many the log tells of."""
    count = "SELECT count(*) FROM events WHERE type = 'action'"
    return int(await store.ask(lambda connection: connection.fetchval(count)))


async def agrees(url: str, archive: Path) -> None:
    """The whole audit, also while all of it goes on."""
    report = await audit_shared(Endpoint(POSTGRES, url), archive)
    wrong = [check for check in report.checks if not check.ok]
    assert wrong == [], wrong
    assert {"archive_agrees", "archive_whole"} <= {check.name for check in report.checks}


def test_an_observer_that_dies_again_and_again_beside_nodes_at_work(tmp_path: Path) -> None:
    async def life() -> None:
        draw = Draw(9, 2)
        url = await database(tmp_path)
        observers = [Observing(url, tmp_path)]
        store = await PostgresStore.open(url)
        try:
            with nodes(url, tmp_path, agents=20, duration="15s") as ends:
                while not all(end.done() for end in ends):
                    await observers[-1].until(at_work)
                    await asyncio.sleep(draw.below(1_000) / 1_000)
                    await agrees(url, tmp_path / "archive")
                    observers[-1].kill()
                    observers.append(Observing(url, tmp_path))
                assert [end.result() for end in ends] == [0] * NODES
            last = observers[-1]
            await last.is_in_state("complete")
            head = await store.head()
            summary = await last.until(lambda it: it["measured_sequence"] == head.sequence)
            assert summary["world"]["ended"] and sum(summary["agents"].values()) == 20
            await whole(store, tmp_path / "archive")
            assert (
                summary["measures"]["actions"] == await actions(store) > 20
            )  # a slow machine does not do hundreds
            await agrees(url, tmp_path / "archive")
            await last.end()
        finally:
            await store.close()
            for observer in observers:
                if observer.process.poll() is None:
                    observer.kill()

    asyncio.run(life())
