"""What a profile predicts for other containers and other numbers of agents."""

import pytest
from msgspec.structs import replace

from calibrate.profiles.capacity import (
    agents_that_fit,
    bucket_tokens,
    nodes_needed,
    one_process_cpus,
    predict,
    thinking_at_once,
    total_tokens,
)
from tests.support.calibrated import GIB, MIB, Truth, profile

LINE = replace(
    profile(),
    cpu=replace(
        profile().cpu,
        base_cpus=0.05,
        cpu_seconds_per_1k_tokens=7.0,
        centre_tokens_per_s=100.0,
        exponent=1.0,
        loop_base_cpus=0.02,
        loop_seconds_per_1k_tokens=4.4,
    ),
    memory=replace(profile().memory, base_bytes=100 * MIB, bytes_per_thinking=4 * MIB),
)
"""0.05 CPUs at rest and 7 CPU-seconds for 1,000 tokens, 4.4 of them of the loop: at 75 % of a CPU 100 tokens/s."""


def test_the_cpus_in_the_middle_of_the_band_pay_for_the_base_and_the_tokens() -> None:
    assert total_tokens(LINE, 1.0)[0] == pytest.approx(100.0)
    assert predict(LINE, 5).tokens_per_s == pytest.approx(20.0)
    assert predict(LINE, 50).tokens_per_s == pytest.approx(2.0)
    assert predict(LINE, 5, cpus=0.5).tokens_per_s == pytest.approx((0.375 - 0.05) / 0.007 / 5)


def test_a_bucket_holds_ten_seconds_but_never_less_than_two_thoughts() -> None:
    assert bucket_tokens(10.0, 29.4) == 100.0
    assert bucket_tokens(1.0, 29.4) == 58.8
    assert predict(LINE, 50, worst_thought_tokens=100).capacity_tokens == 200


def test_a_token_that_is_cheaper_in_a_crowd_lets_a_larger_container_do_more() -> None:
    bent = replace(LINE, cpu=replace(LINE.cpu, exponent=0.8))
    assert total_tokens(bent, 1.0)[0] == pytest.approx(100.0)
    for cpus, of_one in ((0.5, 0.325 / 0.7), (1.2, 0.85 / 0.7)):
        assert total_tokens(bent, cpus)[0] == pytest.approx(100 * of_one**1.25)
    assert one_process_cpus(bent) == pytest.approx(0.05 + 0.7 * (0.8 - 0.02) / 0.44), (
        "as the thread, so the container"
    )


def test_one_process_uses_no_more_cpus_than_its_one_thread_can_drive() -> None:
    most = one_process_cpus(LINE)
    assert most == pytest.approx(0.05 + 0.007 * (0.8 - 0.02) / 0.0044)
    full = total_tokens(LINE, most / 0.75)[0]
    assert total_tokens(LINE, 64.0)[0] == pytest.approx(full)


def test_a_container_that_does_not_bear_the_world_at_rest_gives_nothing() -> None:
    assert predict(LINE, 5, cpus=0.06).tokens_per_s == 0
    assert agents_that_fit(LINE, 0.06, GIB, 10.0) == 0
    assert nodes_needed(LINE, 5, 0.06, GIB, 10.0) is None


def test_agents_fit_by_their_rate_and_by_their_memory() -> None:
    assert agents_that_fit(LINE, 1.0, GIB, 10.0) == 10
    assert agents_that_fit(LINE, 1.0, 124 * MIB, 10.0) == thinking_at_once(LINE, 124 * MIB) == 2
    assert agents_that_fit(LINE, 1.0, 64 * MIB, 10.0) == 0
    assert predict(LINE, 5, memory_bytes=64 * MIB).thinking_at_once == 1


def test_nodes_are_needed_where_one_process_ends() -> None:
    assert nodes_needed(LINE, 10, 1.0, GIB, 10.0) == 1
    assert nodes_needed(LINE, 11, 1.0, GIB, 10.0) == 2
    of_one_process = agents_that_fit(LINE, 64.0, GIB, 10.0)
    assert of_one_process == 17
    assert nodes_needed(LINE, 50, 64.0, GIB, 10.0) == 3


def test_agents_that_wait_for_a_model_spend_no_more_for_having_more_cpus() -> None:
    waiting = profile(bound="latency")
    own = waiting.rate.tokens_per_s
    assert predict(waiting, 5, cpus=8.0).tokens_per_s == pytest.approx(own)
    assert predict(waiting, 1, cpus=8.0).tokens_per_s == pytest.approx(own)
    assert predict(waiting, 5, cpus=0.5).tokens_per_s < own


def test_what_memory_bound_grows_with_the_thoughts_that_it_holds() -> None:
    bound = profile(bound="memory")
    there, more = predict(bound, 5), predict(bound, 5, memory_bytes=2 * GIB, cpus=4.0)
    assert there.tokens_per_s <= bound.rate.tokens_per_s
    assert there.tokens_per_s < more.tokens_per_s


def test_a_full_thread_does_no_more_with_more_cpus() -> None:
    full = profile(bound="one_process", truth=Truth(loop_share=0.4))
    assert total_tokens(full, 8.0)[0] == pytest.approx(full.rate.tokens_per_s * full.rate.agents)


def test_predictions_far_from_what_was_measured_are_less_sure() -> None:
    errors = [predict(LINE, 5, cpus=cpus).error_tokens_per_s for cpus in (1.0, 1.2, 1.5)]
    assert errors == sorted(errors)
    assert errors[0] > 0
