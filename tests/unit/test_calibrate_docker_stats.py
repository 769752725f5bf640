"""The engine's statistics as readings, against figures that were worked out by hand from the recordings."""

import json
from pathlib import Path
from typing import Any

import pytest

from calibrate.docker.containers import limits
from calibrate.docker.engine import Host
from calibrate.docker.stats import reading, unix_ns, working_set
from calibrate.errors import CalibrationFault
from calibrate.reading import Limits, Reading, usage

RECORDED = Path(__file__).parents[1] / "support" / "docker"
HALF_A_CPU = Limits(500, 67_108_864, "Docker: NanoCpus, Memory")
HOST = Host("28.5.1", "1.51", 2, 8, 16 << 30, "host")


def readings(name: str) -> list[Reading | None]:
    return [reading(line) for line in (RECORDED / name).read_bytes().splitlines()]


def test_cgroup_v1_as_recorded() -> None:
    first, second, third, fourth, stopped = readings("stats_cgroup_v1.jsonl")
    assert first is not None and second is not None and third is not None and fourth is not None
    assert stopped is None, "a container that has stopped says zeros, once a second"
    assert second.time_ns - first.time_ns == 1_010_762_683
    assert second.cpu_ns - first.cpu_ns == 523_614_020
    assert second.memory_bytes == 12_726_272 - 8_855_552
    assert second.throttled_ns - first.throttled_ns == 473_852_232
    seen = usage(first, second, HALF_A_CPU)
    # 523,614,020 ÷ (1,010,762,683 · 0.5), 10 of 10 periods, 3,870,720 ÷ 67,108,864
    assert seen.cpu_percent == pytest.approx(103.6077, abs=1e-4)
    assert seen.throttled_percent == 100
    assert seen.memory_percent == pytest.approx(5.7678, abs=1e-4)
    assert seen.cpu_pressure_percent is None
    # 1,504,006,638 ÷ (2,010,260,023... ns · 0.5) over the three intervals after the first burst
    assert usage(second, fourth, HALF_A_CPU).cpu_percent == pytest.approx(99.9071, abs=1e-3)


def test_cgroup_v2_as_documented() -> None:
    first, second, third = readings("stats_cgroup_v2.jsonl")
    assert first is not None and second is not None and third is not None
    assert second.time_ns - first.time_ns == third.time_ns - second.time_ns == 1_000_000_001
    assert second.memory_bytes == 250_000_000
    assert third.memory_bytes == 40_000_000, "more page cache than usage: nothing is subtracted"
    seen = usage(first, second, Limits(1500, 536_870_912, ""))
    # 300,000,000 ÷ (1,000,000,001 · 1.5), 3 of 10 periods, 250,000,000 ÷ 536,870,912
    assert seen.cpu_percent == pytest.approx(20.0, abs=1e-6)
    assert seen.throttled_percent == 30
    assert seen.memory_percent == pytest.approx(46.5661, abs=1e-4)


@pytest.mark.parametrize(
    ("used", "stats", "working"),
    [
        (100, {"total_inactive_file": 30, "inactive_file": 20}, 70),
        (100, {"total_inactive_file": 100, "inactive_file": 20}, 80),
        (100, {"total_inactive_file": 120, "inactive_file": 120}, 100),
        (100, {"inactive_file": 40}, 60),
        (100, {"inactive_file": 100}, 100),
        (100, {}, 100),
    ],
)
def test_the_working_set_is_what_docker_stats_shows(used: int, stats: dict[str, int], working: int) -> None:
    assert working_set(used, stats) == working


@pytest.mark.parametrize(
    ("stamp", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("2026-11-21T22:53:38.859376619Z", 1_795_301_618_859_376_619),
        ("1970-01-01T01:30:00.000000001+01:30", 1),
        ("1969-12-31T19:00:00-05:00", 0),
    ],
)
def test_stamps_are_read_to_the_nanosecond(stamp: str, ns: int) -> None:
    assert unix_ns(stamp) == ns


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-11-21 22:53:38", "2026-11-21T22:53:38.1234567891Z"])
def test_another_stamp_is_a_fault(stamp: str) -> None:
    with pytest.raises(CalibrationFault, match="no time that is understood"):
        unix_ns(stamp)


@pytest.mark.parametrize(
    "stats",
    [
        {},
        {"read": "0001-01-01T00:00:00Z"},
        {"read": "2026-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}},
        {"read": "2026-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 5}}, "memory_stats": {}},
    ],
)
def test_samples_that_say_nothing_are_passed_over(stats: object) -> None:
    assert reading(json.dumps(stats).encode()) is None


@pytest.mark.parametrize("stats", [[], {"read": 5}, {"memory_stats": {"usage": "much"}}])
def test_samples_that_nobody_understands_are_faults(stats: object) -> None:
    with pytest.raises(CalibrationFault, match="not understood"):
        reading(json.dumps(stats).encode())


@pytest.mark.parametrize(
    ("config", "millis", "memory_bytes", "source"),
    [
        ({}, 8000, 16 << 30, "Docker: host (cpu), host (memory)"),
        ({"NanoCpus": 1_500_000_000, "Memory": 1 << 29}, 1500, 1 << 29, "Docker: NanoCpus, Memory"),
        ({"CpuQuota": 50_000, "CpuPeriod": 200_000}, 250, 16 << 30, "Docker: CpuQuota, host (memory)"),
        ({"CpuQuota": 50_000, "CpuPeriod": 0}, 500, 16 << 30, "Docker: CpuQuota, host (memory)"),
        ({"CpuQuota": -1, "Memory": 0}, 8000, 16 << 30, "Docker: host (cpu), host (memory)"),
        ({"CpusetCpus": "0-2,5"}, 4000, 16 << 30, "Docker: CpusetCpus, host (memory)"),
        ({"CpusetCpus": "1", "NanoCpus": 10**9 * 3}, 1000, 16 << 30, "Docker: CpusetCpus, host (memory)"),
        ({"Memory": 1 << 50}, 8000, 16 << 30, "Docker: host (cpu), host (memory)"),
    ],
)
def test_limits(config: dict[str, Any], millis: int, memory_bytes: int, source: str) -> None:
    found, cpu_limited, memory_limited = limits(config, HOST)
    assert found == Limits(millis, memory_bytes, source)
    assert cpu_limited == ("NanoCpus" in config or config.get("CpuQuota", -1) > 0), (
        "a twin is given its CPUs apart"
    )
    assert memory_limited == (memory_bytes < HOST.memory_bytes)
