"""The host's functions that a program may call. Whatever comes through a door is checked; what is wrong goes back.

Three things can go wrong. What the code got wrong (arguments) and what the host refuses are exceptions inside the
sandbox; a limit that was passed is noted here, since code can catch what it sees; and a bug of the host's is raised to
the host once the run is over.
"""

import inspect
from collections.abc import Callable, Mapping

from ecology.sandbox.outcome import Limits, Refusal
from ecology.sandbox.values import NotJson, json_size, plain

Function = Callable[..., object]
"""A function of the host's: gets plain JSON values, answers with one, or raises `Refusal`."""


class _ForTheCode(Exception):
    """What the code did wrong, or is refused; `shown` is what the code gets to see."""

    def __init__(self, shown: Exception) -> None:
        super().__init__(str(shown))
        self.shown = shown


class Doors:
    """The functions of one run, and what went through them."""

    def __init__(self, functions: Mapping[str, Function], limits: Limits) -> None:
        self._functions = functions
        self._signatures: dict[str, inspect.Signature] = {}
        self._limits = limits
        self._kept: list[str] = []
        self._printed_bytes = 0
        self.calls = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.too_many_calls = False
        self.bug: BaseException | None = None

    @property
    def printed(self) -> str:
        """What the code printed, if it was not too much."""
        return "".join(self._kept)

    @property
    def too_much_output(self) -> bool:
        return self._printed_bytes > self._limits.output_bytes

    def take_output(self, _stream: str, text: str) -> None:
        """Printed text, in pieces of no particular size; always complete before a call and at the end.

        Never raises: that would stop the code at a place that depends on the size of the pieces.
        """
        if not self.too_much_output:
            self._printed_bytes += len(text.encode("utf-8", "replace"))
        if not self.too_much_output:
            self._kept.append(text)

    def call(self, name: str, positional: object, named: object) -> object:
        """Called by the frame, inside a run. Raises what the code is to see."""
        if self.bug is not None or self.too_much_output or self.calls >= self._limits.calls:
            self.too_many_calls |= self.calls >= self._limits.calls
            raise RuntimeError("no more calls: the run has failed already")
        self.calls += 1
        try:
            return self._answer(name, positional, named)
        except _ForTheCode as told:
            raise told.shown from None
        except BaseException as bug:
            self.bug = bug
            raise

    def _answer(self, name: str, positional: object, named: object) -> object:
        arguments, keywords = self._checked(name, positional, named)
        function = self._functions[name]
        signature = self._signatures.get(name)
        if signature is None:
            signature = self._signatures[name] = inspect.signature(function)
        try:
            signature.bind(*arguments, **keywords)
        except TypeError as error:
            raise _ForTheCode(TypeError(f"{name}: {error}")) from None
        try:
            answer = plain(function(*arguments, **keywords))
        except Refusal as refusal:
            self.bytes_in += json_size(str(refusal))
            raise _ForTheCode(RuntimeError(str(refusal))) from None
        self.bytes_in += json_size(answer)
        return answer

    def _checked(
        self, name: str, positional: object, named: object
    ) -> tuple[list[object], dict[str, object]]:
        try:
            arguments, keywords = plain(positional), plain(named)
            size = json_size(arguments) + json_size(keywords)
        except NotJson as error:
            raise _ForTheCode(TypeError(f"{name}: {error}")) from None
        if size > self._limits.result_bytes:
            shown = f"{name}: more than {self._limits.result_bytes} bytes of arguments"
            raise _ForTheCode(ValueError(shown))
        self.bytes_out += size
        assert isinstance(arguments, list) and isinstance(keywords, dict), (
            "the frame hands over a tuple and a dict"
        )
        return arguments, keywords
