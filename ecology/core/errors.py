"""The exception tree, and the exit code that each branch means at the command line.

    EcologyError                 every fault this project raises on purpose: one line, what and how to mend it
    ├── UsageError      exit 2   the call was wrong: a flag, a scenario, a run directory that is not one
    │   └── ScenarioError        a scenario's text: carries file and line
    └── RunFault        exit 1   the run or the check failed: disk full, database damaged, model unreachable
        ├── StoreFault           the run's database
        ├── ArchiveFault         the run's git archive
        └── ModelFault           the model endpoint at the start of a run

A refusal inside the world is a value (`core.outcome.Refused`), never one of these; a broken invariant is an assertion.
"""

INTERRUPTED = 130
"""The exit code of a command that was told to stop and stopped cleanly."""


class EcologyError(Exception):
    """A fault with one line for the person at the terminal; `remedy` says how to mend it."""

    exit_code = 1

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}" if self.remedy else self.what


class UsageError(EcologyError):
    """The call was wrong; nothing was started and nothing was changed."""

    exit_code = 2


class ScenarioError(UsageError):
    """A scenario cannot be used; the text names the file and line where there is one."""


class RunFault(EcologyError):
    """The run or the check failed; what was committed stays."""


class StoreFault(RunFault):
    """The run's database cannot be read or written."""


class ArchiveFault(RunFault):
    """The run's git archive cannot be written or does not agree with the event log."""


class ModelFault(RunFault):
    """No usable model answered when the run started."""
