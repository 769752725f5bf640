"""A furnished world: things under every kind of contract, and agents in whom every kind of refusal can be met."""

import json

from ecology.core.limits import MAX_SUBSCRIPTIONS
from ecology.events.subscriptions import Predicate
from ecology.kernel.actions import AgentConfig, Bid, Cancel, Configure, Delete, List, Spawn, Subscribe, Write
from ecology.kernel.contracts import pay_per_use
from ecology.resources.assets import CPU_RATE, DISK, SCRIP
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER, FULL, BUSY = "agent-0001", "agent-0002", "agent-0003", "agent-0004"
"""Who acts; who owns things; who takes anything and has no room; who has all the subscriptions there are."""

QUOTA = GRANTS[DISK]
HALF_A_PAIR = "\ud800"
MINE, GIFT, LARGE_GIFT = "mine", "gift", "large-gift"
PRIVATE, PUBLIC, BLOB, DATA, GONE = "private-note", "public-note", "blob", "data", "gone"
CHILD, WARD = "child", "ward"
"""Agents that ME brought to life: one that only itself may change, one that everybody may."""
MY_WARE, LARGE_WARE = "my-ware", "large-ware"
"""What ME and OTHER have for sale."""

MY_LISTING, DEAR, FOR_FULL, STALE, CANCELLED, NEVER_LISTED = (
    "listing-2",
    "listing-3",
    "listing-4",
    "listing-5",
    "listing-6",
    "listing-7",
)
"""Listings; the first, of the large ware, has no name of its own."""

SUBMITTED = "submitted"
"""A work of ME's that lies before the mint."""

TOOL, PRIVATE_TOOL, DEAR_TOOL, DEAR_PAPER = "tool", "private-tool", "dear-tool", "dear-paper"

MAKER = AgentConfig(strategy="maker")


def scene() -> Stage:
    """Four settlers and two children among artifacts under every kind of contract."""
    stage = Stage.of(4)
    for name, config in ((OTHER, Configure(accepts_from=[])), (FULL, Configure(accepts_from=["*"]))):
        stage.do(name, config)
    stage.do(OTHER, Write(PRIVATE, "mine alone", contract="private"))
    stage.do(OTHER, Write(PUBLIC, "one two two aaa", contract="public"))
    stage.do(OTHER, Write(BLOB, "AAEC", format="bytes", contract="public"))
    stage.do(OTHER, Write(DATA, '{"n": 1}', format="json", contract="public"))
    stage.do(OTHER, Write(GONE, "soon", contract="public"))
    stage.do(OTHER, Delete(GONE))
    stage.do(OTHER, Write("a-subscription", "x"))
    stage.do(OTHER, Subscribe("agent.state"))
    stage.do(ME, Write(MINE, "x" * 1_000))
    stage.do(ME, Write(GIFT, "for you", contract="transferable_freeware"))
    stage.do(ME, Write(LARGE_GIFT, "x" * 20_000, contract="transferable_freeware"))
    stage.do(ME, Spawn(CHILD, MAKER, {DISK: 100}))
    stage.do(ME, Spawn(WARD, MAKER, {DISK: 100, SCRIP: 1}, contract="public"))
    stage.do(FULL, Write("ballast", "x" * (QUOTA - 10_000)))
    for number in range(MAX_SUBSCRIPTIONS):
        stage.do(BUSY, Subscribe("agent.state", [Predicate("agent_id", "eq", f"x{number}")]))
    _furnish_the_market(stage)
    _furnish_the_workshop(stage)
    stage.do(ME, Write(SUBMITTED, "a work"))
    stage.do(ME, Bid(SUBMITTED, 1))
    return stage


def _furnish_the_market(stage: Stage) -> None:
    """Listings of every kind, and one for each way in which one ends but by being bought."""
    stage.do(OTHER, Write(LARGE_WARE, "x" * 30_000, contract="transferable_freeware"))
    stage.do(OTHER, List(1, artifact=LARGE_WARE))
    stage.do(ME, Write(MY_WARE, "fine", contract="transferable_freeware"))
    stage.do(ME, List(1, artifact=MY_WARE))
    stage.do(OTHER, List(5_000, asset=CPU_RATE, amount=10, rent_ms=1_000))
    stage.do(OTHER, List(1, asset=CPU_RATE, amount=10, buyer=FULL))
    stage.do(OTHER, Write("sketch", "first", contract="transferable_freeware"))
    stage.do(OTHER, List(1, artifact="sketch"))
    stage.do(OTHER, Write("sketch", "second"))
    stage.do(OTHER, List(1, asset=CPU_RATE, amount=10))
    stage.do(OTHER, Cancel(CANCELLED))


def _furnish_the_workshop(stage: Stage) -> None:
    """Executables and a paper of OTHER's: free, too dear for anybody, and nobody else's business."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    interface: dict[str, object] = {"methods": {"run": {"args": schema}}}
    for name, contract in ((TOOL, "freeware"), (PRIVATE_TOOL, "private"), (DEAR_TOOL, pay_per_use(5_000))):
        stage.do(OTHER, Write(name, "def run(n=0): return n", interface=interface, contract=contract))
    stage.do(OTHER, Write(DEAR_PAPER, "one two two", contract=pay_per_use(5_000)))


def others_subscription(stage: Stage) -> str:
    """The id of a subscription that is not ME's."""
    return stage.world.subscriptions.of(OTHER)[0].subscription_id


def nested(levels: int) -> dict[str, object]:
    """An object of that many levels."""
    value: dict[str, object] = {}
    for _ in range(levels - 1):
        value = {"x": value}
    return value


def config_of(size_bytes: int) -> str:
    """The text of a configuration of at least that size."""
    return json.dumps({"strategy": "maker", "prompt": "x" * size_bytes})
