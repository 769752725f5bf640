"""Where memories are indexed, in the run's directory, in a folder or on a Qdrant server; and by which embedding.

Read from the environment: QDRANT_API_KEY, and EMBEDDINGS_URL with EMBEDDINGS_MODEL and perhaps EMBEDDINGS_API_KEY; keys
also as files, `<name>_FILE`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ecology.core.errors import UsageError
from ecology.llm.key import ApiKey, read_api_key
from ecology.memory.address import ServerAddress, parse_url, require_folder
from ecology.memory.embedding import Embedding
from ecology.memory.index import MemoryIndex
from ecology.memory.memories import Memories

KEY_VARIABLE = "QDRANT_API_KEY"
EMBEDDINGS_VARIABLE = "EMBEDDINGS_URL"
MODEL_VARIABLE = "EMBEDDINGS_MODEL"


class EmbeddingPlace(msgspec.Struct, frozen=True):
    """A server with `/v1/embeddings` and one of its models."""

    url: str
    model: str
    api_key: ApiKey | None = None

    @classmethod
    def named(cls, environment: Mapping[str, str]) -> "EmbeddingPlace | None":
        """The server that the environment names; None for the lexical embedding. Raises UsageError."""
        url, model = environment.get(EMBEDDINGS_VARIABLE, ""), environment.get(MODEL_VARIABLE, "")
        if not url and not model:
            return None
        if not url or not model:
            raise UsageError(
                f"{EMBEDDINGS_VARIABLE} and {MODEL_VARIABLE} go together",
                remedy="set both of them, or neither",
            )
        # Imported by whoever has such a server.
        from ecology.llm.http_client import parse_url as parse_base_url  # noqa: PLC0415

        parse_base_url(url)
        return cls(url, model, read_api_key(environment, "EMBEDDINGS_API_KEY"))

    def open(self) -> Embedding:
        """A client; nothing is asked yet."""
        # Imported by whoever has such a server: the vendor's client takes half a second to load.
        from ecology.llm.openai_embeddings import OpenAIEmbeddings  # noqa: PLC0415

        return OpenAIEmbeddings(self.url, self.model, self.api_key)


class MemoryPlace(msgspec.Struct, frozen=True):
    """Where to keep an index: on a server, in a folder, or, if neither is named, with what it belongs to."""

    server: ServerAddress | None = None
    folder: Path | None = None
    api_key: ApiKey | None = None
    embedding: EmbeddingPlace | None = None

    @classmethod
    def named(cls, place: str | None, environment: Mapping[str, str]) -> "MemoryPlace":
        """The place that `--qdrant` or QDRANT_URL names. Raises UsageError for one, or a key, that cannot be used."""
        embedding = EmbeddingPlace.named(environment)
        if not place:
            return cls(embedding=embedding)
        if "://" not in place:
            folder = Path(place).absolute()
            require_folder(folder)
            return cls(folder=folder, embedding=embedding)
        api_key = read_api_key(environment, KEY_VARIABLE)
        return cls(server=parse_url(place), api_key=api_key, embedding=embedding)

    def memories(self, world: str, say: Callable[[str], None], home: Path | None = None) -> Memories:
        """The memories of a world of that name, whose own folder, if it has one, is `home`.

        Nothing is opened before somebody recalls something.
        """
        opened = None if self.embedding is None else self.embedding.open
        server = self.server
        if server is not None:
            return Memories(lambda size, name: self._on(server, size, name, world), opened, say)
        if self.folder is not None:
            folder = self.folder
            return Memories(lambda size, name: _in(folder, size, name, world), opened, say)
        if home is not None:
            return Memories(lambda size, name: _in(home, size, name, ""), opened, say)
        return Memories(None, opened, say)

    def _on(self, server: ServerAddress, dimension: int, embedding: str, world: str) -> MemoryIndex:
        # Imported by whoever has a server: the client takes half a second to load.
        from ecology.memory.qdrant_server import QdrantServer, connect  # noqa: PLC0415

        client = connect(server, None if self.api_key is None else self.api_key.reveal())
        return QdrantServer(client, server.shown, dimension, embedding, world)


def _in(folder: Path, dimension: int, embedding: str, world: str) -> MemoryIndex:
    # Imported by whoever recalls something.
    from ecology.memory.qdrant_edge import QdrantEdge  # noqa: PLC0415

    return QdrantEdge.open(folder, dimension, embedding, world)
