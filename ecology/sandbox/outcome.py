"""Limits of a run, what a run used, and the two ways it ends: it ran, or it failed in one of a dozen named ways.

A fault is a value, like a refusal: whoever invoked the code reads it and lives on. Everything in it is repeatable
except `Use.cpu_us`, which is measured, and `Fault.TIME`, which a clock decides.
"""

from enum import StrEnum

import msgspec

MAX_DETAIL_CHARACTERS = 300

MIB = 1024 * 1024


class Limits(msgspec.Struct, frozen=True):
    """What one run may use. The wall guard is for what steps do not count: one builtin that computes for long."""

    steps: int = 200_000
    """Function entries, rounds of loops and of comprehensions."""
    memory_bytes: int = 16 * MIB
    recursion: int = 100
    """Functions that may be active at once."""
    output_bytes: int = 16_384
    """Printed text, in UTF-8."""
    result_bytes: int = 65_536
    """The result as compact JSON; also the arguments of one call of a host's function."""
    wall_s: float = 5.0
    """Seconds of the worker's time; the host's functions do not count."""
    calls: int = 100
    """Calls of the host's functions."""


class Fault(StrEnum):
    """How code fails. A value is a reason for a refusal, as in `kernel.refusals`."""

    SYNTAX = "code_syntax"
    """Not Python, or not the part of it that programs may use."""
    NO_METHOD = "code_no_method"
    RAISED = "code_raised"
    STEPS = "code_steps"
    TIME = "code_time"
    MEMORY = "code_memory"
    RECURSION = "code_recursion"
    OUTPUT = "code_output"
    RESULT = "code_result"
    """The result, or an argument, is no JSON or too much of it."""
    CALLS = "code_calls"
    CRASHED = "code_crashed"
    """The worker died; nobody knows how far the code had come."""


class Use(msgspec.Struct, frozen=True):
    """What a run used. Bytes are those of JSON: in are arguments and answers, out are the result and what was asked.
    Those of the source are the author's: whole programs are read, whatever part of them runs.

    `steps` is the whole limit where a run was cut off by one: nobody can say how far it had come, and who exceeds a
    limit does not pay less for it. `cpu_us` is measured in the worker and must not decide anything in a world.
    """

    steps: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    calls: int = 0
    cpu_us: int = 0
    source_bytes: int = 0


class Ran(msgspec.Struct, frozen=True):
    """The code came to its end: `value` is JSON, `printed` what it printed."""

    value: object
    printed: str
    use: Use


class CodeFault(msgspec.Struct, frozen=True):
    """The code failed; `detail` is one line for its author, with the line number in the source where there is one."""

    fault: Fault
    detail: str
    use: Use = Use()


class Refusal(Exception):
    """Raised by a host's function to say no. The code sees a `RuntimeError` with the text `reason: detail`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def one_line(text: str, most: int = MAX_DETAIL_CHARACTERS) -> str:
    """`text` as one printable line of at most `most` characters."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"
