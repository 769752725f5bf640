"""A capacity profile over a scenario: what it sets, what it leaves, who wins, and whose fault a refusal is."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from calibrate.profiles.capacity import predict
from calibrate.profiles.file import write
from calibrate.profiles.profile import HardwareSection, Profile
from calibrate.samplers.limits import detect
from ecology.app.assembly import limits_of, thinking_slots
from ecology.app.capacity_profile import measured
from ecology.core.errors import ScenarioError, UsageError
from ecology.scenarios import Scenario, load, loads
from ecology.scenarios.loader import dump
from tests.support.calibrated import GIB, MIB, profile

HERE = "container: {cpus: 1, memory: 1GiB}\n"
"""The container that was measured."""


class Stage:
    """A folder with a scenario and a profile."""

    def __init__(self, folder: Path, text: str, found: Profile | None = None) -> None:
        self.scenario = folder / "s.yaml"
        self.scenario.write_text(text)
        self.profile = folder / "capacity.yaml"
        write(self.profile, found or profile())
        self.said: list[str] = []

    def load(self, *overrides: str, environ: dict[str, str] | None = None, nodes: int = 1) -> Scenario:
        layer = measured(self.profile, self.said.append, nodes)
        return load(self.scenario, overrides=overrides, environ=environ, measured=layer)


def rate_of(scenario: Scenario) -> float:
    return scenario.resources.flow.llm_rate.rate_millitokens_per_s / 1000


def test_rate_bucket_and_slots_are_what_was_measured(tmp_path: Path) -> None:
    stage = Stage(tmp_path, HERE + "agents: 5\nresources: {flow: {llm_rate: {rate: 10, capacity: 100}}}\n")
    scenario = stage.load()
    predicted = predict(profile(), 5)
    assert rate_of(scenario) == pytest.approx(predicted.tokens_per_s, abs=0.001)
    capacity = scenario.resources.flow.llm_rate.capacity_millitokens
    assert capacity == pytest.approx(10_000 * predicted.tokens_per_s, abs=1)
    assert scenario.thought.memory_bytes == 3 * MIB
    assert thinking_slots(scenario, limits_of(scenario)) == predicted.thinking_at_once
    (line,) = stage.said
    assert line == (
        f"{stage.profile}: {predicted.tokens_per_s:.3g} tokens/s for each of 5 agents, {predicted.thinking_at_once}"
        " may think at once (measured 2026-11-21 in 1 CPU, 1.0 GiB)"
    )


def test_the_rate_is_for_as_many_agents_as_really_live_there(tmp_path: Path) -> None:
    stage = Stage(tmp_path, HERE)
    assert rate_of(stage.load("agents=50")) == pytest.approx(rate_of(stage.load("agents=5")) / 10, rel=0.001)


def test_a_bucket_holds_two_thoughts_of_this_world(tmp_path: Path) -> None:
    scenario = Stage(tmp_path, HERE + "agents: 100\n").load()
    worst = scenario.costs().worst_millitokens
    assert scenario.resources.flow.llm_rate.capacity_millitokens == 2 * worst


def test_what_is_said_by_hand_stands(tmp_path: Path) -> None:
    stage = Stage(tmp_path, HERE)
    scenario = stage.load("resources.flow.llm_rate.rate=7")
    assert rate_of(scenario) == 7
    assert scenario.resources.flow.llm_rate.capacity_millitokens == 100_000
    assert "rates stay as --set resources.flow.llm_rate.rate says" in stage.said[0]
    assert rate_of(stage.load(environ={"ECOLOGY__RESOURCES__FLOW__LLM_RATE__RATE": "8"})) == 8
    scenario = stage.load("resources.flow.llm_rate.capacity=77")
    assert scenario.resources.flow.llm_rate.capacity_millitokens == 77_000
    assert rate_of(scenario) == rate_of(stage.load())
    scenario = stage.load("thought.memory=100MiB")
    assert (scenario.thought.memory_bytes, scenario.thought.at_once) == (100 * MIB, None)
    assert stage.load("thought.at_once=3").thought.at_once == 3


GROUPS = """agents: 4
population:
  - {strategy: maker, resources: {flow: {llm_rate: {rate: 30, capacity: 150}}}}
  - {strategy: trader}
"""


def test_groups_keep_their_proportion_and_all_together_have_the_flow(tmp_path: Path) -> None:
    stage = Stage(tmp_path, HERE + GROUPS)
    scenario = stage.load()
    maker, trader = (group.rights for group in scenario.groups())
    ratio = maker.llm_rate_millitokens_per_s / trader.llm_rate_millitokens_per_s
    assert ratio == pytest.approx(3, rel=0.001)
    assert maker.llm_capacity_millitokens / trader.llm_capacity_millitokens == pytest.approx(1.5, rel=0.001)
    together = sum(group.count * group.rights.llm_rate_millitokens_per_s for group in scenario.groups())
    assert together / 1000 == pytest.approx(4 * predict(profile(), 4).tokens_per_s, rel=0.001)
    assert "on average for 4 agents" in stage.said[0]
    by_hand = stage.load("population.0.resources.flow.llm_rate.rate=1").groups()[0].rights
    assert by_hand.llm_rate_millitokens_per_s == 1000


def flow_of(scenario: Scenario) -> float:
    """tokens/s of all agents together."""
    return sum(group.count * group.rights.llm_rate_millitokens_per_s for group in scenario.groups()) / 1000


def test_what_groups_have_by_hand_is_not_there_for_the_others(tmp_path: Path) -> None:
    stage = Stage(
        tmp_path, HERE + GROUPS + "  - {strategy: hoarder, resources: {flow: {llm_rate: {rate: 20}}}}\n"
    )
    by_hand = "population.0.resources.flow.llm_rate.rate"
    scenario = stage.load(f"{by_hand}=33.5", "agents=6")
    maker, trader, hoarder = (group.rights for group in scenario.groups())
    assert (maker.llm_rate_millitokens_per_s, maker.llm_capacity_millitokens) == (33_500, 150_000)
    ratio = hoarder.llm_rate_millitokens_per_s / trader.llm_rate_millitokens_per_s
    assert ratio == pytest.approx(2, rel=0.001)
    total = 6 * predict(profile(), 6).tokens_per_s
    assert flow_of(scenario) == pytest.approx(total, rel=0.001)
    share = (total - 2 * 33.5) / 4
    assert trader.llm_capacity_millitokens == pytest.approx(10_000 * share, rel=0.001)
    assert (
        f": {total / 6:.3g} tokens/s on average for 6 agents, 67 tokens/s of all stay as --set {by_hand} says"
        in (stage.said[0])
    )


def test_groups_that_take_it_all_by_hand(tmp_path: Path) -> None:
    stage = Stage(tmp_path, HERE + GROUPS)
    by_hand = "population.0.resources.flow.llm_rate.rate"
    with pytest.raises(UsageError) as fault:
        stage.load(f"{by_hand}=1000")
    total = 4 * predict(profile(), 4).tokens_per_s
    assert fault.value.what == (
        f"{stage.profile}: by --set {by_hand} agents take 2000 of the {total:.3g} tokens/s of 1 CPU, 1.0 GiB:"
        " the other 2 have nothing to live on"
    )
    assert fault.value.remedy == "lower what is set by hand, or ignore the profile with --no-profile"
    assert flow_of(stage.load(f"{by_hand}=1000", "population.1.share=0")) == 4000
    assert f": rates stay as --set {by_hand} says, " in stage.said[0]
    assert len(stage.said) == 1


def test_the_remark_says_what_came_out(tmp_path: Path) -> None:
    """Buckets that differ are no different rates; and the environment's whole list of groups is set by hand."""
    groups = "agents: 4\npopulation:\n  - {strategy: maker, resources: {flow: {llm_rate: {capacity: 150}}}}\n"
    stage = Stage(tmp_path, HERE + groups + "  - {strategy: trader}\n")
    scenario = stage.load()
    assert f": {rate_of(scenario):.3g} tokens/s for each of 4 agents, " in stage.said[0]
    stage.said.clear()
    listed = "[{strategy: maker, resources: {flow: {llm_rate: {rate: 1}}}}, {strategy: trader}]"
    scenario = stage.load(environ={"ECOLOGY__POPULATION": listed})
    assert flow_of(scenario) == pytest.approx(4 * predict(profile(), 4).tokens_per_s, rel=0.001)
    assert scenario.groups()[0].rights.llm_rate_millitokens_per_s == 1000
    assert "2 tokens/s of all stay as ECOLOGY__POPULATION says" in stage.said[0]


@pytest.mark.parametrize("seen_at", [0, 1])
def test_memory_whose_slope_was_not_measured_is_left_alone(tmp_path: Path, seen_at: int) -> None:
    guessed = replace(profile(), memory=replace(profile().memory, measured_at=seen_at))
    stage = Stage(tmp_path, HERE + "thought: {memory: 20MiB}\n", guessed)
    scenario = stage.load()
    assert (scenario.thought.memory_bytes, scenario.thought.at_once) == (20 * MIB, None)
    assert rate_of(scenario) == pytest.approx(predict(profile(), 5).tokens_per_s, abs=0.001)
    assert "may think at once" not in stage.said[0]


def test_a_groups_bucket_still_holds_a_thought(tmp_path: Path) -> None:
    """Agents who are slow, rather than some who could never think."""
    crowd = (
        "agents: 1000\npopulation:\n  - strategy: maker\n    resources: {flow: {llm_rate: {capacity: 45}}}\n"
    )
    scenario = Stage(tmp_path, HERE + crowd).load()
    (maker,) = scenario.groups()
    assert maker.rights.llm_capacity_millitokens == scenario.costs().worst_millitokens


def test_another_container_gets_what_is_predicted_for_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "container: {cpus: 0.5, memory: 512MiB}\n")
    scenario = stage.load()
    predicted = predict(profile(), 5, cpus=0.5, memory_bytes=GIB // 2)
    assert rate_of(scenario) == pytest.approx(predicted.tokens_per_s, abs=0.001)
    assert scenario.thought.at_once == predicted.thinking_at_once
    taken, warning = stage.said
    assert "(predicted from what was measured 2026-11-21 in 1 CPU, 1.0 GiB)" in taken
    assert "warning: the scenario's container is 0.5 CPUs, 0.5 GiB: the figures are predicted" in warning
    assert f"± {predicted.error_tokens_per_s:.2g} tokens/s each" in warning
    stage.said.clear()
    stage.scenario.write_text("container: {cpus: 1.02, memory: 1GiB}\n")
    stage.load()
    assert len(stage.said) == 1, "a few per cent are no difference"


def test_the_virtual_clock_knows_no_host(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "clock: virtual\n", replace(profile(), software="0.0.1"))
    assert rate_of(stage.load()) == pytest.approx(predict(profile(), 5).tokens_per_s, abs=0.001)
    assert len(stage.said) == 1


def test_the_real_clock_feels_the_container_at_hand(tmp_path: Path) -> None:
    here = detect()
    other = replace(
        profile(here.cpu_millis / 1000, memory=here.memory_bytes), software="0.0.1", hardware=_other_machine()
    )
    stage = Stage(tmp_path, "clock: real\ncontainer: {cpus: 1000, memory: 1000GiB}\n", other)
    assert rate_of(stage.load()) == pytest.approx(predict(other, 5).tokens_per_s, abs=0.001)
    _, warning = stage.said
    assert "it was measured on a mainframe, and this is a " in warning
    assert "it was measured with version 0.0.1, and this is " in warning
    assert "calibrate here to be sure" in warning
    assert "container is" not in warning


def _other_machine() -> HardwareSection:
    return replace(profile().hardware, kind="mainframe")


def test_nodes_share_the_container(tmp_path: Path) -> None:
    stage = Stage(tmp_path, HERE + "agents: 10\n")
    alone, shared = stage.load(), stage.load(nodes=2)
    each = predict(profile(), 5, cpus=0.5, memory_bytes=GIB // 2)
    assert rate_of(shared) == pytest.approx(each.tokens_per_s, abs=0.001)
    assert rate_of(shared) < rate_of(alone), "each node has a base of its own"
    assert shared.thought.at_once == each.thinking_at_once


def test_what_a_run_keeps_needs_no_profile(tmp_path: Path) -> None:
    scenario = Stage(tmp_path, HERE + GROUPS).load()
    assert loads(dump(scenario)) == scenario
    assert loads(dump(scenario)).fingerprint() == scenario.fingerprint()


def test_without_a_profile_nothing_changes(tmp_path: Path) -> None:
    """The fingerprint of a world from before there were profiles."""
    assert load("container").fingerprint() == FINGERPRINT
    assert load("container", overrides=["thought.at_once=14"]).fingerprint() != FINGERPRINT


FINGERPRINT = "9f02785caf8ae0ee819daec0e319edc796f896b9c991faa7e03aed92d395b7e0"


def test_a_container_too_small_for_the_world_at_rest(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "container: {cpus: 0.05, memory: 1GiB}\n")
    with pytest.raises(UsageError) as fault:
        stage.load()
    assert (
        "5 agents have nothing to live on in 0.05 CPUs, 1.0 GiB: the world at rest takes" in fault.value.what
    )
    assert fault.value.what.startswith(str(stage.profile))
    assert "--no-profile" in fault.value.remedy


def test_a_refusal_names_the_profile_whose_figure_it_is(tmp_path: Path) -> None:
    heavy = replace(profile(), memory=replace(profile().memory, bytes_per_thinking=300 * MIB))
    stage = Stage(tmp_path, HERE, heavy)
    with pytest.raises(ScenarioError) as fault:
        stage.load()
    assert str(fault.value).startswith(f"{stage.profile}: one thought occupies up to 300MiB but the ")
    wild = replace(profile(), cpu=replace(profile().cpu, cpu_seconds_per_1k_tokens=1e-9, loop_base_cpus=0.0))
    wild = replace(wild, cpu=replace(wild.cpu, loop_seconds_per_1k_tokens=0.0))
    stage = Stage(tmp_path, HERE, wild)
    with pytest.raises(ScenarioError) as fault:
        stage.load()
    assert str(fault.value).startswith(f"{stage.profile}: resources.flow.llm_rate.rate: expected ")
