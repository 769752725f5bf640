"""What the engine has done, counted as it does it: for whoever must know how much it works and whether it keeps up."""

from calibrate.workload import Figures
from ecology.core.clock import Clock, host_cpu_ns
from ecology.core.host import host_waited_ns
from ecology.engine.slots import ThinkingSlots
from ecology.kernel.flow import mean_flow
from ecology.kernel.world import World


class Tally:
    """Counters that the loops of an engine add to, since the process began.

    `late_ns` sums how long after its turn was due and could be paid an agent began it, which under the virtual clock is
    always none. `millitokens` and `code_us` are as charged, `llm_tokens` as models read and wrote them.
    """

    __slots__ = ("code_us", "late_ns", "llm_tokens", "millitokens", "turns")

    def __init__(self) -> None:
        self.turns = 0
        self.millitokens = 0
        self.late_ns = 0
        self.llm_tokens = 0
        self.code_us = 0


def read(tally: Tally, world: World, clock: Clock, slots: ThinkingSlots) -> Figures:
    """How it stands. Called in the loop's own thread, whose CPU it says; costs a look at every agent's rate."""
    return Figures(
        time_ns=clock.now_ns(),
        agents=len(world.roster),
        rate_millitokens_per_s=mean_flow(world),
        turns=tally.turns,
        millitokens=tally.millitokens,
        late_ns=tally.late_ns,
        loop_cpu_ns=host_cpu_ns(),
        loop_waited_ns=host_waited_ns(),
        thinking=slots.busy,
        slots=slots.count,
        llm_tokens=tally.llm_tokens,
        code_us=tally.code_us,
    )
