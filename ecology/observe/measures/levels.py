"""How full the token buckets are, as the events state it."""

import msgspec
import numpy as np

from ecology.events.records import ActionTaken
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.timeline import Frame, Timeline

_UNKNOWN = -1


class LevelSeries(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket's level over agents, in base units, one entry per time; `low` is p10, `high` is p90."""

    times_ns: list[int]
    low: list[float]
    median: list[float]
    high: list[float]


class Levels:
    """The level of each agent's buckets after its latest turn. Nothing is inferred between turns: an agent
    that has not acted yet has no level, and one that waits keeps the level it had.
    """

    def __init__(self, fold: Fold, principals: Principals) -> None:
        self._fold = fold
        self._principals = principals
        self._timeline = Timeline()
        self._llm: list[int] = []
        self._cpu: list[int] = []
        fold.on(ActionTaken, self._acted)

    def result(self) -> dict[str, LevelSeries]:
        """The levels of `llm_rate` (millitokens) and `cpu` (CPU microseconds) over world time; empty of no
        action."""
        if not self._llm:
            return {}
        self._timeline.finish(self._fold.end_ns, self._frame)
        return {"llm_rate": self._series(0), "cpu": self._series(1)}

    def _series(self, row: int) -> LevelSeries:
        times_ns, low, median, high = [], [], [], []
        for time_ns, frame in zip(self._timeline.times_ns, self._timeline.frames, strict=True):
            known = frame[row][frame[row] != _UNKNOWN]
            if known.size:
                p10, p50, p90 = (float(value) for value in np.quantile(known, (0.1, 0.5, 0.9)))
                times_ns.append(time_ns)
                low.append(p10)
                median.append(p50)
                high.append(p90)
        return LevelSeries(times_ns=times_ns, low=low, median=median, high=high)

    def _frame(self) -> Frame:
        return np.array((self._llm, self._cpu), dtype=np.int64)

    def _acted(self, event: ActionTaken) -> None:
        if event.time_ns > self._timeline.next_ns:
            self._timeline.advance(event.time_ns, self._frame)
        assert event.principal_id is not None, "an action has an actor"
        who = self._principals.index(event.principal_id)
        assert who is not None, "the world itself does not act"
        if who >= len(self._llm):
            missing = [_UNKNOWN] * (len(self._principals) - len(self._llm))
            self._llm.extend(missing)
            self._cpu.extend(missing)
        self._llm[who] = event.llm_level_millitokens
        self._cpu[who] = event.cpu_level_us
