"""Programs by artifact, compiled once per content."""

from collections import OrderedDict

from ecology.artifacts.artifact import BYTES, Artifact
from ecology.sandbox.outcome import CodeFault, Fault
from ecology.sandbox.program import Program, compile_program


class Programs:
    """The programs used last, at most `limit`, and why others are none."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, tuple[bytes, Program | CodeFault]] = OrderedDict()

    def of(self, artifact: Artifact, content: bytes) -> Program | CodeFault:
        """The program that an artifact's present content is."""
        # Before the cache, which a run that is taken up again begins without: the same content may have been text.
        if artifact.format == BYTES:
            return CodeFault(Fault.SYNTAX, "the artifact's format is bytes: code is text")
        kept = self._kept.get(artifact.id)
        # By content, not by revision: one that was rolled back gives its number to the next.
        if kept is not None and kept[0] == content:
            self._kept.move_to_end(artifact.id)
            return kept[1]
        program = compile_program(content.decode())
        self._kept[artifact.id] = (content, program)
        self._kept.move_to_end(artifact.id)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return program
