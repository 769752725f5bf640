"""How tokens flowed: the factor on what the rights say, as it was changed."""

from bisect import bisect_right

import msgspec

from ecology.events.records import FlowChanged
from ecology.observe.measures.fold import Fold
from ecology.resources.assets import LLM_RATE
from ecology.resources.flow import AS_GRANTED_PPM


class FlowMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """The factor on what the rights to a flow of tokens say: how often it was changed, and what it was."""

    changes: int = 0
    least: float = 1.0
    most: float = 1.0
    mean: float = 1.0
    last: float = 1.0


class Flow:
    """Keeps every change of the factor: a few, for none of them is made often."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._since_ns = [0]
        self._ppm = [AS_GRANTED_PPM]
        self._passed = [0]  # ppm × ns, up to the change
        fold.on(FlowChanged, self._change)

    def result(self) -> FlowMeasures:
        """The factors up to the end of the history so far; the mean is over world time."""
        end_ns = self._fold.end_ns
        mean = self._up_to(end_ns) / end_ns if end_ns else self._ppm[-1]
        return FlowMeasures(
            changes=len(self._ppm) - 1,
            least=min(self._ppm) / AS_GRANTED_PPM,
            most=max(self._ppm) / AS_GRANTED_PPM,
            mean=mean / AS_GRANTED_PPM,
            last=self._ppm[-1] / AS_GRANTED_PPM,
        )

    def passed(self, asset: str, since_ns: int, until_ns: int) -> int:
        """The time between, in nanoseconds × millionths, in which a rate flowed: longer with a higher factor."""
        if asset != LLM_RATE:
            return (until_ns - since_ns) * AS_GRANTED_PPM
        return self._up_to(until_ns) - self._up_to(since_ns)

    def _up_to(self, time_ns: int) -> int:
        place = bisect_right(self._since_ns, time_ns) - 1
        return self._passed[place] + (time_ns - self._since_ns[place]) * self._ppm[place]

    def _change(self, event: FlowChanged) -> None:
        self._passed.append(self._up_to(event.time_ns))
        self._since_ns.append(event.time_ns)
        self._ppm.append(event.flow_ppm)
