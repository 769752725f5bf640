"""How a run stands while it runs: one moving line at a terminal, a calm line now and then elsewhere."""

from typing import Protocol

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ecology.app.running import Progress as Standing
from ecology.cli.console import TALK, say
from ecology.core.clock import SECOND_NS
from ecology.observe.numerals import duration

CALM_NS = 30 * SECOND_NS


class Display(Protocol):
    """Shows how a run stands."""

    def show(self, standing: Standing) -> None:
        """Take in the newest state."""

    def close(self) -> None:
        """Leave the screen tidy."""


class Silent:
    """Shows nothing."""

    def show(self, standing: Standing) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class _Pace:
    """Actions per wall second since the last look."""

    def __init__(self) -> None:
        self._actions = 0
        self._wall_ns = 0
        self.per_second = 0

    def look(self, standing: Standing) -> int:
        elapsed_ns = standing.wall_ns - self._wall_ns
        if elapsed_ns > SECOND_NS // 10:
            self.per_second = (standing.actions - self._actions) * SECOND_NS // elapsed_ns
            self._actions, self._wall_ns = standing.actions, standing.wall_ns
        return self.per_second


def _sentence(standing: Standing, per_second: int) -> str:
    return (
        f"{duration(standing.world_ns)} of {duration(standing.until_ns)}  {standing.actions:,} actions"
        f"  {per_second:,}/s  waiting {standing.blocked_percent}%  asleep {standing.asleep_percent}%"
        f"  supply {standing.supply:,}"
    )


class Moving:
    """One line at a terminal that changes in place."""

    def __init__(self) -> None:
        self._pace = _Pace()
        self._bar = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=TALK,
            transient=True,
        )
        self._task: TaskID = self._bar.add_task("beginning", total=None)
        self._bar.start()

    def show(self, standing: Standing) -> None:
        line = _sentence(standing, self._pace.look(standing))
        self._bar.update(self._task, description=line, total=standing.until_ns, completed=standing.world_ns)

    def close(self) -> None:
        self._bar.stop()


class Calm:
    """A line every half minute, for logs and pipes."""

    def __init__(self) -> None:
        self._pace = _Pace()
        self._said_ns = 0

    def show(self, standing: Standing) -> None:
        if standing.wall_ns - self._said_ns >= CALM_NS:
            self._said_ns = standing.wall_ns
            say(_sentence(standing, self._pace.look(standing)))

    def close(self) -> None:
        """Nothing is left on the screen."""


def display(quiet: bool) -> Display:
    """The display that suits where stderr goes."""
    if quiet:
        return Silent()
    return Moving() if TALK.is_terminal else Calm()
