"""The bytes of artifacts: uncommitted ones always at hand, committed ones cached within a bound, loaded on demand."""

from collections import OrderedDict
from collections.abc import Callable


class Contents:
    """Contents by artifact id. `load` fetches a committed content from the store."""

    def __init__(self, load: Callable[[str], bytes], cache_bytes: int = 64 * 1024 * 1024) -> None:
        self._load = load
        self._limit = cache_bytes
        self._cached: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0
        self._open: dict[str, bytes] = {}
        self._committing: dict[str, bytes] = {}

    def get(self, artifact_id: str) -> bytes:
        """The content at HEAD of an artifact that exists."""
        content = self._open.get(artifact_id)
        if content is None:
            content = self._committing.get(artifact_id)
        if content is not None:
            return content
        content = self._cached.get(artifact_id)
        if content is not None:
            self._cached.move_to_end(artifact_id)
            return content
        content = self._load(artifact_id)
        self._cache(artifact_id, content)
        return content

    def put(self, artifact_id: str, content: bytes) -> None:
        """A new content, part of the open group."""
        self._open[artifact_id] = content

    def uncommitted(self, artifact_id: str) -> bytes | None:
        """The content put into the open group, or None."""
        return self._open.get(artifact_id)

    def take_back(self, artifact_id: str, content: bytes | None) -> None:
        """Undo a `put`: the open group holds what `uncommitted` said before it."""
        if content is None:
            self._open.pop(artifact_id, None)
        else:
            self._open[artifact_id] = content

    def close_group(self) -> dict[str, bytes]:
        """The open group goes to the store; its contents stay at hand until `committed`."""
        assert not self._committing, "one group commits at a time"
        self._committing, self._open = self._open, {}
        return self._committing

    def committed(self) -> None:
        """The closed group is durable: its contents become ordinary cached ones."""
        for artifact_id, content in self._committing.items():
            self._cache(artifact_id, content)
        self._committing = {}

    def forget(self, artifact_id: str) -> None:
        """Another process committed a new content: the next reader loads it."""
        old = self._cached.pop(artifact_id, None)
        if old is not None:
            self._cached_bytes -= len(old)

    def _cache(self, artifact_id: str, content: bytes) -> None:
        self.forget(artifact_id)
        self._cached[artifact_id] = content
        self._cached_bytes += len(content)
        while self._cached_bytes > self._limit and len(self._cached) > 1:
            _, dropped = self._cached.popitem(last=False)
            self._cached_bytes -= len(dropped)
