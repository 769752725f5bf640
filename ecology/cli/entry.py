"""The console script: the first that runs, and the last."""

import signal
import sys

from ecology.core.errors import INTERRUPTED

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Run the command and exit with its code. What takes time to import is imported where Ctrl-C ends in one line."""
    heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, signal.default_int_handler)  # they all mean: come to an end
    try:
        from ecology.cli.commands import exit_code  # noqa: PLC0415

        code = exit_code()
    except (KeyboardInterrupt, Exception) as error:
        if not _is_interrupt(error):
            raise
        sys.stderr.write("ecology: interrupted\n")
        code = INTERRUPTED
    for number in heard:
        signal.signal(number, signal.SIG_IGN)  # the verdict stands
    # Python takes note of an interrupt that ended the evaluation of a text (which imports are full of), and under `-m`
    # dies of it whatever was caught since; the next evaluation makes it forget.
    eval("0")  # noqa: S307
    sys.exit(code)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether it is an interrupt, or what a module not written in Python makes of one that strikes within it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None
