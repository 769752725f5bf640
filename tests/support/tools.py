"""Code in small worlds: putting executables there, and reading what came of them."""

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.core.outcome import Outcome, Refused
from ecology.events.economy import CodeRan
from ecology.events.records import Event
from ecology.kernel.actions import Action, Invoke, Write
from ecology.kernel.world import World
from ecology.resources.assets import SCRIP
from ecology.testing.fingerprint import fingerprint
from ecology.testing.worlds import Stage

ME, MAKER, OTHER = "agent-0001", "agent-0002", "agent-0003"
"""Who invokes; who makes and sells tools; who has nothing to do with it."""

COUNTER = "return {'allowed': (state or 0) < 3, 'state_update': (state or 0) + 1}"
"""A check's body: three accesses, each of which it remembers."""


def interface(*methods: str, **args: dict[str, object]) -> dict[str, object]:
    """An interface with these methods, any arguments taken; `args` gives a method a schema of its own."""
    published: dict[str, object] = {name: {} for name in methods}
    published |= {name: {"args": schema} for name, schema in args.items()}
    return {"methods": published}


def make(
    stage: Stage,
    name: str,
    source: str,
    *methods: str,
    who: str = MAKER,
    contract: str = "freeware",
    standing: bool = False,
) -> None:
    """Let somebody write an executable; without `methods` it has one, `run`."""
    stage.do(
        who,
        Write(
            name,
            source,
            type="tool",
            interface=interface(*(methods or ("run",))),
            contract=contract,
            standing=standing,
        ),
    )


def result(stage: Stage, name: str, who: str = ME, **args: object) -> object:
    """What `run` of an executable returns to somebody who may spend anything on it."""
    return stage.do(who, Invoke(name, args=args, allowance=1_000_000))["result"]


def runs(events: list[Event]) -> list[CodeRan]:
    """The runs among some events."""
    return [event for event in events if isinstance(event, CodeRan)]


def scrip(stage: Stage, name: str) -> int:
    """What somebody has at its disposal."""
    return stage.world.available(stage.world.principals[name], SCRIP)


def state_of(world: World, now_ns: int) -> dict[str, object]:
    """Everything that failed code must leave as it was: all but the log's length and the turn's own number."""
    state = fingerprint(world, now_ns)
    del state["next_sequence"]
    for agent in state["agents"]:  # type: ignore[attr-defined]
        del agent["turn"]
    for register in world.registers:
        state[register.kind] = [msgspec.to_builtins(record) for record in register]
    return state


def fails(stage: Stage, action: Invoke, who: str = ME) -> Outcome:
    """An invocation that must leave the world as it was, whatever it answers."""
    before = state_of(stage.world, stage.now_ns)
    woken = list(stage.woken)
    inboxes = [list(agent.inbox) for agent in stage.world.roster]
    outcome = stage.act(who, action)
    assert state_of(stage.world, stage.now_ns) == before
    assert stage.woken == woken
    assert [agent.inbox for agent in stage.world.roster] == inboxes
    return outcome


def contract(stage: Stage, body: str, name: str = "rule", *, standing: bool = False) -> None:
    """Write a contract whose check has this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    make(
        stage,
        name,
        f"def check(caller, action, target, context, state):\n{lines}\n",
        "check",
        standing=standing,
    )


def thing(stage: Stage, rule: str = "rule", name: str = "thing", who: str = MAKER) -> Artifact:
    """An artifact of somebody's under a contract."""
    stage.do(who, Write(name, "content", contract=rule, metadata={"colour": "red"}, title="a thing"))
    artifact = stage.world.shelf.find(name)
    assert artifact is not None
    return artifact


def denied(stage: Stage, action: Action, who: str = ME) -> Refused:
    """An action that is refused and leaves nothing behind but the turn and what code cost."""
    before = state_of(stage.world, stage.now_ns)
    outcome = stage.act(who, action)
    assert isinstance(outcome, Refused), outcome
    assert outcome.detail and len(outcome.detail) < 400
    assert state_of(stage.world, stage.now_ns) == before
    return outcome
