"""What stands around a program when it runs: the text of `frame.template`, fed to Monty in one piece.

Before the program: the fuel that ticks draw on, and a door for each of the host's functions that the program mentions.
After it: the call of the method, and a look at what it returned. Both results and arguments of calls are written as
JSON *in the sandbox* first, where limits hold, and only small ones are handed over: a list of forty lists, each
twice in the next, is a terabyte to whoever converts it.

`_ecology_stage` tells afterwards an exception that code raised from a limit that struck: code can raise a
`MemoryError` of its own, but no handler sees the real one. The `try` costs the program one level of indentation.
"""

from collections.abc import Iterable
from importlib.resources import files
from string import Template
from textwrap import indent

from ecology.sandbox.program import Program

STEPS = "_ecology_steps"
MOST = "_ecology_most"
ARGUMENTS = "_ecology_arguments"
CALL = "_ecology_call"

AFTERMATH = "[_ecology_stage, _ecology_next(_ecology_fuel, None)]"
"""What to feed a session whose program ended in an exception."""

_FRAME = Template((files(__package__) / "frame.template").read_text("utf-8"))
_DOOR = Template((files(__package__) / "door.template").read_text("utf-8"))


class Frame:
    """A program with everything around it to call one method."""

    __slots__ = ("_first_line", "_program", "text")

    def __init__(self, program: Program, method: str, doors: Iterable[str]) -> None:
        around = _FRAME.substitute(
            doors="".join(_DOOR.substitute(name=name) for name in sorted(doors)),
            program="$program",
            method=method,
        )
        before, _, after = around.partition("$program\n")
        self.text = before + indent(program.text, "    ") + after
        self._first_line = before.count("\n")
        self._program = program

    def line_in_source(self, line: int) -> int | None:
        """The author's number for a line of `text`, or None if the line is the frame's."""
        return self._program.line_in_source(line - self._first_line)
