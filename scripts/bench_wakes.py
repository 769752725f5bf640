#!/usr/bin/env python3
"""How long from one node's commit until an agent on another node is awake, by hints over Redis.

    python scripts/bench_wakes.py [URL] [--rate 500] [--seconds 10] [--sleepers 10000] [--json]

Without a URL it starts a Redis of its own. Two processes: one notes what it did in a file that both have in memory (it
stands for the database) and tells the other; that one, told to look, reads the notes and wakes the agents they name.
Both read the machine's one monotonic clock. Quote ratios and say what else ran: the figures depend on free cores.
"""

import argparse
import asyncio
import json
import mmap
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench_ledger import percentile_ms
from ecology.app.local_redis import LocalRedis
from ecology.nodes.redis_hints import RedisHints

NOTE = struct.Struct("<qq")
STRIDE = 7919
"""A prime, so that every sleeper has its turn."""
END_S = 2.0


class Notes:
    """(agent, when) in the order of writing; the first place holds how many there are."""

    def __init__(self, path: Path, size: int) -> None:
        with path.open("r+b") as file:
            file.truncate((size + 1) * NOTE.size)
            self._memory = mmap.mmap(file.fileno(), (size + 1) * NOTE.size)

    def __len__(self) -> int:
        return int(NOTE.unpack_from(self._memory)[0])

    def __getitem__(self, index: int) -> tuple[int, int]:
        agent, when_ns = NOTE.unpack_from(self._memory, (index + 1) * NOTE.size)
        return agent, when_ns

    def add(self, agent: int) -> None:
        """One more, now."""
        count = len(self)
        NOTE.pack_into(self._memory, (count + 1) * NOTE.size, agent, time.monotonic_ns())
        NOTE.pack_into(self._memory, 0, count + 1, 0)


async def tell(url: str, path: Path, wakes: int, rate: float, agents: int) -> None:
    """The node that commits."""
    notes, hints = Notes(path, wakes), RedisHints(url, "bench", "teller")
    await hints.start(lambda: None)
    began = time.monotonic()
    for number in range(wakes):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        notes.add(number * STRIDE % agents)
        hints.tell(["hearer"])
    await asyncio.sleep(END_S)
    assert hints.state().dropped == 0, hints.state()
    await hints.stop()


class Hearer:
    """The node that is told to look: its agents sleep on futures, each in a task of its own."""

    def __init__(self, notes: Notes, wakes: int) -> None:
        self._notes = notes
        self._seen = 0
        self._beds: dict[int, asyncio.Future[None]] = {}
        self._news: dict[int, list[int]] = {}
        self._wakes = wakes
        self.latencies_s: list[float] = []
        self.done = asyncio.Event()

    async def live(self, agent: int) -> None:
        """Sleep, wake, again."""
        loop = asyncio.get_running_loop()
        while True:
            bed = self._beds[agent] = loop.create_future()
            await bed
            now_ns = time.monotonic_ns()
            self.latencies_s += [(now_ns - told_ns) / 1e9 for told_ns in self._news.pop(agent)]
            if len(self.latencies_s) == self._wakes:
                self.done.set()

    def look(self) -> None:
        """Read what was noted since the last look and wake whom it names."""
        count = len(self._notes)
        for index in range(self._seen, count):
            agent, told_ns = self._notes[index]
            self._news.setdefault(agent, []).append(told_ns)
            if not self._beds[agent].done():
                self._beds[agent].set_result(None)
        self._seen = count


async def hear(url: str, rate: float, seconds: float, agents: int) -> dict[str, float]:
    """The latencies of one run over two processes."""
    wakes = int(rate * seconds)
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        hearer, hints = Hearer(Notes(path, wakes), wakes), RedisHints(url, "bench", "hearer")
        lives = [asyncio.create_task(hearer.live(agent)) for agent in range(agents)]
        await asyncio.sleep(0)
        await hints.start(hearer.look)
        command = [sys.executable, __file__, url, "--tell", str(path), str(wakes), str(rate), str(agents)]
        other = await asyncio.create_subprocess_exec(*command)
        try:
            async with asyncio.timeout(2 * seconds + 10):
                await hearer.done.wait()
        finally:
            if other.returncode is None:
                other.terminate()
            await other.wait()
            await hints.stop()
            for life in lives:
                life.cancel()
    found = hearer.latencies_s
    return {
        "p50_ms": percentile_ms(found, 50),
        "p99_ms": percentile_ms(found, 99),
        "longest_ms": round(max(found) * 1e3, 3),
        "messages_per_wake": round(hints.state().received / wakes, 3),
    }


@asynccontextmanager
async def redis(url: str | None) -> AsyncIterator[str]:
    """The given Redis, or one that is gone afterwards."""
    if url:
        yield url
        return
    server = LocalRedis(Path(tempfile.mkdtemp(prefix="redis-")))
    try:
        server.launch()
        await server.up()
        yield server.url
    finally:
        server.remove()


async def measure(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """One agent, which is awake at once, then the crowd."""
    found = {}
    async with redis(arguments.url) as url:
        for agents in sorted({1, arguments.sleepers}):
            name = f"{agents} sleeping, {arguments.rate:g}/s"
            found[name] = await hear(url, arguments.rate, arguments.seconds, agents)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sleepers", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tell", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tell:
        path, wakes, rate, agents = arguments.tell
        asyncio.run(tell(arguments.url, Path(path), int(wakes), float(rate), int(agents)))
        return
    found = asyncio.run(measure(arguments))
    if arguments.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(f"{name}: " + ", ".join(f"{key} {figure}" for key, figure in figures.items()))


if __name__ == "__main__":
    main()
