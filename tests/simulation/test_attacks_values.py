"""Attack: make the kernel or the store raise. One fault would end the run; any value is to be a refusal or a deed.

What was done is committed to a real database, audited, loaded again, and must go on alike.
"""

from collections import Counter

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed, Refused
from ecology.core.seeds import Draw
from ecology.kernel import refusals
from ecology.kernel.actions import NAME_OF, Delegate, Transfer, Write
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK
from ecology.testing.worlds import GRANTS
from tests.support.double import Double
from tests.support.hostile import CHARGES, SAY_YES, WHO, Attacker
from tests.support.tools import interface

LIVES = 8
TURNS = 400
TURNS_PER_COMMIT = 40
SPANS_NS = (0, 1, 10**6, SECOND_NS, 30 * SECOND_NS)
RICH = {**GRANTS, CPU_RATE: 800_000, CPU_CAPACITY: 3_000_000}


def _begun(life: int) -> Double:
    """Something to attack: tools, contracts with delegations, an account with money, a thing anybody may change."""
    double = Double(life, grants=RICH, laws=Laws(mint=MintLaw(slots=2)), audited=True)
    stage = double.live
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
    return double


@pytest.mark.parametrize("life", range(LIVES))
def test_no_value_in_any_field_is_a_fault(life: int) -> None:
    draw = Draw(life)
    attacker, double = Attacker(draw), _begun(life)
    done: Counter[tuple[str, str]] = Counter()
    for turn in range(TURNS):
        action = attacker.action()
        if draw.chance(12):
            double.pass_time(draw.choice(SPANS_NS))
        elif action is not None:
            outcome = double.act(draw.choice(double.live.world.roster[:6]).id, action)
            reason = outcome.reason if isinstance(outcome, Refused) else "done"
            assert reason == "done" or reason in refusals.MEANING, outcome
            done[NAME_OF[type(action)], reason] += isinstance(outcome, Committed | Refused)
        if turn % TURNS_PER_COMMIT == 0:
            double.commit()
            double.check()
    double.close()
    worked = {name for (name, how), count in done.items() if how == "done" and count}
    assert len(worked) >= 10, f"only {sorted(worked)} ever worked: nothing was attacked"
