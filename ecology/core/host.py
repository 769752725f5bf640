"""What the operating system says of threads and processes, for measuring; never for what happens in a virtual world."""

import sys
import time
from pathlib import Path

from ecology.core.clock import host_ns


def host_waited_ns() -> int:
    """Nanoseconds in which this thread could have run and was not let, because of a quota or of others; 0 if unknown.

    Linux: the second number of schedstat (kernel documentation: scheduler/sched-stats).
    """
    try:
        return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def process_cpu_ns(pid: int) -> int:
    """CPU nanoseconds a child process has used; 0 once it is gone.

    Linux makes a clock id out of a process id (see `clock_getcpuclockid(3)`). Elsewhere the host's monotonic time
    stands in, so that a difference is an upper bound.
    """
    if sys.platform != "linux":
        return host_ns()
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0
