"""How a calibration stands while it goes on: what it does, every change with its reason, and how long it will take."""

from collections.abc import Sequence

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn

from calibrate.control import Change, Decision
from calibrate.workload import Sample
from ecology.cli.console import TALK, say
from ecology.observe.numerals import duration

CALM_S = 30.0
SECOND_NS = 1_000_000_000

_DOING = {
    "settle": "looking for the rate",
    "hold-out": "holding the rate in a run of its own",
    "probe": "how much memory agents need that think",
    "compare": "the other method, for comparison",
}


class Teller:
    """A `calibrate.course.Watch` that talks on stderr; quiet, it only warns."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._doing = ""
        self._later_s: Sequence[float] = ()
        self._begun = 0
        self._said_s = 0.0
        self._line: Progress | None = None
        self._task: TaskID | None = None
        if not quiet and TALK.is_terminal:
            self._line = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), console=TALK, transient=True
            )
            self._task = self._line.add_task("beginning", total=None)
            self._line.start()

    def expect(self, later_s: Sequence[float]) -> None:
        """How many seconds each course takes that follows the first, for the time that is left."""
        self._later_s = later_s

    def begun(self, purpose: str, method: str, agents: int, rate: float) -> None:
        how = f" ({method})" if method else ""
        self._doing = _DOING[purpose] + how
        self._said_s = 0.0
        self._begun += 1
        line = f"{self._doing}: {agents} agents, {rate:.4g} tokens/s each"
        self.say(line)
        self._show(f"{line}; beginning")

    def stepped(self, sample: Sample, decision: Decision, remaining_s: float) -> None:
        left = remaining_s + sum(self._later_s[self._begun - 1 :])
        standing = (
            f"{self._doing}: {sample.rate:.4g} tokens/s, CPU {sample.cpu_percent:.0f} %,"
            f" memory {sample.memory_percent:.0f} %; about {duration(round(left) * SECOND_NS)} to go"
        )
        if isinstance(decision, Change):
            self.say(
                f"  {sample.time_s:4.0f} s  {sample.rate:.4g} -> {decision.rate:.4g} tokens/s  {decision.why}"
            )
        elif self._line is None and sample.time_s - self._said_s >= CALM_S:
            self._said_s = sample.time_s
            self.say(f"  {sample.time_s:4.0f} s  {standing}")
        self._show(standing)

    def close(self) -> None:
        """Leave the screen tidy."""
        if self._line is not None:
            self._line.stop()

    def say(self, line: str) -> None:
        """A remark."""
        if not self._quiet:
            say(line)

    def warn(self, line: str) -> None:
        """What somebody must know who wants to hear of nothing else."""
        say(line)

    def _show(self, standing: str) -> None:
        if self._line is not None and self._task is not None:
            self._line.update(self._task, description=standing)
