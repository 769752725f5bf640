"""Attack: make the kernel raise. One fault would end the run, so any value in any field is a refusal or a deed."""

from collections import Counter

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed, Refused
from ecology.core.seeds import Draw
from ecology.kernel import refusals
from ecology.kernel.actions import NAME_OF, Delegate, Transfer, Write
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage
from tests.support.hostile import CHARGES, SAY_YES, WHO, Attacker
from tests.support.tools import interface

TURNS = 500
SPANS_NS = (0, 1, 10**6, SECOND_NS, 30 * SECOND_NS)


def _begun() -> Stage:
    """Something to attack: tools, contracts with delegations, an account with money, a thing anybody may change."""
    stage = Stage.of(
        3, {**GRANTS, CPU_RATE: 800_000, CPU_CAPACITY: 3_000_000}, laws=Laws(mint=MintLaw(slots=2))
    )
    stage.do(WHO[0], Write("thing", "content", contract="public"))
    stage.do(WHO[1], Write("rule", CHARGES, interface=interface("check"), contract="public"))
    governed = Write("self-governed", SAY_YES, interface=interface("check", "run"), contract="self-governed")
    stage.do(WHO[1], governed)
    code = "def run(**k):\n    return transfer('agent-0001', 1)\n"
    stage.do(WHO[2], Write("account", code, interface=interface("run"), standing=True, contract="public"))
    stage.do(WHO[2], Transfer("account", 50))
    stage.do(WHO[2], Transfer("account", 5_000, DISK))
    stage.do(WHO[1], Delegate("rule", 50, 500, 5_000))
    for charger in ("rule", "self-governed"):
        stage.do(WHO[2], Delegate(charger, 50_000, 500_000, 5_000, "cpu"))
    return stage


@pytest.mark.parametrize("life", range(100, 500))
def test_no_value_in_any_field_is_a_fault(life: int) -> None:
    draw = Draw(life)
    attacker = Attacker(draw)
    stage = _begun()
    done: Counter[tuple[str, str]] = Counter()
    for turn in range(TURNS):
        awake = [agent.id for agent in stage.world.roster[:5] if agent.status != "asleep"]
        action = attacker.action()
        if not awake or draw.chance(12):
            stage.pass_time(draw.choice(SPANS_NS))
        elif action is not None:
            outcome = stage.act(draw.choice(awake), action)
            assert isinstance(outcome, Committed | Refused), action
            done[NAME_OF[type(action)], outcome.reason if isinstance(outcome, Refused) else "done"] += 1
            assert isinstance(outcome, Committed) or outcome.reason in refusals.MEANING, outcome
        if turn % 20 == 0:
            assert broken_laws(stage.world) == []
            stage.events()
    worked = {name for name, how in done if how == "done"}
    assert len(worked) >= 12, f"only {sorted(worked)} ever worked: nothing was attacked"
