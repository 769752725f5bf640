"""Everything an agent can do, as one closed union. The same types give LLM policies their JSON schema.

An action is data from a hostile mind: types are checked by the decoder, everything else by its handler.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ecology.core.outcome import Refused
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel import refusals


class Noop(msgspec.Struct, frozen=True, tag_field="action", tag="noop", forbid_unknown_fields=True):
    """Do nothing this turn."""


class Read(msgspec.Struct, frozen=True, tag_field="action", tag="read", forbid_unknown_fields=True):
    """Read an artifact's content from a byte offset; the outcome says where to go on.

    A contract may ask for scrip: `max_price`, here and elsewhere, is the most one is willing to pay.
    """

    artifact: str
    offset: int = 0
    max_price: int | None = None


class Write(msgspec.Struct, frozen=True, tag_field="action", tag="write", forbid_unknown_fields=True):
    """Create an artifact, or replace the content of one whose contract allows it.

    `format` is text, json or bytes (base64 in `content`). `contract`, `interface` and `metadata` left out keep what
    they were (a new artifact gets the world's default contract). An artifact with an `interface` that names `methods`
    is executable: its content is Python with a function for each. `standing` gives a new artifact accounts of its own.
    """

    artifact: str
    content: str
    type: str = "text"
    format: str = "text"
    title: str = ""
    contract: str | None = None
    depends_on: list[str] = []
    interface: dict[str, object] | None = None
    metadata: dict[str, str] | None = None
    standing: bool = False
    max_price: int | None = None


class Edit(msgspec.Struct, frozen=True, tag_field="action", tag="edit", forbid_unknown_fields=True):
    """Replace `old`, which must occur exactly once in a text or json artifact, by `new`."""

    artifact: str
    old: str
    new: str
    max_price: int | None = None


class Delete(msgspec.Struct, frozen=True, tag_field="action", tag="delete", forbid_unknown_fields=True):
    """Delete an artifact; its bytes are freed, its name stays taken."""

    artifact: str
    max_price: int | None = None


class Invoke(msgspec.Struct, frozen=True, tag_field="action", tag="invoke", forbid_unknown_fields=True):
    """Call a method of an executable artifact. What it costs is paid only if it returns.

    Code without standing acts as its caller: `allowance` is how much of one's scrip it may move beside the price.
    """

    artifact: str
    method: str = "run"
    args: dict[str, object] = {}
    max_price: int | None = None
    allowance: int = 0


class Transfer(msgspec.Struct, frozen=True, tag_field="action", tag="transfer", forbid_unknown_fields=True):
    """Give `amount` of an asset (scrip, a part of a flow rate, quota or budget), or the ownership of an artifact."""

    to: str
    amount: int = 0
    asset: str = "scrip"
    artifact: str | None = None
    memo: str = ""


class Sleep(msgspec.Struct, frozen=True, tag_field="action", tag="sleep", forbid_unknown_fields=True):
    """Sleep for `duration_ms` at the most; an event, a message or a predicate over one's own state may end it earlier.

    `until` compares one of scrip, disk_free, llm_tokens, llm_budget or inbox with a number: op is ge or le.
    """

    duration_ms: int
    event: EventFilter | None = None
    until: "StatePredicate | None" = None


class StatePredicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition on one's own state."""

    field: str
    op: str
    value: int


class Subscribe(msgspec.Struct, frozen=True, tag_field="action", tag="subscribe", forbid_unknown_fields=True):
    """Be told of events of a type whose fields satisfy all predicates (eq, ne, in, exists)."""

    event_type: str
    where: list[Predicate] = []


class Unsubscribe(
    msgspec.Struct, frozen=True, tag_field="action", tag="unsubscribe", forbid_unknown_fields=True
):
    """End one of one's own subscriptions."""

    subscription: str


class Message(msgspec.Struct, frozen=True, tag_field="action", tag="message", forbid_unknown_fields=True):
    """Tell another principal something; it wakes if it sleeps."""

    to: str
    text: str


class Query(msgspec.Struct, frozen=True, tag_field="action", tag="query", forbid_unknown_fields=True):
    """Ask the kernel by name: artifacts, artifact, interface, principals, principal, self, subscriptions,
    listings, listing, mint, delegations, world.
    """

    name: str
    args: dict[str, str | int] = {}


class Bid(msgspec.Struct, frozen=True, tag_field="action", tag="bid", forbid_unknown_fields=True):
    """Submit an artifact of one's own to the mint; `amount` is held until the next resolution."""

    artifact: str
    amount: int


class List(msgspec.Struct, frozen=True, tag_field="action", tag="list", forbid_unknown_fields=True):
    """Offer an artifact, or `amount` of an asset, at a price, optionally to one `buyer` only.

    With `rent_ms` the buyer has the right for that long, then it comes back by itself.
    """

    price: int
    artifact: str | None = None
    asset: str | None = None
    amount: int = 0
    rent_ms: int = 0
    buyer: str | None = None


class Buy(msgspec.Struct, frozen=True, tag_field="action", tag="buy", forbid_unknown_fields=True):
    """Buy what a listing offers: the price and the thing move together or not at all."""

    listing: str
    max_price: int | None = None


class Cancel(msgspec.Struct, frozen=True, tag_field="action", tag="cancel", forbid_unknown_fields=True):
    """Withdraw a listing of one's own that nobody has bought."""

    listing: str


class Delegate(msgspec.Struct, frozen=True, tag_field="action", tag="delegate", forbid_unknown_fields=True):
    """Let a contract charge oneself for others' accesses: scrip, or microseconds of `cpu`, per call and per window."""

    charger: str
    max_per_call: int
    max_per_window: int
    window_ms: int
    asset: str = "scrip"


class Revoke(msgspec.Struct, frozen=True, tag_field="action", tag="revoke", forbid_unknown_fields=True):
    """End a delegation of one's own at once."""

    charger: str
    asset: str = "scrip"


class Remember(msgspec.Struct, frozen=True, tag_field="action", tag="remember", forbid_unknown_fields=True):
    """Keep a text as a new private artifact of type memory, which `recall` finds by likeness; tags are part of it."""

    text: str
    tags: list[str] = []


class Recall(msgspec.Struct, frozen=True, tag_field="action", tag="recall", forbid_unknown_fields=True):
    """Find the memories likest to a text: one's own, or those `of` another that one may read for nothing.

    While there is no index to ask, `available` is false and nothing is found; the memories are still there.
    """

    query: str
    limit: int = 5
    of: str | None = None


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An agent's configuration: the content of its own artifact.

    `strategy` names a policy; `traits` are its numbers; `accepts_from` lists who may hand it artifacts that then occupy
    its disk ("*" for anyone): nobody's resources are charged without consent. `goods` are the kinds of things it
    knows to make and to want.
    """

    strategy: str
    model: str = ""
    prompt: str = ""
    traits: dict[str, int] = {}
    accepts_from: list[str] = []
    goods: list[str] = []


class Spawn(msgspec.Struct, frozen=True, tag_field="action", tag="spawn", forbid_unknown_fields=True):
    """Bring a new agent to life, funded from one's own rights; `contract` decides who may change its configuration."""

    agent: str
    config: AgentConfig
    endowment: dict[str, int] = {}
    contract: str = "self_owned"


class Configure(msgspec.Struct, frozen=True, tag_field="action", tag="configure", forbid_unknown_fields=True):
    """Change one's own configuration; what is left out stays."""

    strategy: str | None = None
    model: str | None = None
    prompt: str | None = None
    traits: dict[str, int] | None = None
    accepts_from: list[str] | None = None


Action = (
    Noop
    | Read
    | Write
    | Edit
    | Delete
    | Transfer
    | Sleep
    | Subscribe
    | Unsubscribe
    | Message
    | Query
    | Spawn
    | Configure
    | Invoke
    | Bid
    | List
    | Buy
    | Cancel
    | Delegate
    | Revoke
    | Remember
    | Recall
)

ACTION_TYPES: tuple[type[msgspec.Struct], ...] = (
    Noop,
    Read,
    Write,
    Edit,
    Delete,
    Transfer,
    Sleep,
    Subscribe,
    Unsubscribe,
    Message,
    Query,
    Spawn,
    Configure,
    Invoke,
    Bid,
    List,
    Buy,
    Cancel,
    Delegate,
    Revoke,
    Remember,
    Recall,
)
NAME_OF: dict[type[msgspec.Struct], str] = {kind: str(kind.__struct_config__.tag) for kind in ACTION_TYPES}

_decoder: msgspec.json.Decoder[Action] = msgspec.json.Decoder(Action)
_FRAME_BYTES = 64
MAX_ACTION_BYTES = 4_000_000


def parse(text: str | bytes) -> Action | Refused:
    """The action that a text states in JSON, or the refusal the agent will read."""
    if len(text) > MAX_ACTION_BYTES:
        return Refused(refusals.MALFORMED, f"an action is at most {MAX_ACTION_BYTES} bytes of JSON")
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Refused(refusals.MALFORMED, str(error).replace("\n", " ")[:300])


def said_bytes(action: Action) -> int:
    """Bytes of what the author had to say: its texts, and a fixed part for the frame around them."""
    said = _SAID.get(type(action))
    return _FRAME_BYTES if said is None else _FRAME_BYTES + said(action)


def _json_bytes(value: object) -> int:
    """Bytes of a value as JSON, none for None; what is no JSON was not said, and its handler refuses it."""
    if value is None:
        return 0
    try:
        return len(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return 0


_SAID: dict[type[msgspec.Struct], Callable[[Any], int]] = {
    Write: lambda it: len(it.content) + len(it.title) + _json_bytes(it.interface),
    Edit: lambda it: len(it.old) + len(it.new),
    Message: lambda it: len(it.text),
    Remember: lambda it: len(it.text),
    Recall: lambda it: len(it.query),
    Configure: lambda it: len(it.prompt or ""),
    Invoke: lambda it: _json_bytes(it.args),
    Spawn: lambda it: len(it.config.prompt),
}
"""What counts of the actions that say something."""


def schema() -> dict[str, object]:
    """The JSON schema of the union."""
    return msgspec.json.schema(Action, schema_hook=_anything)


def _anything(kind: type) -> dict[str, object]:
    """The schema of a field that takes any JSON value."""
    assert kind is object, f"an action has a field of unexpected type {kind}"
    # Said in full: grammar compilers know no schema without a type.
    return {"type": ["object", "array", "string", "number", "boolean", "null"]}
