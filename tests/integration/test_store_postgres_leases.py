"""Leases on a real server: one holder at a time, by the database's clock, and no generation twice."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ecology.store.postgres import PostgresStore
from tests.support.pgbouncer import pgbouncer
from tests.support.pooler import pooled_apart
from tests.support.postgres import database


@pytest.fixture(params=["direct", "pooler", pytest.param("pgbouncer", marks=pytest.mark.pgbouncer)])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
    """Lives a story of two stores on one database, direct or through poolers in transaction mode."""

    async def life(url: str, story: Callable[[PostgresStore, PostgresStore], Awaitable[None]]) -> None:
        one, two = await PostgresStore.open(url, seed=1), await PostgresStore.open(url, seed=2)
        try:
            await story(one, two)
        finally:
            await one.close()
            await two.close()

    def lived(story: Callable[[PostgresStore, PostgresStore], Awaitable[None]]) -> None:
        url = asyncio.run(database(tmp_path))
        if request.param == "direct":
            asyncio.run(life(url, story))
        elif request.param == "pgbouncer":
            asyncio.run(life(pgbouncer().url(url), story))
        else:
            with pooled_apart(url) as url:
                asyncio.run(life(url, story))

    return lived


def test_a_lease_is_one_holder_s_until_it_runs_out_or_is_given_back(run: Callable[..., None]) -> None:
    async def story(one: PostgresStore, two: PostgresStore) -> None:
        before_us = await one.clock_us()
        first = await one.acquire("archivist", "one", 60, b"here")
        assert first is not None
        assert await two.acquire("archivist", "two", 60) is None
        assert await two.acquire("node/two", "two", 60) is not None, "another name is another lease"
        (lease,) = await two.leases("arch")
        assert (lease.name, lease.holder, lease.generation, lease.note) == (
            "archivist",
            "one",
            first,
            b"here",
        )
        elapsed_s = (await two.clock_us() - before_us) / 1_000_000
        assert 60 - elapsed_s <= lease.left_s <= 60
        assert not await two.release("archivist", "two", first)
        assert not await two.renew("archivist", "two", first, 60)
        assert await one.release("archivist", "one", first)
        assert not await one.release("archivist", "one", first)
        second = await two.acquire("archivist", "two", 60)
        assert second is not None and second > first
        assert not await one.renew("archivist", "one", first, 60)

    run(story)


def test_a_lease_that_ran_out_is_anybody_s_and_no_more_the_holder_s(run: Callable[..., None]) -> None:
    async def story(one: PostgresStore, two: PostgresStore) -> None:
        first = await one.acquire("node/a", "one", 60)
        assert first is not None and await one.renew("node/a", "one", first, 0.3)
        async with asyncio.timeout(60):  # of the database's time, which need not be ours
            while (await two.leases("node/"))[0].left_s > 0:
                await asyncio.sleep(0.05)
        assert len(await two.leases("node/")) == 1, "it is seen until somebody clears it away"
        assert not await one.renew("node/a", "one", first, 60), "also if nobody has taken it yet"
        second = await two.acquire("node/a", "two", 60)
        assert second is not None and second > first
        assert await one.acquire("node/a", "one", 60) is None
        assert [(it.holder, it.generation) for it in await one.leases("")] == [("two", second)]

    run(story)


def test_who_comes_again_gets_a_new_generation_and_the_old_one_is_void(run: Callable[..., None]) -> None:
    async def story(one: PostgresStore, two: PostgresStore) -> None:
        first = await one.acquire("node/a", "a", 60)
        second = await two.acquire("node/a", "a", 60, b"again")
        assert first is not None and second is not None and second > first
        assert not await one.renew("node/a", "a", first, 60)
        assert await two.renew("node/a", "a", second, 60)
        assert not await one.release("node/a", "a", first)
        assert await one.release("node/a", "a", second)
        third = await one.acquire("node/a", "a", 60)
        assert third is not None and third > second, "also after it was cleared away"

    run(story)


def test_of_many_that_ask_at_once_one_gets_it(run: Callable[..., None]) -> None:
    async def story(one: PostgresStore, two: PostgresStore) -> None:
        for number in range(10):
            stores = (one, two, one, two, one, two)
            asking = (
                store.acquire(f"job/{number}", f"holder-{place}", 60) for place, store in enumerate(stores)
            )
            got = [generation for generation in await asyncio.gather(*asking) if generation is not None]
            assert len(got) == 1
        names = [lease.name for lease in await one.leases("job/")]
        assert names == [f"job/{number}" for number in range(10)]
        assert len({lease.generation for lease in await one.leases("job/")}) == 10

    run(story)


def test_the_clock_is_the_database_s(run: Callable[..., None]) -> None:
    async def story(one: PostgresStore, two: PostgresStore) -> None:
        first = await one.clock_us()
        second = await two.clock_us()
        assert 0 < second - first < 60_000_000
        assert first > 1_700_000_000_000_000

    run(story)
