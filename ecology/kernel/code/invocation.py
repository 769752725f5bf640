"""invoke: a method of an executable artifact runs, and is paid for only if it returns."""

from ecology.artifacts.artifact import Artifact
from ecology.core.limits import MAX_AMOUNT
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.kernel import refusals
from ecology.kernel.access import agree, decide, limit_fault
from ecology.kernel.actions import Invoke
from ecology.kernel.batch import Turn
from ecology.kernel.code.functions import KernelFunctions
from ecology.kernel.code.purse import Purse
from ecology.kernel.code.running import Bearer, Job, bearer_of, execute, too_deep
from ecology.kernel.code.tab import undo
from ecology.kernel.economy.holds import open_hold, post_hold, void_hold
from ecology.kernel.finding import find
from ecology.kernel.terms import Terms, count_price, keep_state
from ecology.kernel.world import World
from ecology.resources.assets import SCRIP
from ecology.sandbox.interface import argument_fault
from ecology.sandbox.outcome import Ran


def invoke(world: World, turn: Turn, action: Invoke) -> Outcome:
    """Check, hold the price, run, then post price, effects and the contract's state together, or void and undo."""
    executable = find(world, action.artifact)
    if isinstance(executable, Refused):
        return executable
    if fault := _call_fault(executable, action):
        return fault
    if deep := too_deep(world, turn):
        return deep
    decision = decide(
        world, turn, "invoke", executable, lambda: {"method": action.method, "args": action.args}
    )
    if isinstance(decision, Refused):
        return decision
    terms = agree(world, turn, executable, decision, action.max_price)
    if isinstance(terms, Refused):
        return terms
    charger = None if terms.bearer is turn.agent else terms.contract
    bearer = bearer_of(world, turn, terms.bearer, charger, executable)
    if isinstance(bearer, Refused):
        return bearer
    ran = _held(world, turn, executable, action, terms, bearer)
    if isinstance(ran, Refused):
        return ran
    if not turn.depth:
        world.note_use(executable, turn.agent)
    return Committed(
        {
            "artifact": executable.id,
            "method": action.method,
            "result": ran.value,
            "printed": ran.printed,
            "price": terms.price,
        }
    )


def _call_fault(executable: Artifact, action: Invoke) -> Refused | None:
    if not executable.executable:
        return Refused(refusals.NOT_EXECUTABLE, f"'{executable.id}' has no methods")
    if not 0 <= action.allowance <= MAX_AMOUNT:
        return Refused(refusals.ARGUMENT_INVALID, "an allowance is 0 to 2^63-1")
    if fault := limit_fault(action.max_price):
        return fault
    assert executable.interface is not None
    why = argument_fault(executable.interface, action.method, action.args)
    return None if why is None else Refused(refusals.ARGUMENT_INVALID, why)


def _held(
    world: World, turn: Turn, executable: Artifact, action: Invoke, terms: Terms, bearer: Bearer
) -> Ran | Refused:
    """The run between a hold on its price and the hold's end; what fails leaves nothing but the hold that was void."""
    now_ns, memo = turn.now_ns, f"invoke {executable.id}"
    with world.scope():
        if not terms.price:
            return _run(world, turn, executable, action, terms, bearer)
        payer, payee = terms.payer, terms.recipient.id
        hold_id = open_hold(world, turn, now_ns, payer, payee, SCRIP, terms.price, memo)
        ran = _run(world, turn, executable, action, terms, bearer)
        if isinstance(ran, Refused):
            void_hold(world, turn, now_ns, payer, SCRIP, hold_id)
        else:
            post_hold(world, turn, now_ns, payer, payee, SCRIP, terms.price, hold_id, memo)
    return ran


def _run(
    world: World, turn: Turn, executable: Artifact, action: Invoke, terms: Terms, bearer: Bearer
) -> Ran | Refused:
    first = 0 if turn.tab is None else len(turn.tab.runs)
    with world.scope() as scope:
        if terms.price:
            count_price(world, turn, terms)
        ran = execute(world, turn, _job(world, turn, executable, action), bearer)
        if isinstance(ran, Refused):
            undo(world, turn, scope, first, ran.reason)
            return ran
        if refused := keep_state(world, turn, executable, terms):
            undo(world, turn, scope, first, refused.reason)
            return refused
    if terms.price:
        assert turn.tab is not None
        run = turn.tab.runs[-1]
        run.price, run.payer_id, run.recipient_id = terms.price, terms.payer.id, terms.recipient.id
    return ran


def _job(world: World, turn: Turn, executable: Artifact, action: Invoke) -> Job:
    """Code with standing acts as itself; other code acts as its caller, within the allowance."""
    own = world.principals[executable.id] if executable.standing else None
    purse = Purse(action.allowance, world.journal, turn.purse) if own is None else None
    return Job(executable, action.method, action.args, own or turn.actor, purse, KernelFunctions.of_method)
