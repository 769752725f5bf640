#!/usr/bin/env python3
"""How long from a deed's commit on one node until the agent that it concerns has its turn on another, all of it real.

    python scripts/bench_node_wakes.py [--sleepers 10000] [--rate 500] [--seconds 10] [--postgres URL --redis URL]

Two node processes live one world in PostgreSQL: callers on one of them send messages to agents asleep on the other. The
latency of a wake runs from the moment the message is durable to the moment the woken agent's mind is asked: the hint
through Redis, reading the commit, taking it in, waking the loop. Both read the machine's one monotonic clock.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection

import asyncpg

from bench_ledger import percentile_ms
from bench_nodes import database, joined
from ecology import scenarios
from ecology.app import assembly
from ecology.app.local_servers import local_servers
from ecology.app.node import makings, settle
from ecology.core.outcome import Outcome
from ecology.engine.observation import Observation
from ecology.engine.policy import Policy, PolicyFactory, Thought
from ecology.events.records import MessageSent
from ecology.kernel.actions import Action, Message, Sleep
from ecology.nodes.hints import Hints, HintState
from ecology.nodes.node import Node
from ecology.nodes.redis_hints import RedisHints
from ecology.nodes.term import Share
from ecology.scenarios import Scenario
from ecology.store.postgres import PostgresStore

CALLERS = 25
STRIDE = 7919
"""A prime, so that every sleeper has its turn."""
SETTLE_S = 4.0

Times = dict[str, int]


class Sleeper:
    """Sleeps until it gets a message, notes when, and sleeps on."""

    slow = False

    def __init__(self, heard: Times) -> None:
        self._heard = heard

    async def decide(self, view: Observation) -> Thought:
        """Sleep, once the news is read."""
        now_ns = time.monotonic_ns()
        for event in view.news:
            if isinstance(event, MessageSent):
                self._heard[event.text] = now_ns
        return Thought(Sleep(duration_ms=3_600_000), 1, 1)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        """Nothing."""

    def dump(self) -> bytes:
        return b""


class Caller:
    """Sends a message to another sleeper at every beat of its own."""

    slow = True

    def __init__(self, done: list[str], sleepers: int, rate: float) -> None:
        self._done = done
        self._sleepers = sleepers
        self._every_s = CALLERS / rate
        self._next_s = 0.0

    async def decide(self, view: Observation) -> Thought:
        """The next message, when its time has come."""
        now_s = time.monotonic()
        first_s = now_s + self._every_s * view.ordinal / CALLERS  # one after the other, evenly
        self._next_s = max(self._next_s + self._every_s, now_s - self._every_s) if self._next_s else first_s
        await asyncio.sleep(max(0.0, self._next_s - now_s))
        number = view.turn * CALLERS + view.ordinal
        to = CALLERS + 1 + number * STRIDE % self._sleepers
        return Thought(Message(to=f"agent-{to:04d}", text=str(number)), 1, 1)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        """The message is in the pass that is under way."""
        if isinstance(action, Message):
            self._done.append(action.text)

    def dump(self) -> bytes:
        return b""


class NotingHints:
    """Hints that note when a pass was durable, which is when its hints are told."""

    def __init__(self, inner: Hints, done: list[str], durable: Times) -> None:
        self._inner = inner
        self._done = done
        self._durable = durable

    async def start(self, on_hint: Callable[[], None]) -> None:
        """Begin to hear."""
        await self._inner.start(on_hint)

    def tell(self, nodes: Collection[str]) -> None:
        """Let these nodes look."""
        now_ns = time.monotonic_ns()
        self._durable.update(dict.fromkeys(self._done, now_ns))
        self._done.clear()
        self._inner.tell(nodes)

    def state(self) -> HintState:
        """The counts so far."""
        return self._inner.state()

    async def stop(self) -> None:
        """Hear and tell no more."""
        await self._inner.stop()


def scenario(sleepers: int) -> Scenario:
    """A world of callers, then sleepers, in which nobody waits for flow."""
    return scenarios.load(
        "container",
        overrides=[
            f"population=[{{strategy: caller, share: {CALLERS}}}, {{strategy: sleeper, share: {sleepers}}}]",
            "resources.flow.llm_rate.rate=1000000",
            "resources.flow.llm_rate.capacity=1000000",
            "resources.flow.cpu.rate=9000",
            "resources.flow.cpu.capacity=9000",
        ],
        flags={"agents": CALLERS + sleepers, "duration": "1h", "seed": 7, "clock": "real"},
        strategies=assembly.strategies(("caller", "sleeper")),
    )


async def live(role: str, postgres: str, redis: str, sleepers: int, rate: float) -> None:
    """One of the two node processes; says what it noted when its input ends."""
    done: list[str] = []
    times: Times = {}
    own: dict[str, PolicyFactory] = {
        "caller": lambda config, dumped: _typed(Caller(done, sleepers, rate)),
        "sleeper": lambda config, dumped: _typed(Sleeper(times)),
    }
    store = await PostgresStore.open(postgres)
    world = await settle(store, scenario(sleepers), insist=True, own=own)
    hints: Hints = RedisHints(redis, "bench", role)
    if role == "caller":
        hints = NotingHints(hints, done, times)
    first, last = (1, CALLERS) if role == "caller" else (CALLERS + 1, CALLERS + sleepers)
    book = assembly.policies(world, None, own)
    node = Node(Share(role, role, first, last), store, hints, makings(store, world, None, book, print), print)
    life = asyncio.create_task(node.run())
    await asyncio.to_thread(sys.stdin.read)
    node.stop()
    await life
    await hints.stop()
    await store.close()
    json.dump(times, sys.stdout)


def _typed(policy: Policy) -> Policy:
    return policy


async def compare(arguments: argparse.Namespace) -> None:
    """Both processes on one world, then the latencies."""
    async with contextlib.AsyncExitStack() as stack:
        server, redis = arguments.postgres, arguments.redis
        if not server or not redis:
            server, redis = await stack.enter_async_context(local_servers())
        url = await stack.enter_async_context(database(server))

        def start(role: str) -> "subprocess.Popen[str]":
            command = [sys.executable, __file__, "--role", role, "--postgres", url, "--redis", redis]
            command += ["--sleepers", str(arguments.sleepers), "--rate", str(arguments.rate)]
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        sleeper = start("sleeper")
        await asyncio.sleep(SETTLE_S + arguments.sleepers / 500)  # everybody is asleep by then
        caller = start("caller")
        connection = await asyncpg.connect(url)
        while not await joined(connection, 2):
            await asyncio.sleep(0.1)
        await connection.close()
        await asyncio.sleep(arguments.seconds)
        durable = json.loads((await asyncio.to_thread(caller.communicate))[0].splitlines()[-1])
        heard = json.loads((await asyncio.to_thread(sleeper.communicate))[0].splitlines()[-1])
    found = [(heard[text] - durable[text]) / 1e9 for text in heard if text in durable]
    span_s = (max(durable.values()) - min(durable.values())) / 1e9
    print(
        f"{len(found):,} of {len(durable):,} wakes, {len(durable) / span_s:,.0f}/s, {arguments.sleepers:,} asleep:"
        f" p50 {percentile_ms(found, 50)} ms, p99 {percentile_ms(found, 99)} ms, longest {max(found) * 1e3:.1f} ms"
    )


def main() -> None:
    """Compare, or be one of the processes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sleepers", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=500.0, help="wakes per second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--postgres", metavar="URL", help="servers to use; of its own without")
    parser.add_argument("--redis", metavar="URL")
    parser.add_argument("--role", choices=("caller", "sleeper"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        asyncio.run(live(given.role, given.postgres, given.redis, given.sleepers, given.rate))
    else:
        asyncio.run(compare(given))


if __name__ == "__main__":
    main()
