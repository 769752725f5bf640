"""Contents out of the archive, one after another, from one `git cat-file --batch`."""

import subprocess
from types import TracebackType
from typing import IO, cast

from ecology.observe.archive.repository import Repository


class Blobs:
    """A context manager. Raises `ArchiveFault` where git cannot give what was asked for."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._process = repository.spawn(["cat-file", "--batch"], stdin=subprocess.PIPE)
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)
        self._complaints = cast(IO[bytes], self._process.stderr)

    def read(self, blob: str) -> bytes:
        """The bytes of a blob, given its id."""
        try:
            self._input.write(f"{blob}\n".encode())
            self._input.flush()
        except BrokenPipeError:
            raise self._damaged() from None
        header = self._output.readline().split()
        if len(header) != 3:  # id, type and size; "id missing" otherwise, nothing if git died
            raise self._damaged(" ".join(word.decode() for word in header))
        size = int(header[2])
        content = self._output.read(size + 1)
        if len(content) != size + 1:
            raise self._damaged()
        return content[:-1]

    def __enter__(self) -> "Blobs":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._process.kill()  # it only reads
        self._process.wait()
        for pipe in (self._output, self._complaints):
            pipe.close()
        try:
            self._input.close()
        except BrokenPipeError:
            return

    def _damaged(self, word: str = "") -> Exception:
        if word:
            return self._repository.damaged(word)
        self._process.wait()
        return self._repository.damaged(self._complaints.read().decode("utf-8", "replace"))
