"""What code is charged, and how the error of that is kept."""

import msgspec
import pytest

from ecology.sandbox.cost import CodeCosts, Meter
from ecology.sandbox.outcome import Use

COSTS = CodeCosts(fixed_us=100, per_step_ns=300, per_kib_us=8, per_call_us=50, per_source_kib_us=64)


@pytest.mark.parametrize(
    ("use", "modelled_us"),
    [
        (Use(), 100),
        (Use(steps=1), 101),
        (Use(steps=10), 103),
        (Use(bytes_in=1_024), 108),
        (Use(bytes_in=512, bytes_out=512), 108),
        (Use(bytes_out=1), 101),
        (Use(calls=2), 200),
        (Use(source_bytes=512), 132),
        (Use(source_bytes=513), 133),
        (Use(steps=1_000_000, bytes_in=2_048, calls=1), 100 + 300_000 + 16 + 50),
    ],
)
def test_a_cost_is_linear_and_rounded_up(use: Use, modelled_us: int) -> None:
    assert COSTS.modelled_us(use) == modelled_us


def test_a_cost_depends_on_nothing_measured() -> None:
    assert COSTS.modelled_us(Use(steps=5, cpu_us=1)) == COSTS.modelled_us(Use(steps=5, cpu_us=10**9))


def test_a_meter_adds_up() -> None:
    meter = Meter()
    assert meter.error() is None
    meter.add(Use(cpu_us=100), 150)
    meter.add(Use(cpu_us=200), 100)
    meter.add(Use(cpu_us=0), 100)
    assert (meter.runs, meter.unmeasured, meter.measured_us, meter.modelled_us) == (2, 1, 300, 250)
    assert (meter.abs_error_us, meter.worst_over_permille, meter.worst_under_permille) == (150, 1_500, 2_000)
    assert meter.error() == {"ratio_of_totals": 250 / 300, "mean_absolute_relative_error": 0.5}


def test_meters_merge_to_what_one_would_have_seen() -> None:
    uses = [(Use(cpu_us=n * 37 % 101 + 1), n * 53 % 97) for n in range(20)]
    whole, first, second = Meter(), Meter(), Meter()
    for number, (use, modelled) in enumerate(uses):
        whole.add(use, modelled)
        (first if number % 3 else second).add(use, modelled)
    first.merge(second)
    assert first == whole
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Meter) == whole
