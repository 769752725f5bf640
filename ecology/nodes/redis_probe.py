"""What speaks at an address that does not answer as hoped: Redis with TLS or without? Nothing secret is said to it."""

import asyncio
import ssl
from contextlib import suppress

from ecology.core.errors import UsageError
from ecology.nodes.redis_url import RedisAddress

PROBE_S = 1.0
REPLIES = (b"+PONG", b"-NOAUTH", b"-DENIED")


async def mistaken_tls(address: RedisAddress) -> UsageError | None:
    """The fault of a URL that asks for TLS where there is none or the other way round; None if it cannot be told."""
    if address.path:
        return None
    try:
        async with asyncio.timeout(PROBE_S):
            if address.tls and await _is_plain(address):
                return UsageError(
                    f"{address} speaks no TLS", remedy="write redis:// for rediss://, or its other port"
                )
            if not address.tls and await _wants_tls(address):
                return UsageError(
                    f"{address} wants TLS", remedy="write rediss:// for redis://, or its other port"
                )
    except (OSError, TimeoutError):
        return None
    return None


async def _is_plain(address: RedisAddress) -> bool:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith(REPLIES)
    finally:
        await _closed(writer)


async def _wants_tls(address: RedisAddress) -> bool:
    """Whether it shakes hands. Whose certificate it has is no question yet: nothing is said to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    await _closed(writer)
    return True


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):  # it may have closed first
        await writer.wait_closed()
