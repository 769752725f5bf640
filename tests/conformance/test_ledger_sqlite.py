"""What the ledger over a file promises beyond the protocol: durability, groups, other processes."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import HoldState, SqliteLedger, Status
from ledger.errors import LedgerClosed
from ledger.sqlite_ledger import MAX_GROUP, connect
from tests.conformance import ledger_bank
from tests.conformance.ledger_bank import ANN, BEN, WORLD, found, run

path = ledger_bank.path


def test_it_commits_durably_in_wal_mode(path: Path) -> None:
    connection = connect(path)
    assert connection.execute("PRAGMA journal_mode").get == "wal"
    assert connection.execute("PRAGMA synchronous").get == 2  # FULL
    connection.close()


def test_everything_is_there_after_a_reopening(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        await ledger.hold(10, ANN, BEN, 100, expires_ns=50)
        await ledger.hold(11, ANN, BEN, 200)
        await ledger.hold(12, ANN, BEN, 300)
        await ledger.post(13, 12, 7)

    async def later() -> None:
        async with await SqliteLedger.open(path) as ledger:
            assert await ledger.open_account("ann", "scrip") == ANN
            assert [await ledger.balance(it) for it in (WORLD, ANN, BEN)] == [-1_000, 993, 7]
            assert await ledger.held(ANN) == 300
            assert await ledger.transfer(1, WORLD, ANN, 1_000) is Status.EXISTS
            assert await ledger.transfer(1, WORLD, ANN, 1_001) is Status.EXISTS_DIFFERENT
            assert await ledger.post(13, 12, 7) is Status.EXISTS
            assert await ledger.post(14, 12) is Status.HOLD_ALREADY_POSTED
            assert [hold.id for hold in await ledger.expire(60)] == [10]
        async with await SqliteLedger.open(path) as ledger:
            assert [await ledger.hold_state(it) for it in (10, 11, 12, 13, 14)] == [
                HoldState.EXPIRED,
                HoldState.PENDING,
                HoldState.POSTED,
                None,
                None,
            ]
            assert await ledger.post(15, 10) is Status.HOLD_ALREADY_EXPIRED
            assert await ledger.post(16, 11) is Status.CREATED
            assert await ledger.open_account("cy", "scrip") == 4

    run(path, story)
    asyncio.run(later())


def test_callers_at_once_share_a_commit(path: Path) -> None:
    async def life() -> None:
        connection = connect(path)
        ledger = await SqliteLedger.over(connection)
        await found(ledger)
        commits = 0

        def committing() -> bool:
            nonlocal commits
            commits += 1
            return False

        connection.set_commit_hook(committing)
        await asyncio.gather(*(ledger.transfer(10 + it, ANN, BEN, 1) for it in range(500)))
        assert commits == 1
        await asyncio.gather(*(ledger.transfer(1_000 + it, BEN, ANN, 1) for it in range(2 * MAX_GROUP)))
        assert commits == 3
        assert [await ledger.balance(BEN) for _ in range(3)] == [0, 0, 0]
        connection.set_commit_hook(None)
        await ledger.close()

    asyncio.run(life())


def test_who_is_cancelled_before_its_group_begins_leaves_no_trace(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        first = asyncio.ensure_future(ledger.transfer(10, ANN, BEN, 1))
        second = asyncio.ensure_future(ledger.transfer(11, ANN, BEN, 1))
        await asyncio.sleep(0)
        first.cancel()
        assert await second is Status.CREATED
        assert first.cancelled()
        assert await ledger.transfer(10, ANN, BEN, 1) is Status.CREATED

    run(path, story)


def test_who_is_cancelled_later_was_served_and_disturbs_nobody(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        first = asyncio.ensure_future(ledger.transfer(10, ANN, BEN, 1))
        second = asyncio.ensure_future(ledger.transfer(11, ANN, BEN, 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the group is written, its commit under way
        first.cancel()
        assert await second is Status.CREATED
        assert first.cancelled()
        assert await ledger.transfer(10, ANN, BEN, 1) is Status.EXISTS

    run(path, story)


def test_closing_waits_for_what_was_submitted(path: Path) -> None:
    async def life() -> None:
        ledger = await SqliteLedger.open(path)
        await found(ledger)
        calls = [asyncio.ensure_future(ledger.transfer(10 + it, ANN, BEN, 1)) for it in range(20)]
        await asyncio.sleep(0)
        await asyncio.gather(ledger.close(), ledger.close())
        assert {call.result() for call in calls} == {Status.CREATED}
        with pytest.raises(LedgerClosed):
            await ledger.balance(ANN)

    asyncio.run(life())


def test_two_ledgers_on_one_file_build_on_each_other(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        async with await SqliteLedger.open(path) as other:
            assert await other.transfer(10, ANN, BEN, 600) is Status.CREATED
            assert await ledger.transfer(11, ANN, BEN, 600) is Status.INSUFFICIENT
            assert await ledger.transfer(10, ANN, BEN, 600) is Status.EXISTS
            assert await ledger.hold(12, ANN, BEN, 400) is Status.CREATED
            assert await other.post(13, 12) is Status.CREATED
            assert await ledger.void(14, 12) is Status.HOLD_ALREADY_POSTED
            assert await ledger.open_account("cy", "scrip") == await other.open_account("cy", "scrip") == 4

    run(path, story)


async def pay_for_ever(path: Path) -> None:
    """What the killed process does: hold, post, and tell the post's id once it is acknowledged, 16 at a time."""
    async with await SqliteLedger.open(path) as ledger:

        async def pay(first: int) -> None:
            for number in range(first, 10**9, 16):
                assert await ledger.hold(2 * number, ANN, BEN, 1) is Status.CREATED
                assert await ledger.post(2 * number + 1, 2 * number) is Status.CREATED
                sys.stdout.write(f"{2 * number + 1}\n")
                sys.stdout.flush()

        await asyncio.gather(*(pay(first) for first in range(16, 32)))


@pytest.mark.parametrize("acknowledged", [1, 60, 500])
def test_a_killed_process_lost_nothing_it_was_told(path: Path, acknowledged: int) -> None:
    async def fund(ledger: SqliteLedger) -> None:
        await ledger.transfer(2, WORLD, ANN, 10**9)

    run(path, fund)
    command = [sys.executable, "-m", "tests.conformance.test_ledger_sqlite", str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(acknowledged)]
        writer.kill()
        told += map(int, writer.stdout)

    async def after() -> None:
        async with await SqliteLedger.open(path) as ledger:
            for transfer_id in told:
                assert await ledger.hold_state(transfer_id - 1) is HoldState.POSTED
                assert await ledger.post(transfer_id, transfer_id - 1) is Status.EXISTS
            assert await ledger.balance(BEN) >= len(told)
            report = await ledger.audit()
            assert report.ok, report

    asyncio.run(after())


if __name__ == "__main__":
    asyncio.run(pay_for_ever(Path(sys.argv[1])))
