#!/usr/bin/env python3
"""How fast is the ledger, next to a plain single-threaded loop over the same file system in the same run.

    python scripts/bench_ledger.py [--transfers 100000] [--accounts 1000] [--rounds 3] [--json]
    python scripts/bench_ledger.py --postgres [URL]   the other contest: see bench_postgres.py

Durable rows commit with `synchronous=FULL`. Quote ratios: absolutes depend on the disk and on who else uses it.
"""

import argparse
import asyncio
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from ledger import Book, Ledger, SqliteLedger, Status

GROUP = 256
FUNDS = 10**12
PLAIN_SCHEMA = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
CREATE TABLE transfers (
    id INTEGER PRIMARY KEY, debit INTEGER, credit INTEGER, amount INTEGER, time_ns INTEGER, memo TEXT
);
"""
ADD = "INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?)"

Pair = tuple[int, int]


def pairs(transfers: int, accounts: int) -> list[Pair]:
    """Who pays whom: the same for every contestant."""
    draw = random.Random(7)
    return [tuple(draw.sample(range(2, accounts + 2), 2)) for _ in range(transfers)]  # type: ignore[misc]


def plain_database(path: Path, accounts: int) -> sqlite3.Connection:
    """A plain file with funded accounts, in autocommit mode so that the loop says BEGIN and COMMIT itself."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(PLAIN_SCHEMA)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO accounts VALUES (?, ?)", [(id_, FUNDS) for id_ in range(1, accounts + 2)]
    )
    connection.execute("COMMIT")
    return connection


def plain_loop(folder: Path, who: list[Pair], accounts: int) -> float:
    """Transfers per second of one insert and two updates each, statement by statement, a commit per group."""
    connection = plain_database(folder / "plain.sqlite", accounts)
    began = time.perf_counter()
    for start in range(0, len(who), GROUP):
        connection.execute("BEGIN IMMEDIATE")
        for number, (debit, credit) in enumerate(who[start : start + GROUP], start + 1):
            connection.execute(ADD, (number, debit, credit, 1, number, ""))
            connection.execute("UPDATE accounts SET balance = balance - ? WHERE id = ?", (1, debit))
            connection.execute("UPDATE accounts SET balance = balance + ? WHERE id = ?", (1, credit))
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return len(who) / took


def strong_loop(folder: Path, who: list[Pair], accounts: int) -> float:
    """The strongest plain variant: balances in a dict, a group's inserts and net updates by `executemany`."""
    connection = plain_database(folder / "strong.sqlite", accounts)
    balances = dict.fromkeys(range(1, accounts + 2), FUNDS)
    began = time.perf_counter()
    for start in range(0, len(who), GROUP):
        rows, changed = [], {}
        for number, (debit, credit) in enumerate(who[start : start + GROUP], start + 1):
            if balances[debit] >= 1:
                balances[debit] -= 1
                balances[credit] += 1
                changed[debit] = changed[credit] = True
                rows.append((number, debit, credit, 1, number, ""))
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(ADD, rows)
        connection.executemany(
            "UPDATE accounts SET balance = ? WHERE id = ?", [(balances[it], it) for it in changed]
        )
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return len(who) / took


def book_alone(_: Path, who: list[Pair], accounts: int) -> float:
    """Transfers per second of verdicts in memory, the delta thrown away after every group."""
    book = Book()
    issuer = book.open_account("world", "scrip", issuer=True)
    for number in range(accounts):
        book.transfer(number + 1, issuer, book.open_account(f"agent-{number}", "scrip"), FUNDS)
    book.take_delta()
    transfer = book.transfer
    began = time.perf_counter()
    for number, (debit, credit) in enumerate(who, accounts + 1):
        transfer(number, debit, credit, 1, number)
        if not number % GROUP:
            book.take_delta()
    return len(who) / (time.perf_counter() - began)


async def contest(
    ledger: Ledger, who: list[Pair], accounts: int, tasks: int, latencies: list[float]
) -> float:
    """Transfers per second of `tasks` callers who each wait for their transfer to be durable before the next.

    The ledger is empty before; it gets the accounts and ids that the plain loops use, and is audited in the end.
    """
    issuer = await ledger.open_account("world", "scrip", issuer=True)
    names = (f"agent-{number}" for number in range(accounts))
    ids = await asyncio.gather(*(ledger.open_account(name, "scrip") for name in names))
    await asyncio.gather(*(ledger.transfer(it, issuer, it, FUNDS) for it in ids))
    numbers = count(accounts + 10)
    work = iter(who)

    async def caller() -> None:
        for debit, credit in work:
            number = next(numbers)
            asked = time.perf_counter()
            status = await ledger.transfer(number, debit, credit, 1, time_ns=number)
            latencies.append(time.perf_counter() - asked)
            assert status is Status.CREATED, status

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(tasks)))
    took = time.perf_counter() - began
    assert (await ledger.audit()).ok
    return len(who) / took


async def callers(folder: Path, who: list[Pair], accounts: int, tasks: int, latencies: list[float]) -> float:
    """The contest over a new file."""
    async with await SqliteLedger.open(folder / f"ledger-{tasks}.sqlite") as ledger:
        return await contest(ledger, who, accounts, tasks, latencies)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median over rounds of ours to theirs, each taken from one round."""
    return round(statistics.median(our / their for our, their in zip(ours, theirs, strict=True)), 2)


def percentile_ms(seconds: list[float], percent: int) -> float:
    """The percentile of latencies, in milliseconds."""
    return round(statistics.quantiles(seconds, n=100)[percent - 1] * 1e3, 3)


def measure(transfers: int, accounts: int, rounds: int) -> dict[str, float]:
    """The medians over rounds of every contestant in turn."""
    who = pairs(transfers, accounts)
    few = who[: max(200, transfers // 50)]
    rates: dict[str, list[float]] = {}
    many_latency: list[float] = []
    one_latency: list[float] = []
    contestants: dict[str, Callable[[Path], float]] = {
        "plain_loop": lambda folder: plain_loop(folder, who, accounts),
        "strong_loop": lambda folder: strong_loop(folder, who, accounts),
        "ledger_256": lambda folder: asyncio.run(callers(folder, who, accounts, 256, many_latency)),
        "ledger_1": lambda folder: asyncio.run(callers(folder, few, accounts, 1, one_latency)),
        "book": lambda folder: book_alone(folder, who, accounts),
    }
    for _ in range(rounds):
        for name, contestant in contestants.items():
            with tempfile.TemporaryDirectory() as folder:
                rates.setdefault(name, []).append(contestant(Path(folder)))
    figures = {f"{name}_per_s": round(statistics.median(found)) for name, found in rates.items()}
    return figures | {
        "ledger_to_plain": ratio(rates["ledger_256"], rates["plain_loop"]),
        "ledger_to_strong": ratio(rates["ledger_256"], rates["strong_loop"]),
        "ledger_256_p50_ms": percentile_ms(many_latency, 50),
        "ledger_256_p99_ms": percentile_ms(many_latency, 99),
        "ledger_1_p50_ms": percentile_ms(one_latency, 50),
        "ledger_1_p99_ms": percentile_ms(one_latency, 99),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--transfers", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--postgres", nargs="?", const="", metavar="URL")
    options = parser.parse_args()
    if options.postgres is None:
        figures = measure(options.transfers, options.accounts, options.rounds)
    else:
        import bench_postgres

        figures = bench_postgres.against(
            options.postgres, options.transfers, options.accounts, options.rounds
        )
    if options.json:
        json.dump(figures, sys.stdout)
        print()
        return
    for name, value in figures.items():
        print(f"{name:<20} {value:>12,}")


if __name__ == "__main__":
    main()
