#!/usr/bin/env python3
"""How fast is the ledger on PostgreSQL, next to the textbook transaction and pgbench's TPC-B on the same server.

    python scripts/bench_postgres.py [URL] [--transfers 40000] [--accounts 1000] [--rounds 3] [--json]

Without a URL it starts a server of its own, the one that the tests use. With one, that database must be without tables
and is left with some. All commit durably. Quote ratios: absolutes depend on the disk and on who else uses it.
"""

import argparse
import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import cast

import asyncpg

from bench_ledger import FUNDS, Pair, contest, pairs, percentile_ms, ratio
from ledger import PostgresLedger

CALLERS = 256
CONNECTIONS = 32
PGBENCH_S = 10
DROP = (
    "DROP TABLE IF EXISTS ledger_schema, ledger_accounts, ledger_transfers, ledger_holds, accounts, transfers"
)
TEXTBOOK = """
CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE transfers (
    id bigint PRIMARY KEY, debit bigint, credit bigint, amount bigint, time_ns bigint, memo text
);
"""


async def textbook(url: str, who: list[Pair], accounts: int) -> float:
    """Transfers per second of a transaction each, on 32 connections with prepared statements."""
    pool = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
    async with pool:
        await pool.execute(DROP)
        await pool.execute(TEXTBOOK)
        await pool.execute(
            "INSERT INTO accounts SELECT id, $1 FROM generate_series(1, $2) AS id", FUNDS, accounts + 1
        )
        numbers = count(1)
        work = iter(who)

        async def client() -> None:
            async with pool.acquire() as connection:
                for debit, credit in work:
                    await transact(cast(asyncpg.Connection, connection), next(numbers), debit, credit)

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
        return len(who) / (time.perf_counter() - began)


async def transact(connection: asyncpg.Connection, number: int, debit: int, credit: int) -> None:
    """One transfer as a textbook has it."""
    async with connection.transaction():
        rows = await connection.fetch(
            "SELECT id, balance FROM accounts WHERE id IN ($1, $2) ORDER BY id FOR UPDATE", debit, credit
        )
        assert dict(rows)[debit] >= 1
        await connection.execute("UPDATE accounts SET balance = balance - $1 WHERE id = $2", 1, debit)
        await connection.execute("UPDATE accounts SET balance = balance + $1 WHERE id = $2", 1, credit)
        await connection.execute(
            "INSERT INTO transfers VALUES ($1, $2, $3, $4, $5, $6)", number, debit, credit, 1, number, ""
        )


async def callers(url: str, who: list[Pair], accounts: int, tasks: int, latencies: list[float]) -> float:
    """The contest of `bench_ledger` over an emptied database."""
    connection = await asyncpg.connect(url)
    await connection.execute(DROP)
    await connection.close()
    async with await PostgresLedger.open(url) as ledger:
        return await contest(ledger, who, accounts, tasks, latencies)


def tpcb(program: str, url: str) -> float:
    """Transactions per second of pgbench's TPC-B at scale 10 over 32 connections."""
    subprocess.run([program, "-i", "-q", "-s", "10", url], check=True, capture_output=True)
    command = [program, "-c", str(CONNECTIONS), "-j", "2", "-T", str(PGBENCH_S), "-M", "prepared", url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^tps = ([\d.]+)", told, re.MULTILINE)
    assert found, told
    return float(found[1])


def measure(url: str, transfers: int, accounts: int, rounds: int, program: str | None) -> dict[str, float]:
    """The medians over rounds of every contestant in turn."""
    who = pairs(transfers, accounts)
    few, fewest = who[: max(200, transfers // 8)], who[: max(200, transfers // 40)]
    ours: list[float] = []
    alone: list[float] = []
    theirs: list[float] = []
    bench: list[float] = []
    latencies: list[float] = []
    for _ in range(rounds):
        theirs.append(asyncio.run(textbook(url, few, accounts)))
        ours.append(asyncio.run(callers(url, who, accounts, CALLERS, latencies)))
        alone.append(asyncio.run(callers(url, fewest, accounts, 1, [])))
        if program:
            bench.append(tpcb(program, url))
    figures = {
        "textbook_per_s": round(statistics.median(theirs)),
        "ledger_256_per_s": round(statistics.median(ours)),
        "ledger_1_per_s": round(statistics.median(alone)),
        "ledger_to_textbook": ratio(ours, theirs),
        "ledger_256_p50_ms": percentile_ms(latencies, 50),
        "ledger_256_p99_ms": percentile_ms(latencies, 99),
    }
    if bench:
        figures |= {
            "pgbench_tpcb_per_s": round(statistics.median(bench)),
            "ledger_to_tpcb": ratio(ours, bench),
        }
    return figures


async def tables(url: str) -> int:
    """How many tables the database has that are not the server's own."""
    connection = await asyncpg.connect(url)
    try:
        return int(str(await connection.fetchval("SELECT count(*) FROM pg_stat_user_tables")))
    finally:
        await connection.close()


@contextmanager
def cluster(url: str | None) -> Iterator[tuple[str, str | None]]:
    """A URL, and pgbench where there is one."""
    program = shutil.which("pgbench")
    if url:
        if asyncio.run(tables(url)):
            sys.exit("The database has tables already; make an empty one for this (createdb bench).")
        yield url, program
        return
    from tests.support.postgres import PostgresServer

    server = PostgresServer().start()
    try:
        yield server.url(), str(server.bin / "pgbench")
    finally:
        server.remove()


def against(url: str | None, transfers: int, accounts: int, rounds: int) -> dict[str, float]:
    """The figures on the server of that URL, or on one of its own."""
    with cluster(url) as (found, program):
        return measure(found, transfers, accounts, rounds, program)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("url", nargs="?")
    parser.add_argument("--transfers", type=int, default=40_000)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = against(options.url, options.transfers, options.accounts, options.rounds)
    if options.json:
        json.dump(figures, sys.stdout)
        print()
        return
    for name, value in figures.items():
        print(f"{name:<20} {value:>12,}")


if __name__ == "__main__":
    main()
