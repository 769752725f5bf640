"""Figures as Prometheus wants them: counters, gauges and histograms, made when they are asked for.

Names follow its conventions: `ecology_` first, the base unit in the name (`_seconds`, `_bytes`), `_total` last for what
only grows. See https://prometheus.io/docs/practices/naming/.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

__all__ = ["LATENCY_BOUNDS_S", "Histogram", "Metric", "counter", "gauge"]

Values = float | Mapping[tuple[str, ...], float]
"""One value, or one for each combination of the labels' values."""

LATENCY_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of buckets that tell a wake-up by hint (milliseconds) from one by poll (a second)."""


def counter(name: str, text: str, values: Values, labels: Sequence[str] = ()) -> Metric:
    """What only grows while the process lives; the name ends in `_total`."""
    assert name.endswith("_total"), f"a counter's name ends in _total: {name}"
    return _family(CounterMetricFamily(name, text, labels=labels), values)


def gauge(name: str, text: str, values: Values, labels: Sequence[str] = ()) -> Metric:
    """What goes up and down."""
    assert not name.endswith("_total"), f"_total is a counter's: {name}"
    return _family(GaugeMetricFamily(name, text, labels=labels), values)


def _family(family: CounterMetricFamily | GaugeMetricFamily, values: Values) -> Metric:
    for labels, value in (values if isinstance(values, Mapping) else {(): values}).items():
        family.add_metric(labels, value)
    return family


class Histogram:
    """How often a quantity fell into each bucket, since the process began."""

    def __init__(self, name: str, text: str, bounds: Sequence[float] = LATENCY_BOUNDS_S) -> None:
        assert list(bounds) == sorted(set(bounds)), "bounds rise"
        self.name = name
        self.text = text
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count `value`, in the unit that the name ends in, `times` times."""
        self._counts[bisect_left(self._bounds, value)] += times
        self._sum += value * times

    def metric(self) -> Metric:
        """The figures as they are now."""
        bounds = [*map(repr, self._bounds), "+Inf"]
        family = HistogramMetricFamily(self.name, self.text)
        family.add_metric([], list(zip(bounds, accumulate(self._counts), strict=True)), self._sum)
        return family
