#!/usr/bin/env python3
"""What a model call costs this project, with a scripted server in a process of its own.

Two figures: calls per second of many agents whose model takes a second, and the client's own CPU per call, next to what
the vendor's client needs for the same call in the same run. Quote the ratio, not the milliseconds.

    python scripts/bench_llm.py [--callers 100] [--delay-ms 1000] [--calls 1000]
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import cast

import openai
from openai.types.shared_params import ResponseFormatJSONSchema

from ecology.llm.model import ModelRequest
from ecology.llm.openai_chat import OpenAIChat

Ask = Callable[[], Awaitable[None]]


def sample_request() -> ModelRequest:
    """A prompt of about 1,500 tokens and a schema of a dozen actions: the size of a real turn."""
    fields = {f"field_{n}": {"type": "string", "pattern": "^[a-z]{0,80}$"} for n in range(4)}
    actions = [
        {
            "type": "object",
            "properties": {"action": {"const": f"act_{n}"}, **fields},
            "required": ["action", *fields],
            "additionalProperties": False,
        }
        for n in range(12)
    ]
    system = "You live in a world where storage is scarce. " * 60
    return ModelRequest(system, "Something happened since your last turn. " * 80, {"anyOf": actions}, 256)


@contextlib.contextmanager
def served(delay_ms: int) -> Iterator[str]:
    """A scripted server's URL while the context is open."""
    command = [sys.executable, "-m", "ecology.testing.model_server", "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def ours(url: str, callers: int) -> AsyncIterator[Ask]:
    """A call through the project's client."""
    client = OpenAIChat(url, "fake", max_connections=callers)
    request = sample_request()

    async def ask() -> None:
        await client.complete(request)

    yield ask
    await client.close()


@contextlib.asynccontextmanager
async def vendors(url: str, callers: int) -> AsyncIterator[Ask]:
    """The same call through the vendor's typed interface."""
    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    request = sample_request()
    answer_format = {"type": "json_schema", "json_schema": {"name": "answer", "schema": request.schema}}

    async def ask() -> None:
        await client.chat.completions.create(
            model="fake",
            messages=[
                {"role": "system", "content": request.system},
                {"role": "user", "content": request.user},
            ],
            max_tokens=request.max_output_tokens,
            response_format=cast("ResponseFormatJSONSchema", answer_format),
        )

    yield ask
    await client.close()


async def measure(ask: Ask, callers: int, calls: int) -> tuple[float, float]:
    """Calls per second and CPU milliseconds per call, after one round to open the connections."""
    await asyncio.gather(*(ask() for _ in range(callers)))
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            await ask()

    wall_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return calls / wall_s, 1000 * cpu_s / calls


async def report(callers: int, delay_ms: int, calls: int) -> None:
    """Measure both clients, thinking together and one at a time, and print a table."""
    print(f"{'client':<10} {'callers':>7} {'model takes':>12} {'calls/s':>9} {'CPU ms/call':>12}")
    for at_once, takes_ms in ((callers, delay_ms), (1, 0)):
        with served(takes_ms) as url:
            for name, opened in (("ours", ours), ("vendor's", vendors)):
                async with opened(url, at_once) as ask:
                    per_second, cpu_ms = await measure(ask, at_once, calls)
                print(f"{name:<10} {at_once:>7} {takes_ms:>9} ms {per_second:>9.1f} {cpu_ms:>12.2f}")


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description="measure the model client against a scripted server")
    parser.add_argument("--callers", type=int, default=100)
    parser.add_argument("--delay-ms", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=1000)
    options = parser.parse_args()
    asyncio.run(report(options.callers, options.delay_ms, options.calls))


if __name__ == "__main__":
    main()
