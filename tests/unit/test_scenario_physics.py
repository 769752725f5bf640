"""The laws that a scenario states, who lives under them, and worlds in which nobody could."""

import dataclasses
from pathlib import Path

import pytest

from ecology.core.errors import ScenarioError
from ecology.resources.assets import ASSETS, LLM_BUDGET, SCRIP
from ecology.scenarios import Scenario, load
from ecology.scenarios.population import STRATEGIES, apportion


def test_the_default_world_in_base_units() -> None:
    physics = Scenario().physics()
    assert dataclasses.asdict(physics) == {
        "llm_rate_millitokens_per_s": 10_000,
        "llm_capacity_millitokens": 100_000,
        "cpu_rate_us_per_s": 400_000,
        "cpu_capacity_us": 2_000_000,
        "disk_bytes": 500_000,
        "memory_bytes": 256 * 1024**2,
        "llm_budget_usd_micros": None,
        "thought_fixed_millitokens": 15_000,
        "thought_per_1k_input_millitokens": 2_000,
        "thought_per_1k_output_millitokens": 6_000,
        "thought_max_input": 6_000,
        "thought_max_output": 400,
        "thought_worst_millitokens": 29_400,
        "thought_worst_usd_micros": 0,
        "thought_memory_bytes": 256 * 1024**2,
        "turn_cpu_us": 2_000,
        "cpu_per_kib_us": 200,
        "turn_worst_cpu_us": Scenario().costs().worst_cpu_us,
        "input_usd_micros_per_million": 0,
        "output_usd_micros_per_million": 0,
        "default_contract": "freeware",
    }


def test_money_is_kept_in_micro_dollars() -> None:
    physics = load("famine").physics()
    assert physics.llm_budget_usd_micros == 20_000
    assert physics.input_usd_micros_per_million == 150_000
    assert physics.thought_worst_usd_micros == 1_140


def test_a_default_population_is_one_of_each_strategy() -> None:
    groups = Scenario().groups()
    assert [group.strategy for group in groups] == list(STRATEGIES)
    assert [group.count for group in groups] == [1] * 5


def test_groups_differ_only_in_what_they_override() -> None:
    scenario = load(
        "container",
        overrides=[
            "agents=10",
            "population=[{strategy: maker, share: 3, traits: {good: 2}}, "
            "{strategy: hoarder, scrip: 7, resources: {stock: {disk: {total: 1kB}}, flow: {cpu: {rate: 0.1}}}}]",
        ],
    )
    makers, hoarders = scenario.groups()
    assert (makers.count, hoarders.count) == (8, 2)
    assert (makers.scrip, hoarders.scrip) == (100, 7)
    assert makers.traits == {"good": 2}
    assert makers.rights == dataclasses.replace(
        hoarders.rights, disk_bytes=500_000, cpu_rate_us_per_s=400_000
    )
    assert (hoarders.rights.disk_bytes, hoarders.rights.cpu_rate_us_per_s) == (1_000, 100_000)


def test_groups_too_small_for_an_agent_are_left_out() -> None:
    groups = load("commons", flags={"agents": 1}).groups()
    assert [(group.strategy, group.count) for group in groups] == [("cooperator", 1)]


def test_largest_remainder_favours_the_earlier_of_equals() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(5, [3, 2, 1, 2, 2]) == [2, 1, 0, 1, 1]
    assert apportion(3, [0, 1]) == [0, 3]


def test_rights_are_amounts_of_the_ledgers_assets() -> None:
    assert {SCRIP, *load("famine").groups()[0].rights.amounts()} == set(ASSETS)
    assert {SCRIP, LLM_BUDGET, *load("market").groups()[0].rights.amounts()} == set(ASSETS)
    assert LLM_BUDGET not in load("market").groups()[0].rights.amounts()


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["resources.flow.llm_rate.capacity=20"],
            "--set resources.flow.llm_rate.capacity: one thought costs up to 29.4 compute tokens but llm_rate capacity "
            "is 20: no agent could ever think; raise resources.flow.llm_rate.capacity to at least 29.4 or lower "
            "thought.fixed",
        ),
        (
            ["thought.per_1k_output=300"],
            "--set thought.per_1k_output: one thought costs up to 147 compute tokens but llm_rate capacity is 100: no "
            "agent could ever think; raise resources.flow.llm_rate.capacity to at least 147 or lower thought.fixed",
        ),
        (
            ["cpu_cost.turn_us=3000000", "cpu_cost.per_kib_us=0"],
            "--set cpu_cost.per_kib_us: one turn costs up to 3 CPU-seconds but cpu capacity is 2: no agent could ever "
            "act; raise resources.flow.cpu.capacity to at least 3 or lower cpu_cost.per_kib_us",
        ),
        (
            ["thought.memory=1GiB"],
            "--set thought.memory: one thought occupies up to 1GiB but the memory quota is 256MiB: no agent could ever "
            "think; raise resources.stock.memory.total to at least 1GiB or lower thought.memory",
        ),
        (
            ["container.memory=100MiB"],
            "--set container.memory: one thought occupies 256MiB but the container's memory is 100MiB: no agent could "
            "ever think; raise container.memory to at least 256MiB or lower thought.memory",
        ),
        (
            ["prices.input_usd_per_million=10", "resources.stock.llm_budget.total_usd=0.05"],
            "--set resources.stock.llm_budget.total_usd: one thought costs up to 0.06 US dollars but llm_budget is "
            "0.05: no agent could ever think; raise resources.stock.llm_budget.total_usd to at least 0.06 or lower "
            "thought.max_input",
        ),
        (
            [
                "population=[{strategy: maker}, {strategy: trader, resources: {flow: {llm_rate: {capacity: 29.399}}}}]"
            ],
            "--set population: one thought costs up to 29.4 compute tokens but llm_rate capacity is 29.399: no trader "
            "of population.1 could ever think; raise population.1.resources.flow.llm_rate.capacity to at least 29.4 or "
            "lower thought.fixed",
        ),
        (
            ["population=[{strategy: maker, resources: {stock: {llm_budget: {total_usd: 1}}}}]"],
            "--set population: a group has an llm_budget in a world that does not account money; set "
            "resources.stock.llm_budget.total_usd as well",
        ),
        (
            ["scrip.initial=9223372036854775807"],
            "--set scrip.initial: all agents together would hold 46116860184273879035 of scrip, more than the ledger's "
            "9223372036854775807; lower agents or scrip.initial",
        ),
    ],
)
def test_impossible_physics_is_refused_with_the_numbers(overrides: list[str], line: str) -> None:
    with pytest.raises(ScenarioError) as fault:
        load("container", overrides=overrides)
    assert str(fault.value) == line


def test_just_possible_physics_is_accepted() -> None:
    scenario = load("container", overrides=["resources.flow.llm_rate.capacity=29.4", "agents=100000"])
    assert scenario.physics().llm_capacity_millitokens == scenario.physics().thought_worst_millitokens


def test_a_default_that_nobody_has_is_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "poor.yaml"
    path.write_text(
        "resources: { flow: { llm_rate: { capacity: 5 } } }\n"
        "population:\n  - { strategy: maker, resources: { flow: { llm_rate: { capacity: 50 } } } }\n"
    )
    assert load(path).groups()[0].rights.llm_capacity_millitokens == 50_000


def test_a_file_is_blamed_at_the_line_of_the_law(tmp_path: Path) -> None:
    path = tmp_path / "harsh.yaml"
    path.write_text("agents: 2\nthought:\n  fixed: 500\n")
    with pytest.raises(ScenarioError) as fault:
        load(path)
    assert str(fault.value).startswith(f"{path}:3: one thought costs up to 514.4 compute tokens")
