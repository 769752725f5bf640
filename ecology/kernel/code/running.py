"""One run of one method: what it may use, on whose behalf it acts, what it is charged."""

import math
from collections.abc import Callable, Mapping

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.core.outcome import Refused
from ecology.core.seeds import Draw
from ecology.kernel import refusals
from ecology.kernel.agent import Agent, Principal
from ecology.kernel.batch import Turn
from ecology.kernel.code.functions import KernelFunctions
from ecology.kernel.code.purse import Purse
from ecology.kernel.code.tab import Run, Tab, cpu_left_us
from ecology.kernel.economy.delegation import charge, chargeable
from ecology.kernel.economy.delegations import CPU
from ecology.kernel.world import World
from ecology.sandbox.doors import Function
from ecology.sandbox.outcome import CodeFault, Fault, Limits, Ran, Use

_CODE = 2
"""Purpose of the draws that code makes."""

_NS_PER_US = 1_000
_US_PER_S = 1_000_000


class Bearer(msgspec.Struct, frozen=True):
    """Who bears the CPU, under which contract (None: the agent whose turn it is), and what the run may use."""

    agent: Agent
    charger: str | None
    limits: Limits
    """The world's, or fewer steps where the bearer cannot pay for all of them."""


class Job(msgspec.Struct, frozen=True):
    """A method to run with arguments, and who the code is while it runs.

    `purse` is set where it acts as its caller. `looking` is for a check, which must not change anything.
    """

    executable: Artifact
    method: str
    arguments: dict[str, object]
    actor: Principal
    purse: Purse | None
    functions: Callable[[KernelFunctions], Mapping[str, Function]]
    looking: bool = False


def too_deep(world: World, turn: Turn) -> Refused | None:
    """Refused if code that is running may not run more code."""
    most = world.laws.code.max_depth
    if turn.depth < most:
        return None
    return Refused(refusals.TOO_DEEP, f"at most {most} runs inside one another")


def bearer_of(
    world: World, turn: Turn, agent: Agent, charger: str | None, executable: Artifact
) -> Bearer | Refused:
    """What the agent can bear now of a run: at least that it begins, and a step."""
    law = world.laws.code
    if charger is not None and not chargeable(world, agent.id, charger, CPU, turn.now_ns):
        # Charging what is too much changes nothing and says what is missing.
        return charge(world, turn, agent.id, charger, CPU, 1) or _exhausted(agent)
    left_us = cpu_left_us(world, turn, agent, charger)
    begun_ns = law.costs.begun_ns(len(world.shelf.contents.get(executable.id)))
    affordable_ns = left_us * _NS_PER_US - begun_ns
    if affordable_ns < max(1, law.costs.per_step_ns):
        return Refused(
            refusals.CPU_EXHAUSTED,
            f"'{agent.id}' can bear {max(0, left_us)} microseconds of CPU now, a run costs more than "
            f"{begun_ns // _NS_PER_US}",
        )
    limits = law.limits
    if law.costs.per_step_ns * limits.steps > affordable_ns:
        limits = msgspec.structs.replace(limits, steps=affordable_ns // law.costs.per_step_ns)
    return Bearer(agent, charger, limits)


def execute(world: World, turn: Turn, job: Job, bearer: Bearer) -> Ran | Refused:
    """Run it and enter it on the turn's tab. The caller undoes what a run did that is refused."""
    caller, revision = turn.actor.id, job.executable.revision
    if turn.tab is None:
        turn.tab = Tab()
    number = turn.tab.started
    turn.tab.started += 1
    result = _run(world, turn, job, bearer.limits, number)
    left_us = cpu_left_us(world, turn, bearer.agent, bearer.charger)
    modelled_us = _modelled_us(world, result)
    if result.use != Use():
        world.meter.add(result.use, modelled_us)
    cost_us = (result.use.cpu_us or modelled_us) if world.measured else modelled_us
    refused = _refusal(world, result, bearer.limits)
    if refused is None and cost_us > left_us:
        refused = _exhausted(bearer.agent)
    turn.tab.enter(
        world,
        turn,
        Run(
            artifact_id=job.executable.id,
            revision=revision,
            method=job.method,
            caller=caller,
            depth=turn.depth + 1,
            bearer=bearer.agent,
            charger=bearer.charger,
            use=result.use,
            charged_us=max(0, min(cost_us, left_us)),
            modelled_us=modelled_us,
            fault=None if refused is None else refused.reason,
        ),
    )
    if refused is not None:
        return refused
    assert isinstance(result, Ran)
    return result


def _run(world: World, turn: Turn, job: Job, limits: Limits, number: int) -> Ran | CodeFault:
    it = job.executable
    program = world.programs.of(it, world.shelf.contents.get(it.id))
    if isinstance(program, CodeFault):
        return program
    draw = Draw(world.seed, turn.agent.ordinal, turn.agent.turn, _CODE, number)
    constants = {"caller": turn.actor.id, "self_id": it.id, "owner": it.owner}
    before = turn.actor, turn.purse, turn.looking
    turn.actor, turn.purse, turn.looking = job.actor, job.purse, job.looking
    turn.depth += 1
    try:
        return world.sandbox.run(
            program,
            job.method,
            job.arguments,
            functions=job.functions(KernelFunctions(world, turn, it, draw)),
            constants=constants,
            limits=limits,
            seed=draw.bits() >> 1,
            now_ns=turn.now_ns,
        )
    finally:
        turn.depth -= 1
        turn.actor, turn.purse, turn.looking = before


def _refusal(world: World, result: Ran | CodeFault, limits: Limits) -> Refused | None:
    if isinstance(result, Ran):
        return None
    if result.fault is Fault.STEPS and limits.steps < world.laws.code.limits.steps:
        return Refused(
            refusals.CPU_EXHAUSTED, f"{limits.steps} steps are all that its bearer can pay for now"
        )
    return Refused(result.fault.value, result.detail)


def _exhausted(bearer: Agent) -> Refused:
    return Refused(refusals.CPU_EXHAUSTED, f"the run costs more CPU than '{bearer.id}' can bear now")


def _modelled_us(world: World, result: Ran | CodeFault) -> int:
    law = world.laws.code
    if isinstance(result, CodeFault) and result.fault is Fault.TIME:
        return math.ceil(law.limits.wall_s * _US_PER_S)  # steps did not see what it spent its time on
    return law.costs.modelled_us(result.use)
