"""What is made to work in the container, and what it says of itself.

The controller never looks inside: it sees one `Sample` for each reading, made of what the container used (`Usage`)
and of what the workload says it did (`Figures`).
"""

from typing import Protocol

import msgspec

from calibrate.reading import Usage

MILLI = 1000


class Figures(msgspec.Struct, frozen=True):
    """What a workload has done since it began. Counters, but for `agents`, `thinking`, `slots` and the rate."""

    time_ns: int
    """Of the workload's own monotonic clock."""
    agents: int
    rate_millitokens_per_s: int
    """What each agent's bucket is given now."""
    turns: int
    millitokens: int
    """Spent by all agents."""
    late_ns: int
    """Summed over turns: how long after it could be paid each began."""
    loop_cpu_ns: int
    """CPU of the one thread that all agents' turns share: near one core, more rate makes only longer queues."""
    thinking: int
    """Thoughts under way."""
    slots: int
    """How many there may be."""
    loop_waited_ns: int = 0
    """How long that thread could have run and was not let, for throttling or because others had the CPUs."""
    llm_tokens: int = 0
    """LLM tokens read and written."""
    code_us: int = 0
    """CPU of agents' code, as charged."""


class Sample(msgspec.Struct, frozen=True):
    """One interval of about a second, as a controller sees it. Rates are tokens per second of one agent."""

    time_s: float
    """When the interval ended, since the workload was ready."""
    seconds: float
    rate: float
    """What each agent's bucket was given, throughout the interval."""
    spent: float
    """What each agent really spent, on average; below `rate` when somebody could not keep up."""
    cpu_percent: float
    memory_percent: float
    throttled_percent: float = 0.0
    late_ms: float = 0.0
    """How long after it could be paid a turn began, on average."""
    loop_percent: float = 0.0
    """Of one core: the thread that all turns share."""
    loop_waited_percent: float = 0.0
    """Of the interval: how long that thread could have run and was not let."""
    oom_kills: int = 0


class Workload(Protocol):
    """Agents at work in the container that is measured."""

    async def set_rate(self, millitokens_per_s: int) -> None:
        """Give every agent's bucket this rate from now on. Raises `WorkloadEnded`."""

    @property
    def figures(self) -> Figures:
        """The newest figures. Raises `WorkloadEnded` once there will be no more."""

    async def close(self) -> None:
        """End the work and leave nothing behind."""


def sample(time_s: float, usage: Usage, before: Figures, after: Figures) -> Sample:
    """Bring together what the container used and what the workload did in (nearly) the same interval."""
    seconds = (after.time_ns - before.time_ns) / 1e9
    assert seconds > 0, "figures are in order"
    turns = after.turns - before.turns
    return Sample(
        time_s=time_s,
        seconds=usage.seconds,
        rate=after.rate_millitokens_per_s / MILLI,
        spent=(after.millitokens - before.millitokens) / MILLI / seconds / after.agents,
        cpu_percent=usage.cpu_percent,
        memory_percent=usage.memory_percent,
        throttled_percent=usage.throttled_percent,
        late_ms=(after.late_ns - before.late_ns) / turns / 1e6 if turns else 0.0,
        loop_percent=100 * (after.loop_cpu_ns - before.loop_cpu_ns) / (after.time_ns - before.time_ns),
        loop_waited_percent=100
        * (after.loop_waited_ns - before.loop_waited_ns)
        / (after.time_ns - before.time_ns),
        oom_kills=usage.oom_kills,
    )
