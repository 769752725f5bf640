"""What a `REDIS_URL` says, checked before anybody is called: one line for what is wrong, and never a secret in it."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from ecology.core.errors import UsageError

FORMS = "write redis://USER:PASSWORD@HOST:PORT, rediss:// for TLS, or unix:///PATH"
TLS_FILES = {
    "ssl_ca_certs": "the certificates of those who may vouch for the server",
    "ssl_certfile": "the client's certificate",
    "ssl_keyfile": "the client's key",
}
PORT = 6379


@dataclass(frozen=True)
class RedisAddress:
    """Where a Redis is and how to be let in."""

    host: str
    port: int
    path: str
    """Of the Unix socket; empty over TCP."""
    username: str
    password: str = field(repr=False)
    tls: bool
    tls_files: dict[str, str]

    def __str__(self) -> str:
        """Where it is, without how to be let in."""
        return f"Redis at {self.path or f'{self.host}:{self.port}'}"


def parse_redis_url(url: str) -> RedisAddress:
    """The address that a URL names. Raises UsageError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORT
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _wrong("is none", f"{FORMS}; in a password / is %2F, # is %23, @ is %40") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise _wrong("is none of a Redis server", FORMS)
    if parts.fragment:
        raise _wrong("has a # in it", "in a password # is written %23")
    if parts.scheme == "unix" and (host or len(parts.path) < 2):
        raise _wrong("names no socket", "write unix:///PATH, with three slashes")
    if parts.scheme != "unix" and not host:
        raise _wrong("names no host", FORMS)
    username = unquote(parts.username or "")
    address = RedisAddress(
        host=unquote(host),
        port=port,
        path=unquote(parts.path) if parts.scheme == "unix" else "",
        # A Redis without a password lets `default` in with any password, but objects if no user is named.
        username="" if username == "default" else username,
        password=unquote(parts.password or ""),
        tls=parts.scheme == "rediss",
        tls_files={name: values[-1] for name, values in query.items()},
    )
    _check_query(address)
    return address


def _check_query(address: RedisAddress) -> None:
    unknown = sorted(address.tls_files.keys() - TLS_FILES.keys())
    if unknown:
        # Only the name: its value may be a password.
        raise _wrong(f"has {unknown[0][:40]!r} after the question mark", f"known are {', '.join(TLS_FILES)}")
    if address.tls_files and not address.tls:
        raise _wrong("names certificates but asks for no TLS", "write rediss:// instead of redis://")
    if address.username and not address.password:
        raise _wrong("names a user without a password", "write redis://USER:PASSWORD@HOST:PORT")
    files = address.tls_files
    if "ssl_keyfile" in files and "ssl_certfile" not in files:
        raise _wrong("has ssl_keyfile without ssl_certfile", "name the client's certificate too")
    for name in files:
        try:
            _load(name, files)
        except (OSError, ssl.SSLError) as error:
            why = "is no such file in PEM" if isinstance(error, ssl.SSLError) else error.strerror
            raise _wrong(
                f"names {files[name]} as {name}: {why}", f"it must hold {TLS_FILES[name]}, in PEM"
            ) from None


def _load(name: str, files: dict[str, str]) -> None:
    if name == "ssl_ca_certs":
        ssl.create_default_context(cafile=files[name])
    elif name == "ssl_certfile":
        ssl.create_default_context().load_cert_chain(files[name], files.get("ssl_keyfile"))


def _wrong(what: str, remedy: str) -> UsageError:
    return UsageError(f"the URL of Redis {what}", remedy=remedy)
