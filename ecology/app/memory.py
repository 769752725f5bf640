"""Where memories are indexed: in the run's directory, in a folder, or on a Qdrant server."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ecology.llm.key import ApiKey, read_api_key
from ecology.memory.address import ServerAddress, parse_url, require_folder
from ecology.memory.index import MemoryIndex
from ecology.memory.memories import Memories

KEY_VARIABLE = "QDRANT_API_KEY"


class MemoryPlace(msgspec.Struct, frozen=True):
    """Where to keep an index: on a server, in a folder, or, if neither is named, with what it belongs to."""

    server: ServerAddress | None = None
    folder: Path | None = None
    api_key: ApiKey | None = None

    @classmethod
    def named(cls, place: str | None, environment: Mapping[str, str]) -> "MemoryPlace":
        """The place that `--qdrant` or QDRANT_URL names. Raises UsageError for one, or a key, that cannot be used."""
        if not place:
            return cls()
        if "://" not in place:
            folder = Path(place).absolute()
            require_folder(folder)
            return cls(folder=folder)
        return cls(server=parse_url(place), api_key=read_api_key(environment, KEY_VARIABLE))

    def memories(self, world: str, say: Callable[[str], None], home: Path | None = None) -> Memories:
        """The memories of a world of that name, whose own folder, if it has one, is `home`.

        Nothing is opened before somebody recalls something.
        """
        server, folder = self.server, self.folder
        if server is not None:
            return Memories(
                lambda dimension, embedding: self._on(server, dimension, embedding, world), say=say
            )
        if folder is not None:
            return Memories(lambda dimension, embedding: _in(folder, dimension, embedding, world), say=say)
        if home is not None:
            return Memories(lambda dimension, embedding: _in(home, dimension, embedding, ""), say=say)
        return Memories(say=say)

    def _on(self, server: ServerAddress, dimension: int, embedding: str, world: str) -> MemoryIndex:
        # Imported by whoever has a server: the client takes half a second to load.
        from ecology.memory.qdrant_server import QdrantServer, connect  # noqa: PLC0415

        client = connect(server, None if self.api_key is None else self.api_key.reveal())
        return QdrantServer(client, server.shown, dimension, embedding, world)


def _in(folder: Path, dimension: int, embedding: str, world: str) -> MemoryIndex:
    # Imported by whoever recalls something.
    from ecology.memory.qdrant_edge import QdrantEdge  # noqa: PLC0415

    return QdrantEdge.open(folder, dimension, embedding, world)
