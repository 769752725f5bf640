"""What an observer reads of a shared world, directly and through a pooler, and the little that it takes out of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ecology.core.clock import MILLISECOND_NS
from ecology.events.registry import decode
from ecology.kernel.actions import Write
from ecology.observe.archive import outbox as outbox_module
from ecology.observe.archive.commits import TYPES
from ecology.observe.archive.outbox import is_full, read
from ecology.observe.live import measuring as measuring_module
from ecology.observe.live import observer as observer_module
from ecology.observe.live.measuring import Measuring
from ecology.observe.live.observer import Observer
from ecology.observe.live.outbox import LeaseLost, WorldOutbox
from ecology.observe.projections import summarise
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_faults import Pruned
from ecology.store.postgres_watch import Watch
from tests.support.observed import AGENTS, PATIENCE_S, Author
from tests.support.pooler import pooled_apart
from tests.support.postgres import database

Story = Callable[[Author, Watch], Awaitable[None]]


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Watch]:
    store = await PostgresStore.open(url)
    try:
        yield Watch(store)
    finally:
        await store.close()


async def command(watch: Watch, text: str) -> None:
    """Meddle with the database."""
    await watch.store.ask(lambda connection: connection.execute(text))


@pytest.fixture(params=["directly", "pooled"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Story], None]:
    """Tells a story of an author and somebody who watches."""

    def tell(story: Story) -> None:
        async def life(url: str, watched: str) -> None:
            author = await Author.begin(url)
            try:
                async with watching(watched) as watch:
                    await story(author, watch)
            finally:
                await author.store.close()

        url = asyncio.run(database(tmp_path))
        if request.param == "directly":
            asyncio.run(life(url, url))
        else:
            with pooled_apart(url) as watched:
                asyncio.run(life(url, watched))

    return tell


def test_a_database_without_a_world(tmp_path: Path) -> None:
    async def life() -> None:
        async with watching(await database(tmp_path)) as watch:
            vitals = await watch.vitals()
            assert (vitals.number, vitals.sequence, vitals.idle_s, vitals.waiting_sequence) == (
                0,
                0,
                None,
                None,
            )
            assert (await watch.last_sequence(), await watch.bodies(0, 10)) == (0, [])

    asyncio.run(life())


def test_vital_signs(run: Callable[[Story], None]) -> None:
    async def story(author: Author, watch: Watch) -> None:
        await author.work(10)
        vitals, head = await watch.vitals(), await author.store.head()
        assert (vitals.number, vitals.sequence, vitals.time_ns, vitals.ended) == (
            head.number,
            head.sequence,
            head.time_ns,
            False,
        )
        assert vitals.idle_s is not None and 0 <= vitals.idle_s < PATIENCE_S
        (oldest, *_) = await watch.changes(0, head.sequence, TYPES, 1)
        assert vitals.waiting_sequence == oldest[0]
        assert vitals.waiting_ns == decode(oldest[1]).time_ns
        await author.end()
        assert (await watch.vitals()).ended

    run(story)


def test_events_come_in_order_and_in_batches(run: Callable[[Story], None]) -> None:
    async def story(author: Author, watch: Watch) -> None:
        await author.work(20)
        last = await watch.last_sequence()
        found: list[int] = []
        while batch := await watch.bodies(found[-1] if found else 0, 7):
            assert len(batch) <= 7
            assert [decode(body).sequence for _, body in batch] == [sequence for sequence, _ in batch]
            found += [sequence for sequence, _ in batch]
        assert found == list(range(1, last + 1))

    run(story)


def test_contents_come_in_pieces_of_bounded_size(
    run: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(author: Author, watch: Watch) -> None:
        await author.work(30)
        last = await watch.last_sequence()
        expected = await watch.changes(0, last, TYPES, 10**9)
        assert len(expected) > 30
        outbox = WorldOutbox(watch, asyncio.get_running_loop(), lambda: True)
        for most_bytes, most_events in ((1, 5_000), (3_000, 5_000), (10**9, 10), (3_000, 40)):
            monkeypatch.setattr(outbox_module, "BATCH_BYTES", most_bytes)
            monkeypatch.setattr("ecology.observe.live.outbox.BATCH_BYTES", most_bytes)
            monkeypatch.setattr(outbox_module, "BATCH_EVENTS", most_events)
            found: list[tuple[int, bytes | None]] = []
            position = 0
            while position < last:
                before = position
                batch, position = await asyncio.to_thread(read, outbox, before)
                size = sum(len(it.content or b"") for it in batch)
                assert position > before and size < most_bytes + 2_000
                assert position == last or is_full(batch, before, position)
                found += [(it.change.sequence, it.content) for it in batch]
            assert found == [(sequence, content) for sequence, _, content in expected]
            whole = await asyncio.to_thread(lambda: list(outbox.changes(0, last)))
            assert [it.change.sequence for it in whole] == [sequence for sequence, _, _ in expected]

    run(story)


def test_only_who_holds_the_lease_drops_contents(run: Callable[[Story], None]) -> None:
    async def story(author: Author, watch: Watch) -> None:
        async def waiting() -> list[int]:
            rows = await watch.changes(0, await watch.last_sequence(), TYPES, 10**9)
            return [sequence for sequence, _, content in rows if content is not None]

        async def give_up(generation: int, after: int, last: int, holder: str = "me") -> bool:
            return await watch.give_up_revisions("archivist", holder, generation, after=after, last=last)

        await author.work(10)
        before = await waiting()
        middle = before[len(before) // 2]
        assert not await give_up(1, 0, middle)
        old = await watch.store.acquire("archivist", "me", 60.0)
        new = await watch.store.acquire("archivist", "me", 60.0)
        assert old is not None and new is not None
        assert not await give_up(old, 0, middle)
        assert not await give_up(new, 0, middle, holder="another")
        assert await waiting() == before
        assert await give_up(new, 0, middle)
        assert await waiting() == [sequence for sequence in before if sequence > middle]
        assert await give_up(new, middle, before[-1])
        assert await waiting() == []
        assert await give_up(new, before[-1], before[-1])  # nothing to drop, and still the holder
        await watch.store.acquire("archivist", "me", -1.0)
        assert not await give_up(new, 0, before[-1])

    run(story)


def test_who_has_lost_the_lease_is_not_answered(run: Callable[[Story], None]) -> None:
    async def story(author: Author, watch: Watch) -> None:
        held = True
        outbox = WorldOutbox(watch, asyncio.get_running_loop(), lambda: held)
        assert await asyncio.to_thread(outbox.last_sequence) > 0
        with pytest.raises(LeaseLost):
            await asyncio.to_thread(lambda: outbox.give_up("archivist", "me", 1, after=0, last=1))
        held = False
        with pytest.raises(LeaseLost):
            await asyncio.to_thread(outbox.last_sequence)
        with pytest.raises(LeaseLost):
            await asyncio.to_thread(lambda: list(outbox.changes(0, 1)))

    run(story)


def test_payloads_are_pruned_oldest_first_and_a_few_at_a_time(run: Callable[[Story], None]) -> None:
    async def story(author: Author, watch: Watch) -> None:
        await author.work(9)
        assert await watch.store.prune(9, most=5) == 5
        assert await watch.store.prune(9, most=5) == 3
        assert await watch.store.prune(9, most=5) == 0
        head, commits = await watch.store.changes(8)
        assert (head.number, [commit.number for commit in commits]) == (10, [9, 10])

    run(story)


def test_an_observer_prunes_what_the_head_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observer_module, "PRUNE_AGE_NS", 300 * MILLISECOND_NS)
    monkeypatch.setattr(observer_module, "LOOK_S", 0.05)

    async def life() -> None:
        url = await database(tmp_path)
        author = await Author.begin(url)
        stop = asyncio.Event()
        async with watching(url) as watch:
            observer = Observer(watch, tmp_path, "me", lambda line: None)
            watched = asyncio.create_task(observer.run(stop))
            await author.work(20)
            async with asyncio.timeout(PATIENCE_S):
                while observer.pruned < 21:
                    assert not watched.done()
                    await asyncio.sleep(0.01)
            _, commits = await author.store.changes(21)
            assert commits == []
            with pytest.raises(Pruned):
                await author.store.changes(20)
            await author.work(1)
            async with asyncio.timeout(PATIENCE_S):
                while observer.vitals is None or observer.vitals.number < 22:
                    await asyncio.sleep(0.01)
                while not observer.commits_per_s() > 0:  # between looks that are far apart nobody can tell
                    await author.work(1, 0.01)
            stop.set()
            await asyncio.wait_for(watched, PATIENCE_S)
            assert await watch.store.leases("archivist") == []
        await author.store.close()

    asyncio.run(life())


def test_measures_follow_and_begin_again_with_a_database_that_was_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring_module, "BATCH_EVENTS", 50)
    monkeypatch.setattr(measuring_module, "POLL_S", 0.01)

    async def follow(measuring: Measuring, sequence: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while measuring.measured is None or measuring.measured.sequence != sequence:
                assert not measuring.fault
                await asyncio.sleep(0.01)

    async def life() -> None:
        url = await database(tmp_path)
        author = await Author.begin(url)
        said: list[str] = []
        async with watching(url) as watch:
            measuring = Measuring(watch, said.append)
            following = asyncio.create_task(measuring.run())
            await author.work(40)
            early = await watch.last_sequence()
            await follow(measuring, early)
            events = [decode(body) for _, body in await watch.bodies(0, early)]
            assert measuring.measured is not None and measuring.measured.measures == summarise(events)
            await author.write("late", "which a backup does not have")
            await follow(measuring, early + 2)
            await command(watch, f"DELETE FROM events WHERE sequence > {early}")
            await follow(measuring, early)
            assert measuring.measured.measures == summarise(events)
            assert [line.partition(":")[0] for line in said] == [
                "the database was put back to an earlier state"
            ]
            spoil = "UPDATE events SET body = '{}' WHERE sequence = 3"
            await command(watch, f"DELETE FROM events WHERE sequence = {early}; {spoil}")
            await asyncio.wait_for(following, PATIENCE_S)
            assert "event 3 in PostgreSQL" in measuring.fault and "cannot be read" in measuring.fault
        await author.store.close()

    asyncio.run(life())


def test_a_gap_in_the_log_is_no_history(tmp_path: Path) -> None:
    async def life() -> None:
        url = await database(tmp_path)
        author = await Author.begin(url)
        author.stage.do(AGENTS[0], Write("note", "x"))
        await author.commit()
        async with watching(url) as watch:
            await command(watch, "DELETE FROM events WHERE sequence = 5")
            measuring = Measuring(watch, lambda line: None)
            await asyncio.wait_for(measuring.run(), PATIENCE_S)
            assert "lacks events after 0; restore it" in measuring.fault
            assert measuring.measured is None
        await author.store.close()

    asyncio.run(life())
