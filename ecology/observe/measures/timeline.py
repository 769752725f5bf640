"""A bounded number of snapshots of a history whose length nobody knows beforehand."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.int64]

MAX_FRAMES = 200
MIN_FRAMES = 50
_FIRST_PERIOD_NS = 100_000_000
_MAX_CELLS = 4_000_000  # of 8 bytes: what the snapshots of a very large population may occupy


class Timeline:
    """Frames at multiples of a period that doubles whenever there are too many of them.

    A frame shows everything up to and including its time. Between two changes one frame at each end is kept,
    so a line drawn through the frames is flat where nothing happened. Populations over 20,000 get fewer
    frames.
    """

    def __init__(self) -> None:
        self.times_ns: list[int] = []
        self.frames: list[Frame] = []
        self.next_ns = 0
        self._period_ns = _FIRST_PERIOD_NS

    def advance(self, now_ns: int, snapshot: Callable[[], Frame]) -> None:
        """Something is about to happen at `now_ns`: take the frames that are due before it.

        Cheap to leave out while `now_ns <= self.next_ns`.
        """
        if now_ns <= self.next_ns:
            return
        last = (now_ns - 1) // self._period_ns * self._period_ns
        frame = snapshot()
        self._keep(self.next_ns, frame)
        if last > self.next_ns:
            self._keep(last, frame)
        self.next_ns = last + self._period_ns
        self._thin()

    def finish(self, end_ns: int, snapshot: Callable[[], Frame]) -> None:
        """The history ended: add its last state."""
        self.advance(end_ns, snapshot)
        if not self.times_ns or end_ns > self.times_ns[-1]:
            self._keep(end_ns, snapshot())

    def _keep(self, time_ns: int, frame: Frame) -> None:
        self.times_ns.append(time_ns)
        self.frames.append(frame)

    def _thin(self) -> None:
        limit = max(MIN_FRAMES, min(MAX_FRAMES, _MAX_CELLS // max(1, self.frames[-1].size)))
        while len(self.times_ns) >= limit:
            self._period_ns *= 2
            kept = [place for place, time_ns in enumerate(self.times_ns) if time_ns % self._period_ns == 0]
            self.times_ns = [self.times_ns[place] for place in kept]
            self.frames = [self.frames[place] for place in kept]
            self.next_ns = -(-self.next_ns // self._period_ns) * self._period_ns
