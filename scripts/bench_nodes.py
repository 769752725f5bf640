#!/usr/bin/env python3
"""Actions per second of a world on one node and on two, in alternating rounds, and what an action costs PostgreSQL.

    python scripts/bench_nodes.py [--policy scripted|llm [--delay-ms 1000]] [--agents 1000] [--seconds 10] [--rounds 3]

Every round founds a world in a new database and lets it live on node processes of `ecology node`. Scripted minds are so
quick that deeds, which have one order, are most of their cost; minds that ask a model spend most of theirs on prompts
and answers, which nodes share; if the model takes its time (`--delay-ms`), what bounds a node is how many may think at
once. The model is a stub in a process of its own. Look at the ratio and at the CPU: two busy nodes, PostgreSQL and the
stub want more cores than two.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import asyncpg
import psutil

from ecology.app.local_servers import local_servers

WARM_S = 3.0
BUSY = {
    "scripted": (
        "economy.appetite_s=0.001",
        "resources.flow.llm_rate.rate=1000000",
        "resources.flow.llm_rate.capacity=1000000",
        "resources.flow.cpu.rate=9000",
        "resources.flow.cpu.capacity=9000",
    ),
}
BUSY["llm"] = BUSY["scripted"]


@contextlib.contextmanager
def stub(policy: str, delay_ms: int) -> Iterator[list[str]]:
    """The options of a world whose agents ask a model that answers after so long; none for scripted minds."""
    if policy != "llm":
        yield []
        return
    say = '{"action": "noop"}'
    command = [
        sys.executable,
        "-m",
        "ecology.testing.model_server",
        "--delay-ms",
        str(delay_ms),
        "--say",
        say,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield ["--policy", "llm", "--model", "fake", "--llm-url", process.stdout.readline().strip()]
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def database(server: str) -> AsyncIterator[str]:
    """The URL of a new, empty database of the server."""
    name = f"bench_{time.time_ns()}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@contextlib.asynccontextmanager
async def nodes(
    count: int, options: list[str], environ: dict[str, str], connection: asyncpg.Connection
) -> AsyncIterator[list[psutil.Process]]:
    """So many node processes, all of them members."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            command = [sys.executable, "-m", "ecology", "node", "--no-http", "--quiet", "--id", f"n{number}"]
            started.append(subprocess.Popen([*command, *options], env=environ))  # noqa: ASYNC220
            while not await joined(connection, number + 1):
                assert started[-1].poll() is None, "the node has ended"
                await asyncio.sleep(0.05)
        yield [psutil.Process(process.pid) for process in started]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


async def joined(connection: asyncpg.Connection, count: int) -> bool:
    """Whether the world has so many members."""
    with contextlib.suppress(asyncpg.UndefinedTableError):
        members = await connection.fetchval("SELECT members FROM world_head")
        return bytes(members or b"").count(b"generation") == count
    return False


async def measure(
    server: str, redis: str, count: int, agents: int, seconds: float, options: list[str], policy: str
) -> dict[str, float]:
    """One world on so many nodes, for so long after it is warm."""
    async with database(server) as url:
        connection = await asyncpg.connect(url)
        environ = {**os.environ, "POSTGRES_URL": url, "REDIS_URL": redis}
        world = ["--agents", str(agents), "--duration", "1h", "--seed", "7", *options]
        for setting in BUSY[policy]:
            world += ["--set", setting]

        async def look(processes: list[psutil.Process]) -> dict[str, float]:
            turns, wal = await connection.fetchrow(
                "SELECT (SELECT sum(turn) FROM agents), pg_current_wal_lsn() - '0/0'::pg_lsn"
            )
            commits, events = await connection.fetchrow("SELECT number, sequence FROM world_head")
            spent = sum(sum(process.cpu_times()[:2]) for process in processes)
            found = {"turns": turns, "wal": wal, "commits": commits, "events": events, "cpu": spent}
            return {"time": time.monotonic(), **{name: float(value) for name, value in found.items()}}

        try:
            async with nodes(count, world, environ, connection) as processes:
                await asyncio.sleep(WARM_S)
                before = await look(processes)
                await asyncio.sleep(seconds)
                after = await look(processes)
        finally:
            await connection.close()
    grown = {name: after[name] - before[name] for name in before}
    return {
        "per_second": grown["turns"] / grown["time"],
        "node_cpu_us": grown["cpu"] / grown["turns"] * 1e6,
        "turns_per_commit": grown["turns"] / grown["commits"],
        "wal_bytes": grown["wal"] / grown["turns"],
        "events": grown["events"] / grown["turns"],
    }


async def compare(arguments: argparse.Namespace) -> None:
    """Alternating rounds, then medians."""
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    async with contextlib.AsyncExitStack() as stack:
        server, redis = arguments.postgres, ""
        if not server:
            server, redis = await stack.enter_async_context(local_servers())
        options = stack.enter_context(stub(arguments.policy, arguments.delay_ms))
        print(f"{'nodes':>5} {'actions/s':>10} {'node CPU':>11} {'per commit':>10} {'WAL':>9} {'events':>6}")
        for _ in range(arguments.rounds):
            for count in (1, 2):
                figures = await measure(
                    server, redis, count, arguments.agents, arguments.seconds, options, arguments.policy
                )
                found[count].append(figures)
                print(
                    f"{count:>5} {figures['per_second']:>10,.0f} {figures['node_cpu_us']:>8.0f} us"
                    f" {figures['turns_per_commit']:>10.1f} {figures['wal_bytes']:>7,.0f} B {figures['events']:>6.2f}",
                    flush=True,
                )
    one, two = (statistics.median(it["per_second"] for it in found[count]) for count in (1, 2))
    print(f"medians: {one:,.0f} actions/s on one node, {two:,.0f} on two: {two / one:.2f} times as many")


def main() -> None:
    """Print a table, and medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--policy", choices=("scripted", "llm"), default="scripted")
    parser.add_argument("--delay-ms", type=int, default=0, help="how long the stub of a model takes")
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", metavar="URL", help="a server to use; one of its own without")
    asyncio.run(compare(parser.parse_args()))


if __name__ == "__main__":
    main()
