"""Token buckets: level = min(capacity, level + elapsed × rate), refilled lazily, never below zero.

Exact integers: the level is kept in billionths of a base unit (a millitoken of compute, or a CPU microsecond), because
nanoseconds × base units per second is a whole number of those. No rounding, hence no drift, on any machine.
"""

NANO = 1_000_000_000


class Bucket:
    """One agent's level of one flow. `rate` is base units per second, `capacity` base units."""

    __slots__ = ("capacity", "level_nano", "rate", "updated_ns")

    def __init__(self, rate: int, capacity: int, level_nano: int, updated_ns: int) -> None:
        self.rate = rate
        self.capacity = capacity
        self.level_nano = level_nano
        self.updated_ns = updated_ns

    def refill(self, now_ns: int) -> int:
        """Bring the level up to `now_ns`; returns it in whole base units (rounded down).

        A time before the last one changes nothing: a slow mind looks at its view while others' gifts settle the bucket.
        """
        self._flow(now_ns)
        return self.level_nano // NANO

    def _flow(self, now_ns: int) -> None:
        elapsed_ns = now_ns - self.updated_ns
        if elapsed_ns > 0:
            level = self.level_nano + elapsed_ns * self.rate
            full = self.capacity * NANO
            self.level_nano = level if level < full else full
            self.updated_ns = now_ns

    def take(self, amount: int, now_ns: int) -> bool:
        """Take `amount` base units if they are there; otherwise take nothing. No debt."""
        self._flow(now_ns)
        cost = amount * NANO
        if cost > self.level_nano:
            return False
        self.level_nano -= cost
        return True

    def give_back(self, amount: int) -> None:
        """Return what was taken and not used; what exceeds the capacity is lost."""
        level = self.level_nano + amount * NANO
        full = self.capacity * NANO
        self.level_nano = level if level < full else full

    def drain(self, amount: int) -> int:
        """Take up to `amount` base units; returns what was missing (a measured cost above its estimate)."""
        cost = amount * NANO
        if cost <= self.level_nano:
            self.level_nano -= cost
            return 0
        missing = cost - self.level_nano
        self.level_nano = 0
        return -(-missing // NANO)

    def ready_ns(self, amount: int, now_ns: int) -> int | None:
        """When `amount` base units will be there, looking from `now_ns`; None if never (over capacity, or no rate)."""
        if amount > self.capacity:
            return None
        level = self.level_nano + (now_ns - self.updated_ns) * self.rate
        missing = amount * NANO - level  # a level over the capacity changes nothing: the amount is within it
        if missing <= 0:
            return now_ns
        return now_ns - (-missing // self.rate) if self.rate > 0 else None

    def set_rights(self, rate: int, capacity: int, now_ns: int) -> None:
        """Rights changed hands: the past is settled at the old rate, the future runs at the new one."""
        self._flow(now_ns)
        self.rate = rate
        self.capacity = capacity
        self.level_nano = min(self.level_nano, capacity * NANO)
