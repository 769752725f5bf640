"""Where words go: data to stdout, talk to stderr. `NO_COLOR` and pipes are respected by rich itself."""

import contextlib
import os
import sys

import click
from rich.console import Console

from ecology.core.errors import RunFault


class _Talk(Console):
    """Talk is a courtesy: when nobody listens any more, the rest goes unsaid and the work goes on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


TALK = _Talk(stderr=True, highlight=False)
"""For people: progress, tables, remarks."""


def say(line: str) -> None:
    """A remark for a person, taken literally."""
    TALK.print(line, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """The one line that ends a command that failed."""
    with contextlib.suppress(BrokenPipeError):  # the exit code says it too
        click.echo(f"ecology: {' '.join(text.split())}", err=True)


def data(text: str) -> None:
    """Output that a program may read; if it has read enough, the rest goes unsaid. Raises RunFault if it is lost."""
    try:
        click.echo(text)
    except BrokenPipeError:
        # Nothing more can be said there, not even by Python when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise RunFault(f"cannot write the output ({error.strerror})", remedy="send it elsewhere") from error
