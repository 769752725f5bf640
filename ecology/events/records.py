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


class FlowChanged(Event, frozen=True, kw_only=True, tag="world.flow"):
    """From now on every agent's tokens flow at `flow_ppm` millionths of what its rights say; so far, at `before_ppm`.

    Rights are as they were. `why` is for people.
    """

    flow_ppm: int
    before_ppm: int
    why: str = ""


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
