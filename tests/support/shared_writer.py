"""A process that writes to a shared world, a group at a time, until it is told to stop: one line for what it achieved.

    python -m tests.support.shared_writer URL NAME

`committed NUMBER GENERATION` follows a commit that was acknowledged, `fault TEXT` a StoreFault, after which it begins
anew with a new generation, as a node does. It stops when its input ends.
"""

import asyncio
import sys
import threading

from ecology.core.errors import StoreFault
from ecology.core.seeds import Draw
from ecology.kernel.actions import Transfer, Write
from ecology.store.postgres import PostgresStore
from ecology.testing.worlds import Stage

AGENTS = 3


def say(*words: object) -> None:
    print(*words, flush=True)


async def write_once(store: PostgresStore, name: str, generation: int, draw: Draw) -> int:
    """One group of deeds on what all others have done before; the number of its commit."""
    async with store.at_head() as turnstile:
        world, head = await store.load_world(seed=1, default_contract="freeware")
        assert head == turnstile.head, "under the lock nothing moves"
        stage = Stage(world, head.time_ns + 1)
        for _ in range(draw.between(1, 6)):
            giver, taker = draw.between(1, AGENTS), draw.between(1, AGENTS)
            who = f"agent-{giver:04d}"
            stage.act(who, Transfer(f"agent-{taker:04d}", 1, memo=name))
            stage.act(who, Write(f"work-of-{giver}", f"by {name} after {head.number}"))
        written = await turnstile.write(
            world.take_batch(),
            node=name,
            generation=generation,
            payload=name.encode(),
            time_ns=stage.now_ns,
        )
    return written.number


async def main(url: str, name: str) -> None:
    store = await PostgresStore.open(url, seed=sum(name.encode()))
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    number = 0
    while not stop.is_set():
        try:
            generation = await store.acquire(f"node/{name}", name, 60)
            assert generation is not None
            while not stop.is_set():
                number += 1
                committed = await write_once(store, name, generation, Draw(sum(name.encode()), number))
                say("committed", committed, generation)
        except StoreFault as fault:
            say("fault", fault)
            await asyncio.sleep(0.1)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
