"""A node says that its machine's clock is off only if a slow answer of the database does not explain it."""

import asyncio
from typing import cast

import pytest

from ecology.app import node
from ecology.store.postgres import PostgresStore

SECOND_US = 1_000_000


class Server:
    """A database whose clock shows that."""

    where = "db:5432/world"

    def __init__(self, clock_us: int) -> None:
        self._clock_us = clock_us

    async def clock_us(self) -> int:
        return self._clock_us


@pytest.mark.parametrize(
    ("theirs_s", "answer_s", "said"),
    [
        (0, 0, []),
        (1, 20, []),
        (19, 20, []),
        (3600, 0, ["behind"]),
        (3600, 20, ["behind"]),
        (-3600, 20, ["ahead of"]),
    ],
)
def test_what_a_slow_answer_explains_is_not_said(
    monkeypatch: pytest.MonkeyPatch, theirs_s: int, answer_s: int, said: list[str]
) -> None:
    ours = iter([0, answer_s * SECOND_US])
    monkeypatch.setattr(node, "wall_us", lambda: next(ours))
    lines: list[str] = []
    server = cast(PostgresStore, Server(theirs_s * SECOND_US))
    asyncio.run(node._compare_clocks(server, lines.append))
    assert len(lines) == len(said) and all(word in line for word, line in zip(said, lines, strict=True))
