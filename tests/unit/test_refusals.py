"""Every action, every reason for which it is refused: nothing has changed, and the first fault is the one named."""

import pytest

from ecology.core.ids import MAX_STEPS
from ecology.core.outcome import Committed, Refused
from ecology.events.registry import encode
from ecology.events.subscriptions import Predicate
from ecology.kernel import lineage
from ecology.kernel import refusals as why
from ecology.kernel.actions import (
    ACTION_TYPES,
    NAME_OF,
    Action,
    AgentConfig,
    Buy,
    Cancel,
    Configure,
    Delegate,
    Delete,
    Edit,
    Invoke,
    List,
    Message,
    Query,
    Read,
    Remember,
    Revoke,
    Spawn,
    Subscribe,
    Transfer,
    Unsubscribe,
    Write,
)
from ecology.kernel.economy.delegation import MAX_DELEGATIONS
from ecology.kernel.economy.escrow import MAX_LISTINGS
from ecology.resources.assets import DISK, LLM_RATE, SCRIP
from ecology.testing.fingerprint import fingerprint
from ecology.testing.worlds import Stage
from tests.support.refusing import REFUSED, reasons_of
from tests.support.refusing_market import MARKET_LADDERS
from tests.support.refusing_memory import MEMORY_LADDERS
from tests.support.refusing_mint import MINT_LADDERS
from tests.support.scene import (
    BLOB,
    BUSY,
    CHILD,
    DEAR,
    DEAR_PAPER,
    DEAR_TOOL,
    FOR_FULL,
    FULL,
    GIFT,
    GONE,
    HALF_A_PAIR,
    LARGE_GIFT,
    MAKER,
    ME,
    MINE,
    OTHER,
    PRIVATE,
    PRIVATE_TOOL,
    PUBLIC,
    QUOTA,
    nested,
    others_subscription,
    scene,
)

CASES = [
    pytest.param(action, reason, id=f"{name}-{reason}-{number}")
    for name, reasons in REFUSED.items()
    for reason, actions in reasons.items()
    for number, action in enumerate(actions)
]
BEFORE_THE_KERNEL = {
    why.MALFORMED,
    why.CONFIGURATION_CHANGED,
    why.UNREACHABLE_MODEL,
    why.UNPARSABLE,
    why.BUDGET_EMPTY,
}
"""What the engine says of a thought that became no action."""


@pytest.fixture
def stage() -> Stage:
    """The scene, of which nothing is left to commit."""
    stage = scene()
    stage.events()
    return stage


def refuse(stage: Stage, who: str, action: Action, reason: str) -> None:
    """Have an action refused, and look for anything that is different afterwards."""
    before = fingerprint(stage.world, stage.now_ns)
    woken = list(stage.woken)
    outcome = stage.kernel.act(stage.turn(who), action)
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason == reason, outcome
    assert outcome.detail
    assert len(outcome.detail) < 1_000
    assert fingerprint(stage.world, stage.now_ns) == before
    assert stage.woken == woken
    batch = stage.world.take_batch()
    stage.world.shelf.contents.committed()
    changed = (batch.events, batch.revisions, batch.contents, batch.artifacts, batch.agents, batch.records)
    assert changed == ([], [], {}, [], [], [])
    assert (batch.subscribed, batch.unsubscribed) == ([], [])
    assert not any((batch.ledger.accounts, batch.ledger.balances, batch.ledger.transfers, batch.ledger.holds))


@pytest.mark.parametrize(("action", "reason"), CASES)
def test_refused(stage: Stage, action: Action, reason: str) -> None:
    refuse(stage, ME, action, reason)


def test_the_table_is_about_every_action_and_every_reason() -> None:
    assert list(REFUSED) == [NAME_OF[kind] for kind in ACTION_TYPES]
    assert set().union(*map(reasons_of, REFUSED)) | BEFORE_THE_KERNEL == set(why.MEANING)


def test_each_reason_is_explained() -> None:
    named = {value for name, value in vars(why).items() if name.isupper() and isinstance(value, str)}
    assert named == set(why.MEANING)
    assert all(meaning and "\n" not in meaning for meaning in why.MEANING.values())


def test_a_refusal_goes_on_record_whatever_was_said(stage: Stage) -> None:
    """Also a name that no encoding can hold; a refusal must not be what ends the run."""
    for reasons in REFUSED.values():
        for reason, actions in reasons.items():
            for action in actions:
                assert stage.refused(ME, action) == reason
    events = stage.events()
    assert len(events) == sum(len(actions) for reasons in REFUSED.values() for actions in reasons.values())
    assert all(len(encode(event)) < 1_000 for event in events)


def test_there_are_only_so_many_subscriptions(stage: Stage) -> None:
    refuse(stage, BUSY, Subscribe("agent.state"), why.TOO_MANY)
    stage.do(BUSY, Unsubscribe(stage.world.subscriptions.of(BUSY)[3].subscription_id))
    stage.do(BUSY, Subscribe("agent.state"))


def test_there_are_only_so_many_listings(stage: Stage) -> None:
    for price in range(1, MAX_LISTINGS + 1):
        stage.do(BUSY, List(price, asset=LLM_RATE, amount=1))
    stage.events()
    refuse(stage, BUSY, List(1, asset=LLM_RATE, amount=1), why.TOO_MANY)
    stage.do(BUSY, Cancel(f"listing-{stage.world.offices.world.listings}"))
    stage.do(BUSY, List(1, asset=LLM_RATE, amount=1))


def test_there_are_only_so_many_delegations(stage: Stage) -> None:
    names = [f"charger-{number}" for number in range(MAX_DELEGATIONS + 1)]
    for name in names:
        stage.do(OTHER, Write(name, "x"))
    for name in names[1:]:
        stage.do(ME, Delegate(name, 1, 1, 1_000))
    stage.events()
    refuse(stage, ME, Delegate(names[0], 1, 1, 1_000), why.TOO_MANY)
    stage.do(ME, Delegate(names[1], 2, 2, 1_000))
    stage.do(ME, Revoke(names[1]))
    stage.do(ME, Delegate(names[0], 1, 1, 1_000))


@pytest.mark.parametrize("action", [List(1, asset=LLM_RATE, amount=1), Buy(FOR_FULL), Cancel(DEAR)], ids=str)
def test_a_turn_that_has_no_ids_left_trades_no_more(stage: Stage, action: Action) -> None:
    who = FULL if isinstance(action, Buy) else OTHER
    turn = stage.turn(who)
    turn.step = MAX_STEPS - 8
    before = fingerprint(stage.world, stage.now_ns)
    outcome = stage.kernel.act(turn, action)
    assert isinstance(outcome, Refused)
    assert outcome.reason == why.TOO_MANY
    assert fingerprint(stage.world, stage.now_ns) == before
    turn.step -= 1
    assert isinstance(stage.kernel.act(turn, action), Committed)
    assert turn.step <= MAX_STEPS - 3, "the last ids are a thought's"


def test_a_subscription_is_ended_by_who_has_it(stage: Stage) -> None:
    refuse(stage, ME, Unsubscribe(others_subscription(stage)), why.NOT_FOUND)
    stage.do(OTHER, Unsubscribe(others_subscription(stage)))


def test_a_memory_occupies_disk(stage: Stage) -> None:
    stage.do(ME, Write("cargo", "x" * (stage.world.disk_free(stage.agent(ME)) - 50 - len("cargotext"))))
    stage.events()
    refuse(stage, ME, Remember("x" * 50), why.DISK_QUOTA)
    stage.do(ME, Remember("x"))


def test_there_are_only_so_many_agents(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "MAX_AGENTS", len(stage.world.roster))
    refuse(stage, ME, Spawn("new", MAKER, {DISK: 100}), why.TOO_MANY)


def test_who_belongs_to_another_does_not_configure_itself(stage: Stage) -> None:
    stage.do(ME, Spawn("serf", MAKER, {DISK: 100}, contract="private"))
    stage.events()
    refuse(stage, "serf", Configure("trader"), why.NOT_PERMITTED)
    stage.do(ME, Write("serf", '{"strategy":"trader"}'))
    assert stage.agent("serf").config.strategy == "trader"


HALF = HALF_A_PAIR
LADDERS: dict[str, list[tuple[str, Action]]] = {
    "read": [
        (why.NOT_FOUND, Read("nothing", -1)),
        (why.DELETED, Read(GONE, -1)),
        (why.NOT_PERMITTED, Read(PRIVATE, -1)),
        (why.ARGUMENT_INVALID, Read(MINE, -1)),
    ],
    "write": [
        (why.ID_INVALID, Write("A", "{", "T", "xml", "x" * 201, "c", ["D"] * 17, nested(900))),
        (why.ARGUMENT_INVALID, Write("new", "{", "T", "xml", "x" * 201, "c", ["D"] * 17, nested(900))),
        (why.UNKNOWN_CONTRACT, Write("new", "{", "agent", "xml", "x" * 201, "c", ["D"] * 17, nested(900))),
        (why.ARGUMENT_INVALID, Write("new", "{", "agent", "xml", "x" * 201, None, ["D"] * 17, nested(900))),
        (why.TOO_MANY, Write("new", "{", "agent", "json", "x" * 201, None, ["D"] * 17, nested(900))),
        (why.ARGUMENT_INVALID, Write("new", "{", "agent", "json", "x" * 201, None, ["D"], nested(900))),
        (why.ARGUMENT_INVALID, Write("new", "{", "agent", "json", "x" * 201, None, [], nested(900))),
        (why.TOO_LARGE, Write("new", "{", "agent", "json", "x" * 201)),
        (why.ARGUMENT_INVALID, Write("new", "{", "agent", "json")),
        (why.IS_PRINCIPAL, Write("new", '"' + "x" * QUOTA + '"', "agent", "json")),
        (why.DISK_QUOTA, Write("new", '"' + "x" * QUOTA + '"', "tool", "json")),
    ],
    "write to what exists": [
        (why.TOO_LARGE, Write(GONE, "x", title="x" * 201)),
        (why.DELETED, Write(GONE, "x" * QUOTA, "agent")),
        (why.NOT_PERMITTED, Write(PRIVATE, "x" * QUOTA, "agent")),
        (why.IS_PRINCIPAL, Write(PUBLIC, "x" * QUOTA, "agent")),
        (why.DISK_QUOTA, Write(PUBLIC, "x" * QUOTA)),
    ],
    "edit": [
        (why.NOT_FOUND, Edit("nothing", "two", HALF)),
        (why.DELETED, Edit(GONE, "two", HALF)),
        (why.NOT_PERMITTED, Edit(PRIVATE, "two", HALF)),
        (why.NOT_TEXT, Edit(BLOB, "two", HALF)),
        (why.NO_MATCH, Edit(PUBLIC, "three", HALF)),
        (why.AMBIGUOUS_MATCH, Edit(PUBLIC, "two", HALF)),
        (why.ARGUMENT_INVALID, Edit(PUBLIC, "one", HALF)),
        (why.TOO_LARGE, Edit(PUBLIC, "one", "x" * 1_000_000)),
        (why.DISK_QUOTA, Edit(PUBLIC, "one", "x" * QUOTA)),
    ],
    "delete": [
        (why.NOT_FOUND, Delete("nothing")),
        (why.DELETED, Delete(GONE)),
        (why.IS_PRINCIPAL, Delete(CHILD)),
        (why.NOT_PERMITTED, Delete(PRIVATE)),
    ],
    "transfer of an amount": [
        (why.UNKNOWN_PRINCIPAL, Transfer("nobody", 0, "gold", None, HALF)),
        (why.SELF_DEALING, Transfer(ME, 0, "gold", None, HALF)),
        (why.ARGUMENT_INVALID, Transfer(OTHER, 0, "gold", None, HALF * 201)),
        (why.TOO_LARGE, Transfer(OTHER, 0, "gold", None, "x" * 201)),
        (why.UNKNOWN_ASSET, Transfer(OTHER, 0, "gold")),
        (why.AMOUNT_INVALID, Transfer(OTHER, 0, DISK)),
        (why.INSUFFICIENT, Transfer(OTHER, QUOTA + 1, DISK)),
        (why.QUOTA_IN_USE, Transfer(OTHER, QUOTA - 250, DISK)),
    ],
    "transfer of a thing": [
        (why.UNKNOWN_PRINCIPAL, Transfer("nobody", memo="x" * 201, artifact="nothing")),
        (why.SELF_DEALING, Transfer(ME, memo="x" * 201, artifact="nothing")),
        (why.TOO_LARGE, Transfer(OTHER, memo="x" * 201, artifact="nothing")),
        (why.NOT_FOUND, Transfer(OTHER, -1, "gold", artifact="nothing")),
        (why.DELETED, Transfer(OTHER, -1, "gold", artifact=GONE)),
        (why.IS_PRINCIPAL, Transfer(OTHER, -1, "gold", artifact=OTHER)),
        (why.NOT_PERMITTED, Transfer(OTHER, -1, "gold", artifact=MINE)),
        (why.NOT_ACCEPTED, Transfer(OTHER, -1, "gold", artifact=LARGE_GIFT)),
        (why.DISK_QUOTA, Transfer(FULL, -1, "gold", artifact=LARGE_GIFT)),
    ],
    "subscribe": [
        (why.TOO_MANY, Subscribe("nothing", [Predicate("mood", "~", HALF)] * 9)),
        (why.UNKNOWN_OPERATOR, Subscribe("nothing", [Predicate("mood", "~", HALF)])),
        (why.ARGUMENT_INVALID, Subscribe("agent.state", [Predicate("state", "eq", HALF + "x" * 5_000)])),
        (why.TOO_LARGE, Subscribe("agent.state", [Predicate("state", "eq", "x" * 5_000)])),
    ],
    "invoke": [
        (why.NOT_FOUND, Invoke("nothing", "walk", {"n": "x"}, -1, -1)),
        (why.DELETED, Invoke(GONE, "walk", {"n": "x"}, -1, -1)),
        (why.NOT_EXECUTABLE, Invoke(MINE, "walk", {"n": "x"}, -1, -1)),
        (why.ARGUMENT_INVALID, Invoke(PRIVATE_TOOL, "walk", {"n": "x"}, -1, -1)),
        (why.ARGUMENT_INVALID, Invoke(PRIVATE_TOOL, "walk", {"n": "x"}, -1)),
        (why.ARGUMENT_INVALID, Invoke(PRIVATE_TOOL, "walk", {"n": "x"})),
        (why.ARGUMENT_INVALID, Invoke(PRIVATE_TOOL, args={"n": "x"})),
        (why.NOT_PERMITTED, Invoke(PRIVATE_TOOL, max_price=0)),
        (why.PRICE_ABOVE_LIMIT, Invoke(DEAR_TOOL, max_price=0)),
        (why.INSUFFICIENT, Invoke(DEAR_TOOL)),
    ],
    "read at a price": [
        (why.ARGUMENT_INVALID, Read(DEAR_PAPER, -1, max_price=-1)),
        (why.PRICE_ABOVE_LIMIT, Read(DEAR_PAPER, -1, max_price=1)),
        (why.INSUFFICIENT, Read(DEAR_PAPER, -1)),
    ],
    "message": [
        (why.UNKNOWN_PRINCIPAL, Message("nobody", HALF * 2_001)),
        (why.SELF_DEALING, Message(ME, HALF * 2_001)),
        (why.ARGUMENT_INVALID, Message(OTHER, HALF * 2_001)),
        (why.TOO_LARGE, Message(OTHER, "x" * 2_001)),
    ],
    "query": [
        (why.UNKNOWN_QUERY, Query("history", {"mood": 5})),
        (why.ARGUMENT_INVALID, Query("artifact", {"id": GONE, "mood": 5})),
        (why.DELETED, Query("artifact", {"id": GONE})),
    ],
    "spawn": [
        (why.ID_INVALID, Spawn("A", AgentConfig("thief", traits={"x": 2**63}), {"gold": 0}, "c")),
        (why.NAME_TAKEN, Spawn(GONE, AgentConfig("thief", traits={"x": 2**63}), {"gold": 0}, "c")),
        (why.UNKNOWN_CONTRACT, Spawn("new", AgentConfig("thief", traits={"x": 2**63}), {"gold": 0}, "c")),
        (why.UNKNOWN_STRATEGY, Spawn("new", AgentConfig("thief", traits={"x": 2**63}), {"gold": 0})),
        (why.ARGUMENT_INVALID, Spawn("new", AgentConfig("maker", traits={"x": 2**63}), {"gold": 0})),
        (why.UNKNOWN_ASSET, Spawn("new", MAKER, {"gold": 0, SCRIP: 0})),
        (why.AMOUNT_INVALID, Spawn("new", MAKER, {SCRIP: 0})),
        (why.INSUFFICIENT, Spawn("new", MAKER, {SCRIP: 10_000})),
        (why.DISK_QUOTA, Spawn("new", MAKER, {SCRIP: 1})),
    ],
    **MARKET_LADDERS,
    **MINT_LADDERS,
    **MEMORY_LADDERS,
}
"""By action: everything is wrong with the first, and each further one has mended what the one before it was told."""


@pytest.mark.parametrize("ladder", LADDERS)
def test_the_first_fault_is_the_one_that_is_named(stage: Stage, ladder: str) -> None:
    for reason, action in LADDERS[ladder]:
        refuse(stage, ME, action, reason)


def test_the_gift_can_be_given_after_all(stage: Stage) -> None:
    """The scene refuses for the reasons it says, and not for others."""
    stage.do(ME, Transfer(FULL, artifact=GIFT))
    stage.do(ME, Delete(MINE))
    stage.do(ME, Transfer(OTHER, 1))
