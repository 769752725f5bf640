"""Hints between nodes: "look now". They carry no truth; who loses one looks a second later anyway, by poll.

A node that has committed tells the nodes whose agents may want to know. What changed stands in the database: a hint
says neither what nor from whom, so a hundred of them are as good as one and a lost one costs time only.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol


class HintState(NamedTuple):
    """How the hints of one node are doing; counts are since its start."""

    connected: bool
    """Whether hints arrive here now; if not, the poll is all there is."""
    sent: int
    """Hints handed over, whether or not their node was there to hear them."""
    received: int
    dropped: int
    """Hints that could not be handed over, or perhaps were: their nodes find out by poll."""
    reconnections: int
    """How often hints were heard again after they were not."""
    last_error: str
    """What went wrong last, in one line without secrets; empty if nothing did."""


class Hints(Protocol):
    """One node's end of the hints of one world."""

    async def start(self, on_hint: Callable[[], None]) -> None:
        """Begin to hear: `on_hint` is called in the event loop for every hint and after every (re)connection, since
        hints in between are gone. Called once.

        Raises UsageError for what only a change of the configuration mends; that nobody answers is no fault.
        """

    def tell(self, nodes: Collection[str]) -> None:
        """Let these nodes look, soon. Never waits and never raises; a node that is yet to be told is told once."""

    def state(self) -> HintState:
        """The counts so far."""

    async def stop(self) -> None:
        """Hear and tell no more; what was not handed over yet is dropped. More than once does nothing."""


class LocalHints:
    """Hints between nodes of one event loop, which find each other in the `neighbours` that they share."""

    def __init__(self, neighbours: dict[str, "LocalHints"], node: str) -> None:
        self._neighbours = neighbours
        self._node = node
        self._on_hint: Callable[[], None] | None = None
        self._waiting: set[str] = set()
        self._sent = self._received = self._dropped = 0

    async def start(self, on_hint: Callable[[], None]) -> None:
        assert self._on_hint is None, "started once"
        self._on_hint = on_hint
        self._neighbours[self._node] = self
        asyncio.get_running_loop().call_soon(on_hint)

    def tell(self, nodes: Collection[str]) -> None:
        if self._on_hint is None:
            self._dropped += len(set(nodes))
            return
        if nodes and not self._waiting:
            asyncio.get_running_loop().call_soon(self._deliver)
        self._waiting.update(nodes)

    def state(self) -> HintState:
        connected = self._on_hint is not None
        return HintState(connected, self._sent, self._received, self._dropped, 0, "")

    async def stop(self) -> None:
        if self._on_hint is not None:
            del self._neighbours[self._node]
            self._on_hint = None

    def _deliver(self) -> None:
        nodes, self._waiting = self._waiting, set()
        if self._on_hint is None:
            self._dropped += len(nodes)
            return
        self._sent += len(nodes)
        for node in nodes & self._neighbours.keys():
            self._neighbours[node]._hear()

    def _hear(self) -> None:
        assert self._on_hint is not None, "who stopped is no neighbour"
        self._received += 1
        self._on_hint()
