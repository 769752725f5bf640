"""What stands around a program when it runs: the text of `frame.template`, fed to Monty in one piece.

Before the program: the fuel that ticks draw on, and a door for each of the host's functions that the program mentions.
After it: the call of the method, and a look at what it returned. Both results and arguments of calls are written as
JSON *in the sandbox* first, where limits hold, and only small ones are handed over: a list of forty lists, each
twice in the next, is a terabyte to whoever converts it.
"""

from collections.abc import Iterable
from importlib.resources import files

from ecology.sandbox.program import Program

STEPS = "_ecology_steps"
MOST = "_ecology_most"
ARGUMENTS = "_ecology_arguments"
CALL = "_ecology_call"

AFTERMATH = "[_ecology_returned, _ecology_next(_ecology_fuel, None)]"
"""What to feed a session whose frame ended in an exception."""

_HERE = files("ecology.sandbox")
_DOOR = (_HERE / "door.template").read_text("utf-8")
_FRAME = (_HERE / "frame.template").read_text("utf-8")
_BEGINNING, _, _REST = _FRAME.partition("$doors\n")
_MIDDLE, _, _REST = _REST.partition("$program\n")
_CALL, _, _END = _REST.partition("$method")


class Frame:
    """A program with everything around it to call one method."""

    __slots__ = ("_lines_before", "_program", "text")

    def __init__(self, program: Program, method: str, doors: Iterable[str]) -> None:
        before = "".join([_BEGINNING, *(_DOOR.replace("$name", name) for name in doors), _MIDDLE])
        self.text = "".join((before, program.text, _CALL, method, _END))
        self._lines_before = before.count("\n")
        self._program = program

    def line_in_source(self, line: int) -> int | None:
        """The author's number for a line of `text`, or None if the line is the frame's."""
        return self._program.line_in_source(line - self._lines_before)
