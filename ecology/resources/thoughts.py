"""How many agents may think at once in a container of that size."""

from calibrate.reading import Limits


def concurrent_thoughts(limits: Limits, base_bytes: int, bytes_per_thought: int) -> int:
    """How many agents may think at once: (memory limit - base) ÷ memory per thinking agent, but at least one.

    `base_bytes` is what the process occupies when nobody thinks. Before a calibration has measured it, a
    thinking agent is taken to occupy 200-500 MB, so 8 to 20 think at once in 4 GB.
    """
    assert bytes_per_thought > 0, "a thought occupies memory"
    return max(1, (limits.memory_bytes - base_bytes) // bytes_per_thought)
