"""The machine's wall clock. It serves to be compared with others; nothing that happens in a world is ordered by it."""

import time


def wall_us() -> int:
    """Microseconds since 1970, as this machine believes."""
    return time.time_ns() // 1_000
