"""Hints over Redis: one channel for each node, an empty message on it for "look now"."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, cast

from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ecology.core.errors import UsageError
from ecology.nodes.hints import HintState
from ecology.nodes.redis_faults import FAULTS, fault_of
from ecology.nodes.redis_probe import mistaken_tls
from ecology.nodes.redis_url import RedisAddress, parse_redis_url

ANSWER_S = 1.0
PING_S = 0.5
SILENCES = 3
"""A connection on which nothing came for so many times `PING_S`, though asked, is lost."""
FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 1.0


class RedisHints:
    """One node's end, over two connections: one to hear, one to tell. See `Hints`."""

    def __init__(self, url: str, world: str, node: str) -> None:
        """Raises UsageError for a URL that names no Redis."""
        self._address = parse_redis_url(url)
        self._prefix = f"ecology:{world}:"
        self._channel = self._prefix + node
        self._redis = _client(self._address)
        self._on_hint: Callable[[], None] = _unheard
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: set[str] = set()
        self._wanted = asyncio.Event()
        self._stopping = self._connected = self._was_connected = False
        self._sent = self._received = self._dropped = self._reconnections = 0
        self._last_error = ""

    async def start(self, on_hint: Callable[[], None]) -> None:
        assert not self._tasks, "started once"
        self._on_hint = on_hint
        try:
            ears = await self._first_connection()
        except BaseException:
            await self.stop()
            raise
        self._tasks = [
            asyncio.create_task(self._listen(ears), name="hints: listen"),
            asyncio.create_task(self._deliver(), name="hints: deliver"),
        ]

    def tell(self, nodes: Collection[str]) -> None:
        if not self._connected:
            self._dropped += len(set(nodes))
        elif nodes:
            self._waiting.update(nodes)
            self._wanted.set()

    def state(self) -> HintState:
        return HintState(
            self._connected, self._sent, self._received, self._dropped, self._reconnections, self._last_error
        )

    async def stop(self) -> None:
        self._stopping = True  # redis-py may lose a cancellation that meets a time limit of its own
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        tasks, self._tasks = self._tasks, []
        self._silent()
        with suppress(*FAULTS):  # closing what is broken may fail
            await self._redis.aclose()
        for task in tasks:
            if not task.cancelled():
                task.result()  # a bug ended it

    async def _first_connection(self) -> PubSub | None:
        """Find out what only a change of the configuration mends, while somebody is there to change it."""
        ears: PubSub | None = None
        try:
            ears = await self._subscribed()
            await self._redis.publish(self._prefix, b"")  # to nobody: may this user tell, too?
        except FAULTS as error:
            fault = fault_of(error, self._address)
            if not isinstance(fault, UsageError):
                fault = await mistaken_tls(self._address) or fault
            if isinstance(fault, UsageError):
                if ears is not None:
                    await _close(ears)
                raise fault from error
            self._last_error = str(fault)
        return ears

    async def _subscribed(self) -> PubSub:
        """A connection on which hints arrive. Raises `FAULTS`."""
        ears = self._redis.pubsub()
        try:
            await ears.subscribe(self._channel)
            message = await ears.get_message(timeout=ANSWER_S)
            if message is None:
                raise TimeoutError
            self._heard(message)
        except BaseException:
            await _close(ears)
            raise
        return ears

    async def _listen(self, ears: PubSub | None) -> None:
        delay_s = FIRST_DELAY_S
        try:
            while not self._stopping:
                try:
                    if ears is None:
                        ears = await self._subscribed()
                    delay_s = FIRST_DELAY_S
                    await self._follow(ears)
                except FAULTS as error:
                    self._last_error = str(fault_of(error, self._address))
                    self._silent()
                if ears is not None:
                    await _close(ears)
                    ears = None
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, LONGEST_DELAY_S)
        finally:
            self._silent()
            if ears is not None:
                await _close(ears)

    async def _follow(self, ears: PubSub) -> None:
        """Hear what comes until nothing does. Raises `FAULTS`, never returns otherwise."""
        silences = 0
        while silences < SILENCES and not self._stopping:
            message = await ears.get_message(timeout=PING_S)
            if message is None:
                silences += 1
                await ears.ping()
            else:
                silences = 0
                self._heard(message)
        raise TimeoutError

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] == "message":
            self._received += 1
            self._on_hint()
        elif message["type"] == "subscribe":
            # Whenever this comes, also when redis-py repeats it by itself: hints before it may be lost.
            self._reconnections += self._was_connected
            self._connected = self._was_connected = True
            self._on_hint()

    async def _deliver(self) -> None:
        while not self._stopping:
            await self._wanted.wait()
            self._wanted.clear()
            nodes, self._waiting = self._waiting, set()
            pipeline = self._redis.pipeline(transaction=False)
            for node in nodes:
                pipeline.publish(self._prefix + node, b"")
            try:
                await pipeline.execute()
                self._sent += len(nodes)
            except FAULTS as error:
                self._last_error = str(fault_of(error, self._address))
                self._dropped += len(nodes)
            except asyncio.CancelledError:
                self._dropped += len(nodes)
                raise

    def _silent(self) -> None:
        """Nothing is heard any more: what waits to be told is worth nothing either."""
        self._connected = False
        self._dropped += len(self._waiting)
        self._waiting.clear()


def _client(address: RedisAddress) -> Redis:
    options: dict[str, Any] = {
        "username": address.username or None,
        "password": address.password or None,
        "protocol": 2,  # an error in the greeting is then that of the user's own command
        "driver_info": None,
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
        "retry": Retry(NoBackoff(), 0, supported_errors=()),  # this module connects anew, and counts it
    }
    if address.path:
        options |= {"connection_class": UnixDomainSocketConnection, "path": address.path}
    else:
        kind = SSLConnection if address.tls else Connection
        options |= {"connection_class": kind, "host": address.host, "port": address.port, **address.tls_files}
    return Redis.from_pool(ConnectionPool(**options))


async def _close(ears: PubSub) -> None:
    connection = cast(
        Connection | None, ears.connection
    )  # redis-py's own type leaves out that there may be one
    with suppress(*FAULTS):  # closing what is broken may fail
        if connection is not None:
            await connection.disconnect()  # waits, at most `ANSWER_S`, until it is closed; aclose does not
        await ears.aclose()  # type: ignore[no-untyped-call]


def _unheard() -> None:
    """What is called before `start`: nothing arrives then."""
