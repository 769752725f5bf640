"""How long agents waited on one thing: each of them, and at least one of them."""

from collections import defaultdict

MAX_OPEN_INTERVALS = 65_536
"""Separate stretches of waiting that a later, longer wait may still swallow; older ones are final."""


class Waiting:
    """Stretches of waiting on one resource, told when they end, in the order in which they end."""

    def __init__(self) -> None:
        self.by_agent_ns: defaultdict[int, int] = defaultdict(int)
        self._latest: dict[int, tuple[int, int]] = {}
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._final_ns = 0
        self._final_until_ns = 0

    def add(self, who: int, start_ns: int, end_ns: int) -> None:
        """Somebody waited from `start_ns` to `end_ns`; nobody's wait that ended later was told before."""
        if end_ns <= start_ns:
            return
        self._add_to_agent(who, start_ns, end_ns)
        start_ns = max(start_ns, self._final_until_ns)
        starts, ends = self._starts, self._ends
        while ends and ends[-1] >= start_ns:
            start_ns = min(start_ns, starts.pop())
            ends.pop()
        starts.append(start_ns)
        ends.append(end_ns)
        if len(starts) > MAX_OPEN_INTERVALS:
            self._finish_oldest(MAX_OPEN_INTERVALS // 2)

    def union_ns(self) -> int:
        """Time during which at least one agent waited."""
        return self._final_ns + sum(self._ends) - sum(self._starts)

    def _add_to_agent(self, who: int, start_ns: int, end_ns: int) -> None:
        """One wait may be told twice (a blocked state and the turn that follows it) but counts once.

        It may also be told in parts, one right after the other, when it is looked at while it lasts.
        """
        total = end_ns - start_ns
        latest_start, latest_end = self._latest.get(who, (end_ns, end_ns))
        overlap = min(end_ns, latest_end) - max(start_ns, latest_start)
        if overlap >= 0:
            total -= overlap
            start_ns = min(start_ns, latest_start)
        self._latest[who] = (start_ns, end_ns)
        self.by_agent_ns[who] += total

    def _finish_oldest(self, count: int) -> None:
        self._final_ns += sum(self._ends[:count]) - sum(self._starts[:count])
        self._final_until_ns = self._ends[count - 1]
        del self._starts[:count], self._ends[:count]
