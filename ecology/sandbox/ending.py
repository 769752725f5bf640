"""What became of a run that ended in an exception: which fault, in which words, and how far it had come.

Monty shows no handler in the sandbox a limit that struck, so code cannot turn one into a success. It can raise an
exception that looks like one, and then fails in the way it asked for.
"""

import re

import msgspec
import pydantic_monty as monty

from ecology.sandbox.frame import AFTERMATH, Frame
from ecology.sandbox.outcome import MAX_DETAIL_CHARACTERS, Fault, Limits, one_line

_MEMORY = re.compile(
    r"MemoryError: (memory limit exceeded: \d+ bytes > \d+ bytes"
    r"|the worker exceeded its memory limit and was terminated)"
)
_SUSPENSIONS = re.compile(r"RuntimeError: suspension limit \d+ exceeded")
_RECURSION = "RecursionError: maximum recursion depth exceeded"
_UNSUPPORTED = "The monty syntax parser does not yet support "
_CRASHED = "the worker that ran the code died"
_INTERNAL = "RuntimeError: Internal error in monty: "


class Ending(msgspec.Struct, frozen=True):
    """A fault, its one line, and the steps to charge."""

    fault: Fault
    detail: str
    steps: int


def ending_of(error: Exception, session: monty.MontySession, frame: Frame, limits: Limits) -> Ending:
    """The fault behind what `session.feed_run(frame.text)` raised; asks the session how far it had come."""
    cut_off = limits.steps
    if isinstance(error, monty.MontyCrashedError):
        if error.timed_out:
            return Ending(Fault.TIME, _time(limits), cut_off)
        return Ending(Fault.CRASHED, _CRASHED, cut_off)
    if isinstance(error, monty.MontySyntaxError):
        return Ending(Fault.SYNTAX, _with_line(error, frame), 0)
    if not isinstance(error, monty.MontyRuntimeError):  # the pool could not read the worker's answer
        return Ending(Fault.RESULT, one_line(f"the result is no JSON: {error}"), cut_off)
    text = str(error)
    if isinstance(error.exception(), TimeoutError) and not error.traceback():
        return Ending(Fault.TIME, _time(limits), cut_off)
    if _MEMORY.fullmatch(text):
        return Ending(Fault.MEMORY, f"wanted more than {limits.memory_bytes} bytes of memory", cut_off)
    if _SUSPENSIONS.fullmatch(text):
        detail = "asked the host too often: calls of its functions, and names that nobody defined"
        return Ending(Fault.CALLS, detail, cut_off)
    return _ended_by_itself(error, session, frame, limits)


def _ended_by_itself(
    error: monty.MontyRuntimeError, session: monty.MontySession, frame: Frame, limits: Limits
) -> Ending:
    """No limit of Monty's: an exception of the code's, our own counter, or a text that is no program to Monty."""
    try:
        returned, left = session.feed_run(AFTERMATH)
    except monty.MontyCrashedError:
        return Ending(Fault.CRASHED, _CRASHED, limits.steps)
    except monty.MontyError:  # Monty compiles a text as a whole, and refused it before it began
        return Ending(Fault.SYNTAX, _with_line(error, frame), 0)
    if left is None:
        return Ending(Fault.STEPS, f"took more than {limits.steps} steps", limits.steps)
    steps = left - 1
    if returned:
        return Ending(Fault.RESULT, one_line(f"the result is no JSON: {_without_type(error)}"), steps)
    if str(error) == _RECURSION:
        return Ending(Fault.RECURSION, f"more than {limits.recursion} calls inside one another", steps)
    return Ending(Fault.RAISED, _with_line(error, frame), steps)


def _time(limits: Limits) -> str:
    return f"ran for more than {limits.wall_s:g} s"


def _without_type(error: monty.MontyError) -> str:
    kind, _, text = str(error).partition(": ")
    return text or kind


def _with_line(error: monty.MontyRuntimeError | monty.MontySyntaxError, frame: Frame) -> str:
    """The error on one line, with the author's number of the innermost line that is the author's."""
    text = str(error).removeprefix(_INTERNAL)
    if _UNSUPPORTED in text:
        text = f"{text.partition(_UNSUPPORTED)[2]} are not supported here"
    lines = (frame.line_in_source(place.line) for place in reversed(error.traceback()))
    number = next((line for line in lines if line is not None), None)
    where = "" if number is None else f" (line {number})"
    return one_line(text, MAX_DETAIL_CHARACTERS - len(where)) + where
