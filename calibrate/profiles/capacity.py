"""What a container of given limits can sustain, as a profile predicts it."""

import math

import msgspec

from calibrate.profiles.profile import BucketRow, Profile

BUCKET_S = 10.0
"""A bucket holds this much of its own flow: at 10 tokens/s the 100 tokens of the original design."""

THOUGHTS_HELD = 2
"""And never less than so many thoughts at their worst."""

LOOP_SHARE = 0.8
"""How much of its one CPU the thread of all turns can be given before turns queue."""

TABLE = (1, 2, 5, 10, 20, 50, 100)
"""For how many agents a profile lists the bucket."""

MOST_THINKING = 10_000


class Prediction(msgspec.Struct, frozen=True):
    """What agents can be given in some container, and how sure that is (95 %)."""

    agents: int
    tokens_per_s: float
    """Of each agent; 0 if the container cannot even bear the world at rest."""
    error_tokens_per_s: float
    capacity_tokens: float
    thinking_at_once: int
    """At least 1."""


def bucket_tokens(tokens_per_s: float, worst_thought_tokens: float) -> float:
    """The capacity of a bucket of that flow."""
    return max(BUCKET_S * tokens_per_s, THOUGHTS_HELD * worst_thought_tokens)


def one_process_cpus(profile: Profile) -> float:
    """How many CPUs one process can use at most, because all turns go through one thread; more need another node."""
    return profile.cpu.used.cpus_at(_one_process_tokens(profile))


def total_tokens(profile: Profile, cpus: float, agents: int | None = None) -> tuple[float, float]:
    """The tokens/s of all agents together that one process sustains on so many CPUs, and their error.

    `agents` matters where agents wait for a model: no rate makes one of them spend more than was measured.
    """
    used = profile.cpu.used
    total = min(used.tokens_on(profile.aim.cpu_share * cpus), _one_process_tokens(profile))
    if profile.rate.bound == "one_process":
        total = min(total, profile.rate.tokens_per_s * profile.rate.agents)
    if agents is not None and profile.rate.bound in ("latency", "rate"):
        total = min(total, profile.rate.tokens_per_s * agents)
    return total, used.error_of(total)


def thinking_at_once(profile: Profile, memory_bytes: int) -> int:
    """How many agents may think at once in so much memory, its headroom kept free; 0 if not even one."""
    free = memory_bytes * profile.aim.memory_percent / 100 - profile.memory.base_bytes
    return max(0, min(MOST_THINKING, int(free // profile.memory.bytes_per_thinking)))


def predict(
    profile: Profile,
    agents: int,
    *,
    cpus: float | None = None,
    memory_bytes: int | None = None,
    worst_thought_tokens: float | None = None,
) -> Prediction:
    """The bucket of each of `agents` agents; what is not given is as it was measured."""
    at_once = thinking_at_once(profile, memory_bytes or profile.container.memory_bytes)
    total, error = total_tokens(profile, cpus or profile.container.cpus, agents)
    if profile.rate.bound == "memory":
        measured = profile.rate.tokens_per_s * profile.rate.agents
        total = min(total, measured * at_once / profile.thinking_at_once)
    worst = profile.worst_thought_tokens if worst_thought_tokens is None else worst_thought_tokens
    rate = total / agents
    return Prediction(
        agents=agents,
        tokens_per_s=rate,
        error_tokens_per_s=error / agents,
        capacity_tokens=bucket_tokens(rate, worst),
        thinking_at_once=max(1, at_once),
    )


def agents_that_fit(profile: Profile, cpus: float, memory_bytes: int, tokens_per_s: float) -> int:
    """How many agents of that rate one process bears, each of which may think while all others do."""
    assert tokens_per_s > 0, "an agent that is given nothing fits anywhere"
    at_once = thinking_at_once(profile, memory_bytes)
    low, high = 0, at_once
    while low < high:  # the most agents of whom each still gets its rate: more agents never get more each
        middle = (low + high + 1) // 2
        if _bears(profile, middle, cpus, memory_bytes, tokens_per_s):
            low = middle
        else:
            high = middle - 1
    return low


def nodes_needed(
    profile: Profile, agents: int, cpus: float, memory_bytes: int, tokens_per_s: float
) -> int | None:
    """How many nodes, each of such limits, these agents need; None if such a container does not bear even one."""
    each = agents_that_fit(profile, cpus, memory_bytes, tokens_per_s)
    return math.ceil(agents / each) if each else None


def buckets(profile: Profile) -> tuple[BucketRow, ...]:
    """The table of a profile, for the container it was measured in; rows that would be given nothing are left out."""
    rows = (predict(profile, agents) for agents in TABLE)
    return tuple(
        BucketRow(row.agents, row.tokens_per_s, row.capacity_tokens) for row in rows if row.tokens_per_s > 0
    )


def _bears(profile: Profile, agents: int, cpus: float, memory_bytes: int, tokens_per_s: float) -> bool:
    predicted = predict(profile, agents, cpus=cpus, memory_bytes=memory_bytes).tokens_per_s
    return predicted >= tokens_per_s * (1 - 1e-9)


def _one_process_tokens(profile: Profile) -> float:
    """What fills the thread of all turns."""
    return profile.cpu.loop.tokens_on(LOOP_SHARE)
