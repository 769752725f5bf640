"""What the runs of one turn cost, who bears it, and the events that say so.

Code is paid for whether it succeeds or not, so a tab is never rolled back: it is written into the log and taken from
the buckets when the turn's deed is over.
"""

import msgspec

from ecology.core.outcome import Refused
from ecology.events.economy import CodeRan
from ecology.kernel.agent import Agent
from ecology.kernel.batch import Turn
from ecology.kernel.economy.delegation import charge, chargeable
from ecology.kernel.economy.delegations import CPU
from ecology.kernel.scope import Scope
from ecology.kernel.world import World
from ecology.sandbox.outcome import Use


class Run(msgspec.Struct):
    """One run of a method: the fields of its event. `charger` is the contract by whose delegation `bearer` bears it."""

    artifact_id: str
    revision: int
    method: str
    caller: str
    depth: int
    bearer: Agent
    charger: str | None
    use: Use
    charged_us: int
    modelled_us: int
    fault: str | None
    price: int = 0
    payer_id: str | None = None
    recipient_id: str | None = None


class Tab:
    """The runs of a turn, in the order in which they ended. `started` counts them as they begin."""

    __slots__ = ("_borne_us", "runs", "started")

    def __init__(self) -> None:
        self.started = 0
        self.runs: list[Run] = []
        self._borne_us: dict[str, int] = {}

    def enter(self, world: World, turn: Turn, run: Run) -> None:
        """Add a run, and charge its CPU to whoever bears it."""
        self.runs.append(run)
        if run.bearer is turn.agent:
            turn.code_us += run.modelled_us if world.measured else run.charged_us
            turn.code_measured_us += run.charged_us if world.measured else run.use.cpu_us
            return
        self._borne_us[run.bearer.id] = self.borne_us(run.bearer) + run.charged_us
        _count(world, turn, run)

    def borne_us(self, bearer: Agent) -> int:
        """What another agent than the one whose turn it is owes for this turn so far."""
        return self._borne_us.get(bearer.id, 0)

    def settle(self, world: World, turn: Turn) -> None:
        """The deed is over: the events of its runs, and what others bear of them out of their buckets."""
        for run in self.runs:
            world.log.append(
                CodeRan(
                    sequence=world.log.next_sequence,
                    time_ns=turn.now_ns,
                    principal_id=run.caller,
                    turn_id=turn.id,
                    artifact_id=run.artifact_id,
                    revision=run.revision,
                    method=run.method,
                    depth=run.depth,
                    fault=run.fault,
                    price=run.price,
                    payer_id=run.payer_id,
                    recipient_id=run.recipient_id,
                    bearer_id=run.bearer.id,
                    steps=run.use.steps,
                    calls=run.use.calls,
                    cpu_us=run.charged_us,
                    cpu_estimate_us=run.modelled_us if world.measured else run.charged_us,
                )
            )
        for name, borne_us in self._borne_us.items():
            bearer = world.agents[name]
            bearer.cpu.refill(turn.now_ns)
            bearer.cpu.drain(borne_us)
            world.touch(bearer)


def cpu_left_us(world: World, turn: Turn, bearer: Agent, charger: str | None) -> int:
    """The CPU that code may still use at a bearer's expense: what its bucket holds, as far as it agreed."""
    level_us = bearer.cpu.refill(turn.now_ns)
    if bearer is turn.agent:
        return level_us - (turn.code_measured_us if world.measured else turn.code_us)
    assert charger is not None, "nobody bears another's cost without a contract that says so"
    if turn.tab is not None:
        level_us -= turn.tab.borne_us(bearer)
    return min(level_us, chargeable(world, bearer.id, charger, CPU, turn.now_ns))


def undo(world: World, turn: Turn, scope: Scope, first: int, reason: str) -> None:
    """Roll a scope back, and let the runs from the `first` on have failed with it: they are paid for nevertheless."""
    scope.roll_back()
    if turn.tab is None:
        return
    for run in turn.tab.runs[first:]:
        run.fault = run.fault or reason
        run.price, run.payer_id, run.recipient_id = 0, None, None
        if run.bearer is not turn.agent:
            _count(world, turn, run)


def _count(world: World, turn: Turn, run: Run) -> None:
    """Count CPU against the delegation of whoever bears it; what was found to be within its bounds before."""
    assert run.charger is not None
    refused: Refused | None = charge(world, turn, run.bearer.id, run.charger, CPU, run.charged_us)
    assert refused is None, f"more was charged than was delegated: {refused}"
