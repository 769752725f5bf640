"""For every action and every reason: actions that are refused for it in the scene."""

from ecology.core.limits import (
    MAX_AMOUNT,
    MAX_CONTENT_BYTES,
    MAX_DEPTH,
    MAX_MEMO_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_METADATA_BYTES,
    MAX_PREDICATES,
)
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel import refusals as why
from ecology.kernel.actions import (
    Action,
    AgentConfig,
    Configure,
    Delete,
    Edit,
    Message,
    Query,
    Read,
    Sleep,
    Spawn,
    StatePredicate,
    Subscribe,
    Transfer,
    Unsubscribe,
    Write,
)
from ecology.resources.assets import DISK, SCRIP
from ecology.testing.worlds import GRANTS
from tests.support.refusing_code import REFUSED_BY_CODE, REFUSED_ITS_PRICE, REFUSED_WITH_CODE
from tests.support.refusing_market import REFUSED_IN_THE_MARKET, REFUSED_QUERIES
from tests.support.refusing_memory import REFUSED_MEMORIES
from tests.support.refusing_mint import REFUSED_AT_OTHER_MINTS, REFUSED_AT_THE_MINT
from tests.support.scene import (
    BLOB,
    BUSY,
    CHILD,
    DATA,
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
    PUBLIC,
    QUOTA,
    WARD,
    config_of,
    nested,
)

_PREDICATE = Predicate("state", "eq", "x")
_LONG_FILTER = [Predicate("agent_id", "eq", "x" * 5_000)]
_MANY_VALUES = [Predicate("state", "in", ["x"] * 65)]

REFUSED: dict[str, dict[str, list[Action]]] = {
    "noop": {},
    "read": {
        why.NOT_FOUND: [
            Read("nothing"),
            Read(""),
            Read("x" * 5_000),
            Read(HALF_A_PAIR),
            Read("../../etc/passwd"),
        ],
        why.DELETED: [Read(GONE)],
        why.NOT_PERMITTED: [Read(PRIVATE), Read(PRIVATE, -1), Read(OTHER), Read(CHILD)],
        why.ARGUMENT_INVALID: [Read(MINE, -1), Read(MINE, 1_001), Read(MINE, 2**63), Read(MINE, -(2**70))],
    },
    "write": {
        why.ID_INVALID: [
            *(
                Write(name, "x")
                for name in ("", "A", "a b", "a/b", "..", "x" * 65, "a\x00", "a\n", HALF_A_PAIR)
            ),
            *(Write(name, "x") for name in ("world", "spent", "escrow", "system", "observer")),
        ],
        why.UNKNOWN_CONTRACT: [
            Write("new", "x", contract="nothing"),
            Write("new", "x", contract=HALF_A_PAIR),
            *(Write("new", "x", contract=f"pay_per_use({price})") for price in (0, -1, 2**63)),
        ],
        why.ARGUMENT_INVALID: [
            Write("new", "x", type="A Type"),
            Write("new", "x", type=""),
            Write("new", "x", format="xml"),
            Write("new", HALF_A_PAIR),
            Write("new", "not base64!", format="bytes"),
            Write("new", "é", format="bytes"),
            Write("new", "A", format="bytes"),
            Write("new", "{", format="json"),
            Write("new", "NaN", format="json"),
            Write("new", "[" * 100_000, format="json"),
            Write("new", "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), format="json"),
            Write("new", "x", title=HALF_A_PAIR),
            Write("new", "x", title="a\0b"),
            Write("new", "x", metadata={HALF_A_PAIR: "x"}),
            Write("new", "x", interface={"x": HALF_A_PAIR}),
            Write("new", "x", interface={"x": object()}),
            Write("new", "x", interface=nested(MAX_DEPTH + 1)),
            Write("new", "x", interface=nested(900)),
            Write("new", "x", depends_on=["not a name"]),
            Write(WARD, "not a configuration"),
            Write(WARD, '{"strategy":"maker","wealth":5}'),
            Write(WARD, '{"strategy":"maker","traits":{"x":9223372036854775808}}'),
            Write(WARD, '{"strategy":"maker","prompt":' + "[" * 10_000),
        ],
        why.DELETED: [Write(GONE, "again"), Write(GONE, "again", type="agent")],
        why.NOT_PERMITTED: [
            Write(PRIVATE, "x"),
            Write("a-subscription", "x"),
            Write(OTHER, "x"),
            Write(CHILD, '{"strategy":"maker"}'),
        ],
        why.IS_PRINCIPAL: [
            Write("new", '{"strategy":"maker"}', type="agent"),
            Write(MINE, '{"strategy":"maker"}', type="agent"),
            Write(WARD, '{"strategy":"maker"}', contract="private"),
            Write(WARD, '{"strategy":"maker"}', depends_on=["x"]),
            Write(WARD, '{"strategy":"maker"}', metadata={"k": "v"}),
            Write(WARD, '{"strategy":"maker"}', interface={"k": "v"}),
        ],
        why.UNKNOWN_STRATEGY: [Write(WARD, '{"strategy":"thief"}'), Write(WARD, '{"strategy":""}')],
        why.TOO_LARGE: [
            Write("new", "x" * (MAX_CONTENT_BYTES + 1)),
            Write("new", "é" * (MAX_CONTENT_BYTES // 2 + 1)),
            Write("new", "x", title="x" * 201),
            Write("new", "x", title="é" * 101),
            Write("new", "x", metadata={"k": "x" * MAX_METADATA_BYTES}),
            Write("new", "x", interface={"k": ["x" * MAX_METADATA_BYTES]}),
            Write(WARD, config_of(MAX_CONTENT_BYTES)),
        ],
        why.TOO_MANY: [
            Write("new", "x", depends_on=["a"] * 17),
            Write("new", "x", depends_on=[""] * 100_000),
        ],
        why.DISK_QUOTA: [
            Write("new", "x" * QUOTA),
            Write(MINE, "x" * QUOTA),
            Write(PUBLIC, "x" * QUOTA),
            Write(WARD, config_of(100)),
        ],
    },
    "edit": {
        why.NOT_FOUND: [Edit("nothing", "a", "b"), Edit(HALF_A_PAIR, "a", "b")],
        why.DELETED: [Edit(GONE, "soon", "b")],
        why.NOT_PERMITTED: [Edit(PRIVATE, "mine", "b"), Edit(CHILD, "maker", "trader")],
        why.NOT_TEXT: [Edit(BLOB, "\x01", "b")],
        why.NO_MATCH: [Edit(PUBLIC, "three", "b"), Edit(PUBLIC, "", "b"), Edit(PUBLIC, HALF_A_PAIR, "b")],
        why.AMBIGUOUS_MATCH: [Edit(PUBLIC, "two", "b"), Edit(PUBLIC, "aa", "b"), Edit(PUBLIC, " ", "")],
        why.ARGUMENT_INVALID: [
            Edit(PUBLIC, "one", HALF_A_PAIR),
            Edit(DATA, "{", "["),
            Edit(DATA, "1", "[" * MAX_DEPTH + "]" * MAX_DEPTH),
            Edit(WARD, "strategy", "mind"),
            Edit(WARD, "}", ""),
        ],
        why.UNKNOWN_STRATEGY: [Edit(WARD, "maker", "thief")],
        why.TOO_LARGE: [Edit(PUBLIC, "one", "x" * MAX_CONTENT_BYTES)],
        why.DISK_QUOTA: [
            Edit(PUBLIC, "one", "x" * QUOTA),
            Edit(MINE, "x" * 1_000, "x" * QUOTA),
            Edit(WARD, "}", ',"prompt":"' + "x" * 100 + '"}'),
        ],
    },
    "delete": {
        why.NOT_FOUND: [Delete("nothing"), Delete("world"), Delete(HALF_A_PAIR)],
        why.DELETED: [Delete(GONE)],
        why.IS_PRINCIPAL: [Delete(ME), Delete(OTHER), Delete(WARD)],
        why.NOT_PERMITTED: [Delete(PRIVATE), Delete("a-subscription")],
    },
    "transfer": {
        why.UNKNOWN_PRINCIPAL: [
            *(Transfer(to, 1) for to in ("nobody", "", MINE, "world", "spent", "x" * 5_000, HALF_A_PAIR)),
            Transfer("nobody", 0, artifact=GIFT),
        ],
        why.SELF_DEALING: [Transfer(ME, 1), Transfer(ME, 0, artifact=GIFT)],
        why.ARGUMENT_INVALID: [Transfer(OTHER, 1, memo=HALF_A_PAIR)],
        why.TOO_LARGE: [
            Transfer(OTHER, 1, memo="x" * (MAX_MEMO_BYTES + 1)),
            Transfer(OTHER, 1, memo="é" * (MAX_MEMO_BYTES // 2 + 1)),
        ],
        why.UNKNOWN_ASSET: [Transfer(OTHER, 1, asset) for asset in ("gold", "", "SCRIP", "llm", HALF_A_PAIR)],
        why.AMOUNT_INVALID: [Transfer(OTHER, amount) for amount in (0, -1, -(2**63), 2**63, 2**70)],
        why.INSUFFICIENT: [
            *(Transfer(OTHER, amount + 1, asset) for asset, amount in GRANTS.items()),
            *(Transfer(OTHER, MAX_AMOUNT, asset) for asset in GRANTS),
        ],
        why.QUOTA_IN_USE: [Transfer(OTHER, QUOTA - 300, DISK)],
        why.NOT_FOUND: [Transfer(OTHER, artifact="nothing"), Transfer(OTHER, 1, artifact="")],
        why.DELETED: [Transfer(OTHER, artifact=GONE)],
        why.IS_PRINCIPAL: [Transfer(OTHER, artifact=ME), Transfer(FULL, artifact=WARD)],
        why.NOT_PERMITTED: [
            Transfer(FULL, artifact=name) for name in (MINE, PUBLIC, PRIVATE, "a-subscription")
        ],
        why.NOT_ACCEPTED: [Transfer(OTHER, artifact=GIFT), Transfer(BUSY, artifact=LARGE_GIFT)],
        why.DISK_QUOTA: [Transfer(FULL, artifact=LARGE_GIFT)],
    },
    "sleep": {
        why.ARGUMENT_INVALID: [
            *(Sleep(duration_ms) for duration_ms in (0, -1, 7 * 86_400_000 + 1, 2**63, -(2**70))),
            Sleep(5, until=StatePredicate("scrip", "ge", 2**63)),
            Sleep(5, until=StatePredicate("scrip", "ge", -(2**63))),
            Sleep(5, EventFilter("agent.state", [Predicate("state", "eq", HALF_A_PAIR)])),
        ],
        why.UNKNOWN_OPERATOR: [
            Sleep(5, until=StatePredicate("mood", "ge", 1)),
            Sleep(5, until=StatePredicate("scrip", "eq", 1)),
            Sleep(5, EventFilter("message.sent")),
            Sleep(5, EventFilter("agent.state", [Predicate("state", "like", "x")])),
            Sleep(5, EventFilter("nothing"), StatePredicate("scrip", "ge", 0)),
        ],
        why.TOO_LARGE: [Sleep(5, EventFilter("agent.state", _LONG_FILTER))],
        why.TOO_MANY: [
            Sleep(5, EventFilter("agent.state", [_PREDICATE] * (MAX_PREDICATES + 1))),
            Sleep(5, EventFilter("agent.state", _MANY_VALUES)),
        ],
    },
    "subscribe": {
        why.UNKNOWN_OPERATOR: [
            Subscribe("message.sent"),
            Subscribe(HALF_A_PAIR),
            Subscribe("agent.state", [Predicate("mind", "eq", "x")]),
            Subscribe("agent.state", [Predicate("state", "exists")]),
        ],
        why.ARGUMENT_INVALID: [
            Subscribe("agent.state", [Predicate("state", "eq", HALF_A_PAIR)]),
            Subscribe("agent.state", [Predicate("state", "in", ["x", HALF_A_PAIR])]),
        ],
        why.TOO_LARGE: [Subscribe("agent.state", _LONG_FILTER)],
        why.TOO_MANY: [
            Subscribe("agent.state", [_PREDICATE] * (MAX_PREDICATES + 1)),
            Subscribe("agent.state", [_PREDICATE] * 100_000),
            Subscribe("agent.state", _MANY_VALUES),
        ],
    },
    "unsubscribe": {why.NOT_FOUND: [Unsubscribe("nothing"), Unsubscribe(""), Unsubscribe(HALF_A_PAIR)]},
    "message": {
        why.UNKNOWN_PRINCIPAL: [Message(to, "x") for to in ("nobody", "", MINE, "world", HALF_A_PAIR)],
        why.SELF_DEALING: [Message(ME, "x")],
        why.ARGUMENT_INVALID: [Message(OTHER, HALF_A_PAIR)],
        why.TOO_LARGE: [
            Message(OTHER, "x" * (MAX_MESSAGE_BYTES + 1)),
            Message(OTHER, "é" * (MAX_MESSAGE_BYTES // 2 + 1)),
        ],
    },
    "query": {
        why.UNKNOWN_QUERY: [Query("history"), Query(""), Query(HALF_A_PAIR), Query("x" * 5_000)],
        why.ARGUMENT_INVALID: [
            Query("world", {"id": "x"}),
            Query("artifacts", {"offset": 5}),
            Query("artifacts", {"limit": "5"}),
            Query("artifacts", {"type": 5}),
            Query("artifacts", {HALF_A_PAIR: 5}),
            Query("artifacts", {"words": "!"}),
            Query("principals", {"after": -1}),
            *REFUSED_QUERIES[why.ARGUMENT_INVALID],
        ],
        why.NOT_FOUND: [
            Query("artifact"),
            Query("artifact", {"id": "nothing"}),
            Query("interface", {"id": HALF_A_PAIR}),
        ],
        why.DELETED: [Query("artifact", {"id": GONE}), Query("interface", {"id": GONE})],
        why.UNKNOWN_PRINCIPAL: [Query("principal"), Query("principal", {"id": MINE})],
        why.UNKNOWN_LISTING: REFUSED_QUERIES[why.UNKNOWN_LISTING],
        why.LISTING_CLOSED: REFUSED_QUERIES[why.LISTING_CLOSED],
        why.LISTING_STALE: REFUSED_QUERIES[why.LISTING_STALE],
    },
    "spawn": {
        why.ID_INVALID: [
            Spawn(name, MAKER, {DISK: 100}) for name in ("", "A", "world", "x" * 65, HALF_A_PAIR)
        ],
        why.NAME_TAKEN: [Spawn(name, MAKER, {DISK: 100}) for name in (ME, OTHER, MINE, PRIVATE, GONE)],
        why.UNKNOWN_CONTRACT: [Spawn("new", MAKER, {DISK: 100}, contract="nothing")],
        why.UNKNOWN_STRATEGY: [Spawn("new", AgentConfig("thief"), {DISK: 100})],
        why.ARGUMENT_INVALID: [
            Spawn("new", AgentConfig("maker", traits={"x": 2**63}), {DISK: 100}),
            Spawn("new", AgentConfig("maker", prompt=HALF_A_PAIR), {DISK: 100}),
        ],
        why.TOO_LARGE: [Spawn("new", AgentConfig("maker", prompt="x" * MAX_CONTENT_BYTES), {DISK: 100})],
        why.UNKNOWN_ASSET: [Spawn("new", MAKER, {"gold": 5, DISK: 100})],
        why.AMOUNT_INVALID: [
            Spawn("new", MAKER, {SCRIP: amount, DISK: 100}) for amount in (0, -1, 2**63, 2**70)
        ],
        why.INSUFFICIENT: [
            Spawn("new", MAKER, {SCRIP: 1_001, DISK: 100}),
            Spawn("new", MAKER, {SCRIP: 1, DISK: QUOTA + 1}),
        ],
        why.QUOTA_IN_USE: [Spawn("new", MAKER, {SCRIP: 1, DISK: QUOTA - 300})],
        why.DISK_QUOTA: [
            Spawn("new", MAKER),
            Spawn("new", MAKER, {DISK: 5}),
            Spawn("new", AgentConfig("maker", prompt="x" * 200), {DISK: 200}),
        ],
    },
    "configure": {
        why.UNKNOWN_STRATEGY: [Configure("thief"), Configure("")],
        why.ARGUMENT_INVALID: [
            Configure(traits={"x": -(2**63)}),
            Configure(prompt=HALF_A_PAIR),
            Configure(accepts_from=[HALF_A_PAIR]),
        ],
        why.TOO_LARGE: [Configure(prompt="x" * MAX_CONTENT_BYTES)],
        why.DISK_QUOTA: [Configure(prompt="x" * QUOTA)],
    },
    **REFUSED_WITH_CODE,
    **REFUSED_AT_THE_MINT,
    **REFUSED_IN_THE_MARKET,
    **REFUSED_MEMORIES,
}
"""What ME is refused in the scene, by action and reason."""

for _action, _reasons in REFUSED_ITS_PRICE.items():
    for _reason, _actions in _reasons.items():
        REFUSED[_action].setdefault(_reason, []).extend(_actions)

ELSEWHERE: dict[str, set[str]] = {
    "subscribe": {why.TOO_MANY},
    "unsubscribe": {why.NOT_FOUND},
    "spawn": {why.TOO_MANY},
    "configure": {why.NOT_PERMITTED},
    "invoke": REFUSED_BY_CODE,
    "bid": REFUSED_AT_OTHER_MINTS,
    "list": {why.TOO_MANY},
    "buy": {why.TOO_MANY},
    "cancel": {why.TOO_MANY},
    "delegate": {why.TOO_MANY},
    "remember": {why.DISK_QUOTA},
}
"""Reasons that ME does not meet in the scene: others do, in the tests of their own."""


def reasons_of(action: str) -> set[str]:
    """Every reason for which an action can be refused."""
    return set(REFUSED[action]) | ELSEWHERE.get(action, set())
