"""The typed, versioned records of the event log.

Every record opens with the same envelope: `sequence` (total order, from 1), `time_ns` (world time), `principal_id` (who
caused it; null for the world itself) and `turn_id` (during which turn). One line of JSON per record is its only
encoding: in the database, in the export, on the wire. Adding a field with a default keeps version 1 readable; anything
else raises `SCHEMA_VERSION`, which `run.started` carries. Nothing here depends on the host or on wall time, so under
the virtual clock the log is the same bytes everywhere.
"""

import msgspec

SCHEMA_VERSION = 2


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """The envelope. Subclasses add typed fields; `type` is the tag.

    A field at its default is not written. Records hold no cycles, so the garbage collector need not look at them.
    """

    sequence: int
    time_ns: int
    principal_id: str | None
    turn_id: str | None


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    """The world begins; `scenario_sha256` is the fingerprint of its whole configuration."""

    schema_version: int
    scenario: str
    scenario_sha256: str
    seed: int
    agents: int
    clock: str


class RunEnded(Event, frozen=True, kw_only=True, tag="run.ended"):
    """The world is over; nothing follows."""

    reason: str


class AgentSpawned(Event, frozen=True, kw_only=True, tag="agent.spawned"):
    """An agent began to live; `parent_id` is null at genesis. `strategy` is its policy's name."""

    agent_id: str
    ordinal: int
    strategy: str
    parent_id: str | None


class AgentStateChanged(Event, frozen=True, kw_only=True, tag="agent.state"):
    """`state` is active, asleep, blocked or frozen; `until_ns` is when a sleep ends at the latest."""

    agent_id: str
    state: str
    reason: str
    until_ns: int | None = None


class AgentFailed(Event, frozen=True, kw_only=True, tag="agent.failed"):
    """A policy crashed. The loop backs off for `retry_ns`; the traceback stays with the observer, not here."""

    agent_id: str
    error: str
    failures: int
    retry_ns: int


class ActionTaken(Event, frozen=True, kw_only=True, tag="action"):
    """One turn's action and what it cost.

    `outcome` is committed or refused (then `reason` says why). Costs are what was charged: compute tokens in
    thousandths, CPU in microseconds. `waited_ns` is how long the turn waited on `waited_on` before it could begin.
    Levels are the buckets after the charge.
    """

    action: str
    outcome: str
    reason: str | None = None
    target: str | None = None
    llm_millitokens: int = 0
    cpu_us: int = 0
    waited_ns: int = 0
    waited_on: str | None = None
    llm_level_millitokens: int = 0
    cpu_level_us: int = 0


class ArtifactDescribed(Event, frozen=True, kw_only=True):
    """What a new revision is. `depends_on` are the ids its maker declared it was made from.

    `executable` is whether it has methods to invoke, `standing` whether it holds scrip and rights of its own.
    """

    artifact_id: str
    artifact_type: str
    owner: str
    contract: str
    revision: int
    size_bytes: int
    content_sha256: str
    depends_on: tuple[str, ...] = ()
    title: str = ""
    executable: bool = False
    standing: bool = False


class ArtifactCreated(ArtifactDescribed, frozen=True, kw_only=True, tag="artifact.created"):
    """Revision 1."""


class ArtifactUpdated(ArtifactDescribed, frozen=True, kw_only=True, tag="artifact.updated"):
    """A later revision."""


class ArtifactDeleted(Event, frozen=True, kw_only=True, tag="artifact.deleted"):
    """Gone, its bytes are free and its name stays taken."""

    artifact_id: str
    artifact_type: str
    owner: str
    revision: int
    freed_bytes: int


class OwnershipMoved(Event, frozen=True, kw_only=True, tag="artifact.owner"):
    """Handed over, the bytes it occupies included."""

    artifact_id: str
    from_id: str
    to_id: str
    revision: int
    size_bytes: int


class TransferPosted(Event, frozen=True, kw_only=True, tag="transfer.posted"):
    """An amount of an asset moved. At genesis the world's issuer is the source."""

    transfer_id: int
    asset: str
    from_id: str
    to_id: str
    amount: int
    memo: str = ""


class HoldOpened(Event, frozen=True, kw_only=True, tag="hold.opened"):
    """An amount was set aside for `to_id`; `expires_ns` is null for a hold that never expires. `memo` says what for."""

    transfer_id: int
    asset: str
    from_id: str
    to_id: str
    amount: int
    expires_ns: int | None = None
    memo: str = ""


class HoldClosed(Event, frozen=True, kw_only=True, tag="hold.closed"):
    """`how` is posted, voided or expired; `amount` is what moved (0 unless posted)."""

    transfer_id: int
    how: str
    amount: int


class ModelCalled(Event, frozen=True, kw_only=True, tag="model.called"):
    """A model's thought. `answer` is ok, repaired, unparsable, refused or unreachable; what was billed stays so."""

    model: str
    answer: str
    input_tokens: int
    output_tokens: int
    usd_micros: int
    estimate_usd_micros: int
    estimate_millitokens: int
    latency_ms: int


class MessageSent(Event, frozen=True, kw_only=True, tag="message.sent"):
    """One principal told another something."""

    to_id: str
    text: str


class SubscriptionAdded(Event, frozen=True, kw_only=True, tag="subscription.added"):
    """A principal will be told of events of a type."""

    subscription_id: str
    event_type: str


class SubscriptionRemoved(Event, frozen=True, kw_only=True, tag="subscription.removed"):
    """A principal will no longer be told."""

    subscription_id: str


class CodeRan(Event, frozen=True, kw_only=True, tag="code.ran"):
    """A method of an executable, or a contract's check, ran to its end. `principal_id` is the immediate caller.

    `fault` says why it failed; then nothing of what it did took place. `price` moved from `payer_id` to `recipient_id`
    with what it did. `cpu_us` was charged to `bearer_id`, `cpu_estimate_us` is what the cost model says of the same
    run: equal under the virtual clock. `depth` is 1 for what an agent called itself.
    """

    artifact_id: str
    revision: int
    method: str
    depth: int
    fault: str | None = None
    price: int = 0
    payer_id: str | None = None
    recipient_id: str | None = None
    bearer_id: str | None = None
    steps: int = 0
    calls: int = 0
    cpu_us: int = 0
    cpu_estimate_us: int = 0


class CodeLogged(Event, frozen=True, kw_only=True, tag="code.logged"):
    """What code said by `log`. `principal_id` is whom it acted for."""

    artifact_id: str
    text: str


class ContractStateChanged(Event, frozen=True, kw_only=True, tag="contract.state"):
    """A contract in code keeps another state about an artifact since the access it allowed."""

    contract_id: str
    artifact_id: str
    state_bytes: int
    state_sha256: str


class DelegationGranted(Event, frozen=True, kw_only=True, tag="delegation.granted"):
    """`principal_id` lets `charger_id` charge it, so much per call and per window."""

    charger_id: str
    asset: str
    max_per_call: int
    max_per_window: int
    window_ms: int


class DelegationRevoked(Event, frozen=True, kw_only=True, tag="delegation.revoked"):
    """`charger_id` may no longer charge `principal_id`."""

    charger_id: str
    asset: str


class ListingOpened(Event, frozen=True, kw_only=True, tag="escrow.listed"):
    """For sale: an artifact as of a revision, or an amount of an asset, for good or (`rent_ms`) for a time."""

    listing_id: str
    price: int
    artifact_id: str | None = None
    revision: int = 0
    asset: str | None = None
    amount: int = 0
    rent_ms: int = 0
    buyer_id: str | None = None


class ListingSold(Event, frozen=True, kw_only=True, tag="escrow.sold"):
    """`principal_id` bought it from `seller_id`: price and thing moved together."""

    listing_id: str
    seller_id: str
    price: int
    artifact_id: str | None = None
    artifact_type: str | None = None
    asset: str | None = None
    amount: int = 0
    rent_ms: int = 0


class ListingClosed(Event, frozen=True, kw_only=True, tag="escrow.closed"):
    """No longer for sale: `reason` is cancelled (by its seller) or stale (the artifact is no longer what was listed)."""

    listing_id: str
    seller_id: str
    reason: str


class RightRented(Event, frozen=True, kw_only=True, tag="right.rented"):
    """`tenant_id` enjoys a part of `owner_id`'s right until `until_ns`."""

    rental_id: str
    asset: str
    amount: int
    owner_id: str
    tenant_id: str
    until_ns: int


class RightReverted(Event, frozen=True, kw_only=True, tag="right.reverted"):
    """The rent is over: what came back of the right (all, except of a budget that was spent)."""

    rental_id: str
    asset: str
    amount: int
    owner_id: str
    tenant_id: str


class BidPlaced(Event, frozen=True, kw_only=True, tag="mint.bid"):
    """An artifact was submitted to the mint; `amount` is held until the resolution."""

    bid_id: str
    artifact_id: str
    revision: int
    amount: int


class BidClosed(Event, frozen=True, kw_only=True, tag="mint.closed"):
    """The end of a bid: `how` is lost, minted, or failed (the scorer gave no score, so nobody paid).

    `price` was paid and shared among the others, `minted` was issued: the score divided by ten.
    """

    bid_id: str
    bidder_id: str
    artifact_id: str
    how: str
    price: int = 0
    score: int = 0
    minted: int = 0
    detail: str = ""


class MintResolved(Event, frozen=True, kw_only=True, tag="mint.resolved"):
    """A resolution chose its winners by uniform price: each pays the highest losing bid, or the minimum."""

    number: int
    bids: int
    winners: tuple[str, ...]
    price: int


FAMILIES: tuple[type[Event], ...] = (
    RunStarted,
    RunEnded,
    AgentSpawned,
    AgentStateChanged,
    AgentFailed,
    ActionTaken,
    ArtifactCreated,
    ArtifactUpdated,
    ArtifactDeleted,
    OwnershipMoved,
    TransferPosted,
    HoldOpened,
    HoldClosed,
    ModelCalled,
    MessageSent,
    SubscriptionAdded,
    SubscriptionRemoved,
    CodeRan,
    CodeLogged,
    ContractStateChanged,
    DelegationGranted,
    DelegationRevoked,
    ListingOpened,
    ListingSold,
    ListingClosed,
    RightRented,
    RightReverted,
    BidPlaced,
    BidClosed,
    MintResolved,
)
"""The one registry: what is not here is not an event."""

Record = (
    RunStarted
    | RunEnded
    | AgentSpawned
    | AgentStateChanged
    | AgentFailed
    | ActionTaken
    | ArtifactCreated
    | ArtifactUpdated
    | ArtifactDeleted
    | OwnershipMoved
    | TransferPosted
    | HoldOpened
    | HoldClosed
    | ModelCalled
    | MessageSent
    | SubscriptionAdded
    | SubscriptionRemoved
    | CodeRan
    | CodeLogged
    | ContractStateChanged
    | DelegationGranted
    | DelegationRevoked
    | ListingOpened
    | ListingSold
    | ListingClosed
    | RightRented
    | RightReverted
    | BidPlaced
    | BidClosed
    | MintResolved
)

TYPE_OF: dict[type[Event], str] = {family: str(family.__struct_config__.tag) for family in FAMILIES}
FAMILY_OF: dict[str, type[Event]] = {name: family for family, name in TYPE_OF.items()}

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def encode(event: Event) -> bytes:
    """One line of JSON, without the newline."""
    return _encoder.encode(event)


def decode(line: bytes | str) -> Record:
    """The record of one line; raises `msgspec.DecodeError` on anything else."""
    return _decoder.decode(line)
