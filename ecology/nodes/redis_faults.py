"""What can go wrong between a node and a Redis server: which of it passes, and what to tell about the rest."""

import os
import re
import ssl
from collections.abc import Iterator

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    InvalidResponse,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ecology.core.errors import RunFault, UsageError
from ecology.nodes.redis_url import RedisAddress

FAULTS = (RedisError, OSError)
"""All that a call of redis-py raises when the world outside is not as hoped."""
_TEXT_CHARS = 160
_CLOSED = "Connection closed by server"
_ERRNO = re.compile(r"\[Errno ([1-9]\d*)\]")


def fault_of(error: BaseException, address: RedisAddress) -> UsageError | RunFault:
    """What happened, in one line without secrets: UsageError if it stays until somebody changes something."""
    for cause in _chain(error):
        told = _configuration(cause, address)
        if told is not None:
            return told
    return _passing(error, address)


def _configuration(error: BaseException, address: RedisAddress) -> UsageError | None:
    match error:
        case AuthenticationError():
            return _unauthenticated(error, address)
        case NoPermissionError():
            return UsageError(
                f"{address} lets in this user but forbids what hints need",
                remedy="ACL SETUSER NAME resetchannels &ecology:* +subscribe +publish +ping",
            )
        case ssl.SSLCertVerificationError():
            return UsageError(
                f"the certificate of {address} is not to be trusted: {_text(error.verify_message)}",
                remedy="put ?ssl_ca_certs=FILE with the authority's certificate after the URL, "
                "and name the host as the certificate does",
            )
        case ssl.SSLError() if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
            return UsageError(
                f"{address} speaks no TLS", remedy="write redis:// for rediss://, or the port that does"
            )
        case ssl.SSLError():
            return UsageError(
                f"{address} and this node do not agree on TLS: {_text(error.reason or 'no reason given')}",
                remedy="look at the certificates on both sides",
            )
        case InvalidResponse():
            return UsageError(
                f"what answers is no {address}", remedy="look at the port; for TLS write rediss://"
            )
        case PermissionError():
            return UsageError(
                f"this user may not open {address}", remedy="let the node's user read and write it"
            )
        case BusyLoadingError():
            return None
        case ResponseError():
            return UsageError(f"{address} refuses: {_text(error)}", remedy="look at its configuration")
    return None


def _unauthenticated(error: AuthenticationError, address: RedisAddress) -> UsageError:
    if not address.password:
        return UsageError(
            f"{address} wants a password and the URL has none", remedy="write redis://USER:PASSWORD@HOST:PORT"
        )
    if "without any password configured" in str(error) or "no password is set" in str(error):
        return UsageError(
            f"{address} has no password and the URL has one",
            remedy="set `requirepass` there, or take the password out of the URL",
        )
    return UsageError(
        f"{address} knows no such user and password",
        remedy="correct them in the URL; in a password / is %2F, # is %23, @ is %40",
    )


def _passing(error: BaseException, address: RedisAddress) -> RunFault:
    if isinstance(error, BusyLoadingError):
        return RunFault(f"{address} is still reading its data")
    if isinstance(error, RedisTimeoutError | TimeoutError):
        return RunFault(f"{address} does not answer")
    if _CLOSED in str(error):
        return RunFault(f"{address} closed the connection")
    # asyncio words the same refusal in three ways and repeats the address in them.
    number = _ERRNO.search(str(error)) or _ERRNO.search(" ".join(map(str, _chain(error))))
    why = os.strerror(int(number[1])) if number else _text(error)
    lost = isinstance(error, RedisConnectionError | OSError)
    return RunFault(f"{address} cannot be reached: {why}" if lost else f"{address} failed: {why}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it: redis-py wraps what the system reports."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _text(error: object) -> str:
    return " ".join(str(error).split())[:_TEXT_CHARS]
