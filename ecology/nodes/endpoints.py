"""The services a process uses, as its environment names them. Passwords go in, and only into connections out again.

    POSTGRES_URL  postgresql://USER@HOST:5432/DATABASE     world and ledger
    REDIS_URL     redis://HOST:6379/0                      wake hints
    LLM_URL       http://HOST:8000/v1                      a model

Each can instead stand in the file that `NAME_FILE` names. A password need not be in the URL: `POSTGRES_PASSWORD_FILE`
and `REDIS_PASSWORD_FILE` name a file with it, as the servers' own containers want it. Of Qdrant, whose URLs hold no
secret but whose key is one, `ecology.app.memory` knows.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

import msgspec

from ecology.core.errors import UsageError

FILE = "_FILE"
LONGEST_CHARACTERS = 4096


class BackingService(msgspec.Struct, frozen=True):
    """One kind of service: its name, the variable of its URL and how that is written."""

    name: str
    variable: str
    schemes: tuple[str, ...]
    example: str
    port: int
    password_variable: str = ""
    """Of a password that goes into the URL, or "" if the service takes none there."""


POSTGRES = BackingService(
    "PostgreSQL",
    "POSTGRES_URL",
    ("postgresql", "postgres"),
    "postgresql://USER@HOST:5432/DATABASE",
    5432,
    "POSTGRES_PASSWORD",
)
REDIS = BackingService(
    "Redis", "REDIS_URL", ("redis", "rediss", "unix"), "redis://HOST:6379/0", 6379, "REDIS_PASSWORD"
)
MODEL = BackingService("the model server", "LLM_URL", ("http", "https"), "http://HOST:8000/v1", 80)
SERVICES = (POSTGRES, REDIS, MODEL)


class Endpoint:
    """Where a service is. Its text names host, port and path; user and password come out of `reveal` only."""

    __slots__ = ("_url", "service", "shown")

    def __init__(self, service: BackingService, url: str) -> None:
        self.service = service
        self._url = url
        parts = _split(service, url)
        host = _host(parts)
        port = parts.port or (443 if parts.scheme == "https" else service.port)
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.shown = f"{service.name} at {place if host else ''}{parts.path}"

    def reveal(self) -> str:
        """The URL with all that is in it; for the connection."""
        return self._url

    def __repr__(self) -> str:
        return f"Endpoint({self.shown})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("an endpoint is not to be stored: there may be a password in it")


def find(service: BackingService, environment: Mapping[str, str]) -> Endpoint | None:
    """Where the environment says that the service is; None if it says nothing.

    Raises UsageError, which quotes neither URL nor password.
    """
    url = secret(service.variable, environment)
    if url is None:
        return None
    parts = _split(service, url)
    password = secret(service.password_variable, environment) if service.password_variable else None
    if password is not None:
        if parts.password is not None:
            raise UsageError(
                f"{service.variable} has a password, and {service.password_variable} is set as well",
                remedy="take one of them out",
            )
        user, _, place = parts.netloc.rpartition("@")
        url = parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}").geturl()
    return Endpoint(service, url)


def secret(variable: str, environment: Mapping[str, str]) -> str | None:
    """What `variable` holds, or the file that `variable_FILE` names; None if neither is set.

    Raises UsageError if both are, or if the file cannot be used.
    """
    direct = environment.get(variable, "").strip()
    path = environment.get(variable + FILE, "").strip()
    if direct and path:
        raise UsageError(f"{variable} and {variable}{FILE} are both set", remedy="unset one of them")
    return _read(variable + FILE, path) if path else direct or None


def _read(variable: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            # One more than allowed, so that a wrong path to something huge is refused, not read.
            text = file.read(LONGEST_CHARACTERS + 1).decode("utf-8").strip()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"cannot read {path} ({reason})", remedy=f"mend {variable} or the file's mode"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text", remedy=f"mend {variable}") from None
    if not text or len(text) > LONGEST_CHARACTERS or not text.isprintable():
        raise UsageError(
            f"{path} does not hold one line of text", remedy=f"put into it what {variable} is for"
        )
    return text


def _split(service: BackingService, url: str) -> SplitResult:
    """The parts of a URL that is one of this service's. Raises UsageError, which does not quote it."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is none
        if parts.scheme in service.schemes and (_host(parts) or parts.scheme == "unix"):
            return parts
    except ValueError:
        pass  # the error may quote the URL, and with it the password
    raise UsageError(
        f"{service.variable} is no URL of {service.name}", remedy=f"write it as {service.example}"
    )


def _host(parts: SplitResult) -> str:
    """libpq lets a query name the host too, which may be the folder of a socket."""
    return parts.hostname or parse_qs(parts.query).get("host", [""])[0]
