"""What a scenario says of the mint and of code, as the kernel's laws."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.errors import ScenarioError
from ecology.kernel.laws import CodeLaw, Laws, MintLaw
from ecology.sandbox.cost import CodeCosts
from ecology.sandbox.outcome import Limits
from ecology.scenarios import Scenario, load


def test_what_a_scenario_does_not_say_is_as_the_kernel_has_it() -> None:
    assert Scenario().laws() == Laws()


def test_every_key_reaches_the_kernel() -> None:
    scenario = load(
        "container",
        overrides=[
            "mint={first: 5s, every: 2m, slots: 3, minimum: 7, scorer: llm}",
            "code={steps: 1000, memory: 2MiB, recursion: 20, output: 1kB, calls: 9, wall: 1.5s, depth: 2}",
            "code.costs={fixed_us: 1, per_step_ns: 2, per_kib_us: 3, per_call_us: 4, per_source_kib_us: 5}",
        ],
    )
    assert scenario.laws() == Laws(
        mint=MintLaw(first_ns=5 * SECOND_NS, every_ns=120 * SECOND_NS, slots=3, minimum=7),
        code=CodeLaw(
            limits=Limits(
                steps=1_000,
                memory_bytes=2 * 1024**2,
                recursion=20,
                output_bytes=1_000,
                calls=9,
                wall_s=1.5,
            ),
            costs=CodeCosts(fixed_us=1, per_step_ns=2, per_kib_us=3, per_call_us=4, per_source_kib_us=5),
            max_depth=2,
        ),
    )
    assert scenario.mint.scorer == "llm"
    assert Scenario.model_validate(scenario.data()).laws() == scenario.laws()


def test_other_laws_are_another_world() -> None:
    world = load("container").fingerprint()
    for override in ("mint.slots=0", "mint.scorer=llm", "code.steps=1000", "code.costs.fixed_us=1"):
        assert load("container", overrides=[override]).fingerprint() != world


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("mint.slots=-1", "expected a whole number of winners from 0 to 1000, got -1"),
        ("mint.slots=1.5", "expected a whole number of winners"),
        ("mint.every=0s", "expected a duration from 1s up to 7d"),
        ("mint.first=8d", "expected a duration from 1s up to 7d"),
        ("mint.minimum=0", "expected a whole number of scrip from 1"),
        ("mint.scorer=Not A Name", "expected a name"),
        ("mint.slot=2", "did you mean 'slots'?"),
        ("mints.slots=2", "did you mean 'mint'?"),
        ("code.depth=9", "expected a whole number of runs from 1 to 8"),
        ("code.memory=4G", "expected bytes"),
        ("code.memory=1kB", "expected bytes from 1MiB to 1GiB"),
        ("code.wall=1h", "expected a duration from 0.1s up to 1m"),
        ("code.step=5", "did you mean 'steps'?"),
        ("code.costs.per_step_us=5", "did you mean 'per_step_ns'?"),
        ("code.fixed_us=5", "did you mean 'code.costs.fixed_us'?"),
    ],
)
def test_what_is_impossible_is_refused_with_a_remedy(override: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as fault:
        load("container", overrides=[override])
    assert complaint in str(fault.value)
