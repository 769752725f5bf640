"""Whatever was measured is read back as it was written, and more CPUs never do less."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from calibrate.control import Bound
from calibrate.profiles.capacity import agents_that_fit, nodes_needed, predict, total_tokens
from calibrate.profiles.file import encode, from_data
from calibrate.profiles.profile import (
    AimSection,
    BucketRow,
    ContainerSection,
    CpuSection,
    HardwareSection,
    HoldOutSection,
    MemorySection,
    Profile,
    RateSection,
)
from ecology.scenarios import document
from tests.support.calibrated import GIB

some = st.floats(0, 1e12)
more = st.floats(1e-9, 1e12)
percent = st.floats(0, 100)
exponents = st.floats(0.5, 1)
size = st.integers(1, 1 << 60)
count = st.integers(1, 1_000_000)
text = st.text(st.characters(codec="utf-8"), max_size=60)
bounds: st.SearchStrategy[Bound] = st.sampled_from(("cpu", "memory", "latency", "one_process", "rate"))
aims = st.tuples(st.floats(1, 100), st.floats(1, 100), percent).map(
    lambda parts: AimSection(min(parts[:2]), max(parts[:2]), parts[2])
)
rows = st.lists(st.tuples(count, more, more), min_size=1, max_size=8, unique_by=lambda row: row[0])

profiles = st.builds(
    Profile,
    version=st.just(1),
    made=st.datetimes().map(lambda time: time.isoformat(timespec="seconds") + "Z"),
    software=text,
    engine=text,
    what=text,
    mix=text,
    container=st.builds(ContainerSection, more, size, text),
    hardware=st.builds(HardwareSection, text, text, count, size),
    aim=aims,
    rate=st.builds(RateSection, count, more, some, bounds),
    cpu=st.builds(CpuSection, some, more, some, more, exponents, some, some, some),
    memory=st.builds(MemorySection, size, size, st.integers(0, 9)),
    thinking_at_once=count,
    worst_thought_tokens=some,
    buckets=rows.map(lambda rows: tuple(BucketRow(*row) for row in sorted(rows))),
    hold_out=st.none() | st.builds(HoldOutSection, some, percent, st.booleans()),
)

likely = st.builds(
    replace,
    profiles,
    cpu=st.builds(
        CpuSection,
        st.floats(0, 0.5),
        st.floats(0.01, 100),
        st.floats(0, 1),
        st.floats(1, 10_000),
        exponents,
        st.floats(0, 1),
        st.floats(0, 0.2),
        st.floats(0, 50),
    ),
    memory=st.builds(MemorySection, st.integers(0, GIB), st.integers(1024, GIB), st.just(2)),
    rate=st.builds(RateSection, st.integers(1, 100), st.floats(0.1, 1000), some, bounds),
)
cpus = st.floats(0.05, 64)
memories = st.integers(1, 64 * GIB)


@given(profiles)
def test_a_profile_is_read_back_as_it_was_written(profile: Profile) -> None:
    parsed = document.parse(encode(profile), "capacity.yaml", "capacity profile")
    assert from_data(parsed.data, parsed.lines, "capacity.yaml") == profile


@given(likely, cpus, cpus, memories, memories, count, st.floats(0.1, 100))
def test_more_of_a_container_never_does_less(
    profile: Profile, one: float, other: float, here: int, there: int, agents: int, rate: float
) -> None:
    less, most = sorted((one, other))
    small, large = sorted((here, there))
    assert total_tokens(profile, less)[0] <= total_tokens(profile, most)[0]
    before = predict(profile, agents, cpus=less, memory_bytes=small)
    after = predict(profile, agents, cpus=most, memory_bytes=large)
    assert before.tokens_per_s <= after.tokens_per_s
    assert before.capacity_tokens <= after.capacity_tokens
    assert before.thinking_at_once <= after.thinking_at_once
    few = agents_that_fit(profile, less, small, rate)
    assert few <= agents_that_fit(profile, most, large, rate)
    needed = nodes_needed(profile, agents, less, small, rate)
    enough = nodes_needed(profile, agents, most, large, rate)
    assert needed is None or (enough is not None and enough <= needed)


@given(likely, cpus, memories, st.floats(0.1, 100))
def test_what_fits_gets_its_rate_and_one_more_would_not(
    profile: Profile, limit: float, memory: int, rate: float
) -> None:
    fit = agents_that_fit(profile, limit, memory, rate)
    if fit:
        own = predict(profile, fit, cpus=limit, memory_bytes=memory)
        assert own.tokens_per_s >= rate * (1 - 1e-6)
        assert own.thinking_at_once >= fit
    beyond = predict(profile, fit + 1, cpus=limit, memory_bytes=memory)
    assert beyond.tokens_per_s < rate or beyond.thinking_at_once <= fit or fit == 0


@given(likely, cpus, count, count)
def test_more_agents_never_get_more_each(profile: Profile, limit: float, some: int, others: int) -> None:
    few, many = sorted((some, others))
    assert predict(profile, many, cpus=limit).tokens_per_s <= predict(profile, few, cpus=limit).tokens_per_s
