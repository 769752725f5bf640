"""What only a ledger on a server has: other writers, lost connections, crashes and restarts of the server."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from ledger import HoldState, PostgresLedger, Status
from ledger.errors import AccountConflict, OutcomeUnknown, Unreachable
from tests.conformance.ledger_bank import ANN, BEN, WORLD
from tests.support.pgbouncer import pgbouncer
from tests.support.pooler import pooled
from tests.support.postgres import PostgresServer, database

FUNDS = 10**6


async def found(ledger: PostgresLedger, customers: int = 2) -> None:
    """The world, then ann, ben and others with FUNDS each; ids from 1."""
    await ledger.open_account("world", "scrip", issuer=True)
    for number in range(customers):
        account = await ledger.open_account(f"customer-{number}", "scrip")
        assert await ledger.transfer(number + 1, WORLD, account, FUNDS) is Status.CREATED


async def check(ledger: PostgresLedger) -> None:
    report = await ledger.audit()
    assert report.ok, report


def run(folder: Path, story: Callable[[PostgresLedger, PostgresLedger, str], Awaitable[None]]) -> None:
    """A story of two ledgers on one database; the audit holds afterwards."""

    async def life() -> None:
        url = await database(folder)
        async with (
            await PostgresLedger.open(url, seed=1) as one,
            await PostgresLedger.open(url, seed=2) as two,
        ):
            await found(one, 8)
            await story(one, two, url)
            await check(one)

    asyncio.run(life())


def test_two_ledgers_see_each_other_s_commits(tmp_path: Path) -> None:
    async def story(one: PostgresLedger, two: PostgresLedger, _: str) -> None:
        assert await two.transfer(10, ANN, BEN, 600_000) is Status.CREATED
        assert await one.transfer(11, ANN, BEN, 600_000) is Status.INSUFFICIENT
        assert await one.transfer(10, ANN, BEN, 600_000) is Status.EXISTS
        assert await one.hold(12, ANN, BEN, 400, expires_ns=9) is Status.CREATED
        assert await two.post(13, 12) is Status.CREATED
        assert await one.void(14, 12) is Status.HOLD_ALREADY_POSTED
        assert await two.expire(9) == []
        assert await one.open_account("cy", "gold") == await two.open_account("cy", "gold")

    run(tmp_path, story)


def test_two_ledgers_that_open_the_same_accounts_agree(tmp_path: Path) -> None:
    async def story(one: PostgresLedger, two: PostgresLedger, _: str) -> None:
        names = [f"agent-{number}" for number in range(100)]
        opening = [
            *(one.open_account(name, "scrip") for name in names),
            *(two.open_account(name, "scrip") for name in reversed(names)),
        ]
        ids = await asyncio.gather(*opening)
        assert ids[:100] == ids[:99:-1] and len(set(ids)) == 100
        with pytest.raises(AccountConflict):
            await two.open_account("agent-1", "scrip", issuer=True)

    run(tmp_path, story)


def test_two_ledgers_hammering_the_same_accounts_lose_nothing(tmp_path: Path) -> None:
    """Every kind of work on eight accounts from both sides; a model adds up what was acknowledged."""
    moved = dict.fromkeys(range(2, 10), FUNDS)

    async def work(ledger: PostgresLedger, number: int) -> None:
        draw = random.Random(number)
        for step in range(15):
            id_ = 1_000 + 100 * number + 3 * step
            debit, credit = draw.sample(range(2, 10), 2)
            amount = draw.randrange(1, 1_000)
            if step % 3:
                assert await ledger.transfer(id_, debit, credit, amount) is Status.CREATED
            else:
                assert await ledger.hold(id_, debit, credit, amount) is Status.CREATED
                if step % 2:
                    assert await ledger.void(id_ + 1, id_) is Status.CREATED
                    continue
                assert await ledger.post(id_ + 1, id_) is Status.CREATED
            moved[debit] -= amount
            moved[credit] += amount

    async def story(one: PostgresLedger, two: PostgresLedger, _: str) -> None:
        await asyncio.gather(*(work((one, two)[number % 2], number) for number in range(40)))
        assert {it: await one.balance(it) for it in moved} == moved
        assert sum(moved.values()) == 8 * FUNDS

    run(tmp_path, story)


def test_an_id_that_both_use_at_once_moves_once(tmp_path: Path) -> None:
    """Between the same accounts and between others, where no account's lock keeps the two apart."""

    async def story(one: PostgresLedger, two: PostgresLedger, _: str) -> None:
        for id_ in range(100, 140):
            same = await asyncio.gather(one.transfer(id_, 2, 3, 5), two.transfer(id_, 2, 3, 5))
            assert sorted(same) == [Status.CREATED, Status.EXISTS]
            other = await asyncio.gather(one.transfer(id_ + 50, 4, 5, 5), two.transfer(id_ + 50, 6, 7, 5))
            assert sorted(other) == [Status.CREATED, Status.EXISTS_DIFFERENT]

    run(tmp_path, story)


def test_a_hold_is_ended_once_whoever_tries(tmp_path: Path) -> None:
    async def story(one: PostgresLedger, two: PostgresLedger, _: str) -> None:
        for id_ in range(100, 120):
            assert await one.hold(id_, 2, 3, 7, expires_ns=50) is Status.CREATED
            posted, voided, expired = await asyncio.gather(
                one.post(id_ + 100, id_, time_ns=1), two.void(id_ + 200, id_, time_ns=1), two.expire(50)
            )
            ends = [posted is Status.CREATED, voided is Status.CREATED, [it.id for it in expired] == [id_]]
            assert sum(ends) == 1, (posted, voided, expired)

    run(tmp_path, story)


def test_backends_that_are_terminated_cost_nobody_an_answer(tmp_path: Path) -> None:
    async def story(one: PostgresLedger, two: PostgresLedger, url: str) -> None:
        async def pay(ledger: PostgresLedger, number: int) -> None:
            for id_ in range(1_000 * number, 1_000 * number + 40):
                assert await ledger.transfer(id_, 2 + number % 8, 2 + (number + 1) % 8, 1) is Status.CREATED

        async def cut() -> None:
            connection = await asyncpg.connect(url)
            for _ in range(12):
                await asyncio.sleep(0.02)
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            await connection.close()

        payers = (pay((one, two)[number % 2], number) for number in range(1, 17))
        await asyncio.gather(cut(), *payers)
        assert sum([await one.balance(it) for it in range(2, 10)]) == 8 * FUNDS

    run(tmp_path, story)


def test_a_commit_whose_answer_was_lost_is_answered_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection ends before or after the server has seen the COMMIT; either way the transfer was created once."""
    execute = asyncpg.Connection.execute
    faults = iter(["before", "after", "before", "after"])

    async def torn(
        connection: asyncpg.Connection, query: str, *arguments: object, **options: object
    ) -> object:
        fault = next(faults, "") if query == "COMMIT" else ""
        if fault == "before":
            connection.terminate()
        answer = await execute(connection, query, *arguments, **options)
        if fault == "after":
            connection.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return answer

    async def story(one: PostgresLedger, two: PostgresLedger, _: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, "execute", torn)
            for id_ in (100, 101):
                assert await one.transfer(id_, 2, 3, 5) is Status.CREATED
            assert await one.hold(102, 2, 3, 1, expires_ns=1) is Status.CREATED
            assert [it.id for it in await one.expire(1)] == [102]
        assert next(faults, None) is None
        assert await two.balance(3) == FUNDS + 10

    run(tmp_path, story)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of the test's own, to be treated badly."""
    own = PostgresServer().start()
    yield own
    own.remove()


def test_a_server_that_crashed_kept_what_it_acknowledged(server: PostgresServer) -> None:
    """Three crashes while sixteen pay; who meets one that lasts too long submits the same id again."""
    acknowledged: set[int] = set()

    async def pay(ledger: PostgresLedger, number: int) -> None:
        for id_ in range(1_000 * number, 1_000 * number + 60):
            assert await ledger.hold(2 * id_, ANN, BEN, 1) is Status.CREATED
            assert await ledger.post(2 * id_ + 1, 2 * id_) is Status.CREATED
            acknowledged.add(2 * id_ + 1)

    async def crash() -> None:
        for wanted in (50, 250, 500):
            while len(acknowledged) < wanted:
                await asyncio.sleep(0.001)
            await asyncio.to_thread(server.crash)
            await asyncio.to_thread(server.start)

    async def life() -> None:
        async with await PostgresLedger.open(server.url(), retries=30) as ledger:
            await found(ledger)
            await asyncio.gather(crash(), *(pay(ledger, number) for number in range(1, 17)))
            assert len(acknowledged) == 16 * 60
            assert await ledger.balance(BEN) == FUNDS + len(acknowledged)
            for id_ in sorted(acknowledged)[:20]:
                assert await ledger.post(id_, id_ - 1) is Status.EXISTS
                assert await ledger.hold_state(id_ - 1) is HoldState.POSTED
            await check(ledger)

    asyncio.run(life())


def test_a_commit_that_nobody_can_be_asked_about_is_a_fault_of_its_own(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes with the COMMIT, and does not come back in time; afterwards the same id tells."""
    execute = asyncpg.Connection.execute

    async def gone(
        connection: asyncpg.Connection, query: str, *arguments: object, **options: object
    ) -> object:
        if query == "COMMIT":
            server.crash()
        return await execute(connection, query, *arguments, **options)

    async def life() -> None:
        async with await PostgresLedger.open(server.url(), retries=2) as ledger:
            await found(ledger)
            with monkeypatch.context() as patch:
                patch.setattr(asyncpg.Connection, "execute", gone)
                with pytest.raises(
                    OutcomeUnknown, match="went away during a commit; submit again with the same ids"
                ):
                    await ledger.transfer(10, ANN, BEN, 5)
            with pytest.raises(Unreachable):
                await ledger.transfer(10, ANN, BEN, 5)
            with pytest.raises(Unreachable):
                await ledger.balance(BEN)
            server.start()
            assert await ledger.transfer(10, ANN, BEN, 5) in (Status.CREATED, Status.EXISTS)
            assert await ledger.balance(BEN) == FUNDS + 5
            await check(ledger)

    asyncio.run(life())


def test_what_needs_a_session_does_not_survive_the_pooler_of_these_tests(tmp_path: Path) -> None:
    """So that the conformance suite over it shows something: prepared statements, asyncpg's default, fail there."""

    async def life() -> None:
        async with pooled(await database(tmp_path)) as url:
            connection = await asyncpg.connect(url)
            asking = connection.execute("SELECT $1::integer", 1), connection.execute("SELECT $1::integer", 1)
            with pytest.raises(asyncpg.InvalidSQLStatementNameError):
                await _one_by_one(*asking)
            connection.terminate()

    asyncio.run(life())


@pytest.mark.pgbouncer
def test_two_transactions_in_a_row_meet_two_servers_behind_pgbouncer(tmp_path: Path) -> None:
    """So that the conformance suite through it shows something."""

    async def life() -> None:
        url = pgbouncer().url(await database(tmp_path))
        connections = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(2)]
        met = {await it.fetchval("SELECT pg_backend_pid()") for it in connections * 4}
        for statement in ("BEGIN", "SELECT 1", "COMMIT"):  # two open at once are on two servers
            for it in connections:
                await it.execute(statement)
        met |= {await it.fetchval("SELECT pg_backend_pid()") for it in connections * 4}
        assert len(met) > 1
        for connection in connections:
            await connection.close()

    asyncio.run(life())


async def _one_by_one(*asking: Awaitable[object]) -> None:
    for question in asking:
        await question
