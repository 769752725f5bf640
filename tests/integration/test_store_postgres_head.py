"""The head of a shared world: one at a time writes, whole groups or nothing, and everybody learns of it in order."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from ecology.core.errors import StoreFault
from ecology.kernel.actions import Transfer, Write
from ecology.store.audit import audit
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_faults import Pruned
from ecology.store.postgres_head import Commit, Head, Turnstile
from ecology.store.sqlite import SqliteStore
from ecology.store.transcript import transcribe
from ecology.testing.fingerprint import fingerprint
from ecology.testing.worlds import Stage, populate
from tests.support.pgbouncer import pgbouncer
from tests.support.postgres import database

ANN, BEN, EVE = (f"agent-{ordinal:04d}" for ordinal in range(1, 4))


async def put(turnstile: Turnstile, stage: Stage, node: str = "one", generation: int = 1) -> Head:
    """Write what the stage has changed; the payload says after which commit."""
    before = turnstile.head.number
    head = await turnstile.write(
        stage.world.take_batch(),
        node=node,
        generation=generation,
        payload=b"after %d" % before,
        time_ns=stage.now_ns,
    )
    stage.world.shelf.contents.committed()
    return head


async def founded(store: PostgresStore) -> Stage:
    """A world of three in the store."""
    stage = Stage(populate(store.new_world(seed=1, default_contract="freeware"), 3))
    async with store.at_head() as turnstile:
        await put(turnstile, stage)
    return stage


async def loaded(store: PostgresStore) -> tuple[Stage, Head]:
    world, head = await store.load_world(seed=1, default_contract="freeware")
    return Stage(world, head.time_ns), head


Story = Callable[[PostgresStore, PostgresStore, str], Awaitable[None]]
Run = Callable[[Story], None]
WAYS = ["direct", pytest.param("pgbouncer", marks=pytest.mark.pgbouncer)]


@pytest.fixture(params=WAYS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Lives a story of two stores on one database, told its URL; what it leaves passes the audit."""

    async def life(story: Story) -> None:
        url = await database(tmp_path)
        way = url if request.param == "direct" else pgbouncer().url(url)
        one, two = await PostgresStore.open(way, seed=1), await PostgresStore.open(way, seed=2)
        try:
            await story(one, two, url)
            await transcribe(one, tmp_path / "ecology.sqlite")
            wrong = [check for check in audit(tmp_path / "ecology.sqlite") if not check.ok]
            assert wrong == [], wrong
        finally:
            await one.close()
            await two.close()

    return lambda story: asyncio.run(life(story))


def test_who_comes_second_waits_and_then_sees_all_that_the_first_did(run: Run) -> None:
    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)

        async def second() -> list[Commit]:
            async with two.at_head(1) as turnstile:
                return await turnstile.changes(1)

        async with one.at_head() as turnstile:
            waiting = asyncio.ensure_future(second())
            await asyncio.sleep(0.1)
            assert not waiting.done()
            assert (await two.changes(0))[0].number == 1, "who only reads waits for nobody"
            stage.do(ANN, Transfer(BEN, 5))
            head = await put(turnstile, stage)
            assert turnstile.head == head and head.number == 2
        assert await waiting == [Commit(2, "one", 1, b"after 1")]
        assert await two.changes(0) == (
            head,
            [Commit(1, "one", 1, b"after 0"), Commit(2, "one", 1, b"after 1")],
        )

    run(story)


class Fenced(Exception):
    """What a node raises that finds itself no member."""


def test_an_exception_takes_back_all_of_it_and_passes_as_it_is(run: Run) -> None:
    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)
        before = fingerprint(stage.world, 0)
        stage.do(ANN, Transfer(BEN, 5))
        stage.do(ANN, Write("essay", "of many things"))

        async def fenced() -> None:
            async with one.at_head() as turnstile:
                await turnstile.put_meta("a", "b")
                await put(turnstile, stage)
                raise Fenced

        with pytest.raises(Fenced):
            await fenced()
        with pytest.raises(TimeoutError):  # of the caller's own doing: no fault of the server's
            async with one.at_head() as turnstile:
                raise TimeoutError
        again, head = await loaded(two)
        assert (head.number, await two.meta("a")) == (1, None)
        assert fingerprint(again.world, 0) == before
        async with one.at_head() as turnstile:
            assert turnstile.head == head

    run(story)


def test_who_is_cancelled_lets_the_next_one_in(run: Run) -> None:
    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)
        stage.do(ANN, Transfer(BEN, 5))
        entered = asyncio.Event()

        async def hold() -> None:
            async with one.at_head() as turnstile:
                await put(turnstile, stage)
                entered.set()
                await asyncio.sleep(60)

        holding = asyncio.ensure_future(hold())
        await entered.wait()
        holding.cancel()
        async with two.at_head() as turnstile:
            assert turnstile.head.number == 1
        async with one.at_head() as turnstile:
            assert turnstile.head.number == 1

    run(story)


def test_who_holds_the_lock_and_does_nothing_is_thrown_out_by_the_server(run: Run) -> None:
    """As a node that is paused: the others wait for less than its lease lasts, and it commits nothing afterwards."""

    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)
        stage.do(ANN, Transfer(BEN, 5))

        async def paused() -> None:
            async with one.at_head() as turnstile:
                await put(turnstile, stage)
                other = (await loaded(two))[0]
                async with two.at_head() as second:  # within its lock_timeout
                    other.do(BEN, Transfer(EVE, 7))
                    await put(second, other, "two", 2)

        with pytest.raises(StoreFault, match="does not answer"):
            await paused()
        async with one.at_head(0) as turnstile:
            assert [commit.node for commit in await turnstile.changes(0)] == ["one", "two"]

    run(story)


def test_a_commit_without_events_has_a_number_of_its_own(run: Run) -> None:
    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)
        async with one.at_head() as turnstile:
            before = turnstile.head
            head = await turnstile.write(
                stage.world.take_batch(),
                node="one",
                generation=7,
                payload=b"",
                time_ns=5,
                members=b"[1]",
                origin_us=99,
            )
            assert head == Head(2, before.sequence, 5, before.seal, 99, b"[1]", False)
            stage.do(ANN, Transfer(BEN, 5))
            after = await put(turnstile, stage)  # the same transaction
            assert (after.number, after.members, after.origin_us) == (3, b"[1]", 99)
            assert after.seal != head.seal
        async with two.at_head() as turnstile:
            assert turnstile.head == after
            ended = await turnstile.write(
                stage.world.take_batch(), node="two", generation=8, payload=b"", time_ns=5, ended=True
            )
        assert ended.ended and (await one.changes(4))[0] == ended
        connection = await asyncpg.connect(url)
        told = await connection.fetch(
            "SELECT number, node, generation, last_sequence - first_sequence FROM commits ORDER BY number"
        )
        assert told[1:] == [
            (2, "one", 7, -1),
            (3, "one", 1, after.sequence - head.sequence - 1),
            (4, "two", 8, -1),
        ]
        await connection.close()

    run(story)


def test_what_is_pruned_stays_in_the_history_and_is_asked_for_in_vain(run: Run) -> None:
    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)
        for _ in range(4):
            stage.do(ANN, Transfer(BEN, 5))
            async with one.at_head() as turnstile:
                await put(turnstile, stage)
        assert await two.prune(4, older_s=3600) == 0
        assert await two.prune(4) == 3
        assert await two.prune(4) == 0
        commits = (await one.changes(3))[1]
        assert [commit.number for commit in commits] == [4, 5]
        for after in (0, 2, 6):  # 6: of another world than this
            with pytest.raises(Pruned, match="no longer kept; load the world anew"):
                await one.changes(after)
        with pytest.raises(Pruned):
            async with one.at_head(2):
                pass
        async with one.at_head() as turnstile:
            with pytest.raises(Pruned):
                await turnstile.changes(2)

    run(story)


def test_events_that_do_not_follow_the_head_are_a_bug(run: Run) -> None:
    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)
        other = (await loaded(two))[0]
        for it, store in ((stage, one), (other, two)):
            it.do(ANN, Transfer(BEN, 5))
            if it is stage:
                async with store.at_head() as turnstile:
                    await put(turnstile, it)
        with pytest.raises(AssertionError, match="events follow the head"):
            async with two.at_head() as turnstile:
                await put(turnstile, other)

    run(story)


def test_contents_are_read_beside_the_event_loop(run: Run) -> None:
    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)
        stage.do(ANN, Write("essay", "first"))
        async with one.at_head() as turnstile:
            await put(turnstile, stage)
        other = (await loaded(two))[0]
        assert other.world.shelf.contents.get("essay") == b"first"
        stage.do(ANN, Write("essay", "second"))
        async with one.at_head() as turnstile:
            await put(turnstile, stage)
            assert two.content("essay") == b"first", "what is committed"
        assert two.content("essay") == b"second"
        connection = await asyncpg.connect(url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()
        assert two.content("essay") == b"second", "by a new connection"
        with pytest.raises(AssertionError, match="the shelf knows 'nothing'"):
            two.content("nothing")

    run(story)


def test_a_commit_whose_answer_was_lost_is_a_fault_and_the_tables_are_the_truth(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection ends before or after the server has seen the COMMIT; who loads the world anew knows."""
    execute = asyncpg.Connection.execute
    faults = ["before", "after"]

    async def torn(
        connection: asyncpg.Connection, query: str, *arguments: object, **options: object
    ) -> object:
        fault = faults.pop(0) if query == "COMMIT" and faults else ""
        if fault == "before":
            connection.terminate()
        answer = await execute(connection, query, *arguments, **options)
        if fault == "after":
            connection.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return answer

    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        await founded(one)
        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, "execute", torn)
            for number in (1, 2):
                stage, head = await loaded(one)
                assert head.number == 1
                stage.do(ANN, Transfer(BEN, 5))
                with pytest.raises(StoreFault, match="does not answer"):
                    async with one.at_head() as turnstile:
                        await put(turnstile, stage)
                assert (await two.changes(number))[0].number == number
        assert faults == []

    run(story)


def test_a_transcript_replaces_an_older_one_and_what_belonged_to_it(run: Run, tmp_path: Path) -> None:
    """A write-ahead log that somebody left behind must not be read into the new file."""
    target = tmp_path / "again.sqlite"

    async def story(one: PostgresStore, two: PostgresStore, url: str) -> None:
        stage = await founded(one)
        await transcribe(one, target)
        left = SqliteStore.open(target)  # writes, and is never closed
        left.put_meta("who", "somebody else")
        stage.do(ANN, Transfer(BEN, 5))
        async with one.at_head() as turnstile:
            await put(turnstile, stage)
        head = await transcribe(two, target)
        again = SqliteStore.open(target)
        assert (again.last_sequence(), again.meta("who")) == (head.sequence, None)
        again.close()
        assert [check for check in audit(target) if not check.ok] == []

    run(story)
