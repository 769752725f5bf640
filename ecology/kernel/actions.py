"""Everything an agent can do, as one closed union. The same types give LLM policies their JSON schema.

An action is data from a hostile mind: types are checked by the decoder, everything else by its handler.
"""

import msgspec

from ecology.core.outcome import Refused
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel import refusals


class Noop(msgspec.Struct, frozen=True, tag_field="action", tag="noop", forbid_unknown_fields=True):
    """Do nothing this turn."""


class Read(msgspec.Struct, frozen=True, tag_field="action", tag="read", forbid_unknown_fields=True):
    """Read an artifact's content from a byte offset; the outcome says where to go on."""

    artifact: str
    offset: int = 0


class Write(msgspec.Struct, frozen=True, tag_field="action", tag="write", forbid_unknown_fields=True):
    """Create an artifact, or replace the content of one whose contract allows it.

    `format` is text, json or bytes (base64 in `content`). `contract`, `interface` and `metadata` left out keep what
    they were (a new artifact gets the world's default contract).
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


class Edit(msgspec.Struct, frozen=True, tag_field="action", tag="edit", forbid_unknown_fields=True):
    """Replace `old`, which must occur exactly once in a text or json artifact, by `new`."""

    artifact: str
    old: str
    new: str


class Delete(msgspec.Struct, frozen=True, tag_field="action", tag="delete", forbid_unknown_fields=True):
    """Delete an artifact; its bytes are freed, its name stays taken."""

    artifact: str


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
    """Ask the kernel by name: artifacts, artifact, interface, principals, principal, self, subscriptions, world."""

    name: str
    args: dict[str, str | int] = {}


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
)
NAME_OF: dict[type[msgspec.Struct], str] = {kind: str(kind.__struct_config__.tag) for kind in ACTION_TYPES}

_decoder: msgspec.json.Decoder[Action] = msgspec.json.Decoder(Action)
_FRAME_BYTES = 64
_TEXTS: dict[type[msgspec.Struct], tuple[str, ...]] = {
    Write: ("content", "title"),
    Edit: ("old", "new"),
    Message: ("text",),
    Configure: ("prompt",),
}
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
    if isinstance(action, Spawn):
        return _FRAME_BYTES + len(action.config.prompt)
    total = _FRAME_BYTES
    for field in _TEXTS.get(type(action), ()):
        text: str | None = getattr(action, field)
        total += len(text) if text else 0
    return total


def schema() -> dict[str, object]:
    """The JSON schema of the union."""
    return msgspec.json.schema(Action, schema_hook=_anything)


def _anything(kind: type) -> dict[str, object]:
    """The schema of a field that takes any JSON value."""
    assert kind is object, f"an action has a field of unexpected type {kind}"
    # Said in full: grammar compilers know no schema without a type.
    return {"type": ["object", "array", "string", "number", "boolean", "null"]}
