"""How points are named, the same in every index of Qdrant's: worlds that share one keep apart."""

import hashlib
from uuid import UUID

CURSOR_TENANT = "/cursor"
"""The tenant of the point that keeps a cursor, which no search asks for: no principal's name begins with a slash."""


def point_uuid(world: str, memory_id: str) -> UUID:
    """The name of a memory's point."""
    return _uuid(f"{world}/memory/{memory_id}")


def cursor_point(world: str) -> UUID:
    """The name of the point that keeps a world's cursor."""
    return _uuid(f"{world}/cursor")


def tenant_field(world: str, tenant: str) -> str:
    """A tenant of a world as it stands in the field that keeps tenants apart."""
    return f"{world}/memory/{tenant}"


def _uuid(text: str) -> UUID:
    return UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())
