"""Where an index can be: URLs of servers and folders, looked at before anything connects or is written."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ecology.core.errors import UsageError

_PORTS = {"http": 6333, "https": 6333, "grpc": 6334, "grpcs": 6334}
_REMEDY = "give a URL such as http://127.0.0.1:6333 or grpc://127.0.0.1:6334, and a key by QDRANT_API_KEY"


MARK = "embedding"
"""The file in an index's folder that says by which embedding its vectors were made."""


def require_folder(folder: Path) -> None:
    """Raises UsageError for a folder that holds something else than an index, or that is none."""
    try:
        strange = folder.exists() and not (folder / MARK).is_file() and any(folder.iterdir())
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be an index of memories ({error.strerror})", remedy="name a folder of its own"
        ) from error
    if strange:
        raise UsageError(
            f"{folder} holds something else than an index of memories", remedy="name a folder of its own"
        )


class ServerAddress(msgspec.Struct, frozen=True):
    """Where a server is: `grpc` or HTTP, with TLS or without. `shown` is the URL for people and messages."""

    host: str
    port: int
    grpc: bool
    tls: bool
    shown: str


def parse_url(url: str) -> ServerAddress:
    """Read http(s):// or grpc(s):// with a host and perhaps a port. Raises UsageError, which quotes no secret."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise UsageError(f"the index's URL cannot be used ({error})", remedy=_REMEDY) from None
    if parts.username is not None or parts.password is not None:
        raise UsageError("the index's URL holds a secret", remedy=_REMEDY)
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in _PORTS or not parts.hostname or not plain or " " in parts.netloc:
        raise UsageError(f"the index's URL cannot be used: {url.strip()[:200]!r}", remedy=_REMEDY)
    port = _PORTS[parts.scheme] if port is None else port
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return ServerAddress(
        host=host,
        port=port,
        grpc=parts.scheme.startswith("grpc"),
        tls=parts.scheme.endswith("s"),
        shown=f"{parts.scheme}://{host}:{port}",
    )
