"""Objects of the world to rows of the store, and back."""

from typing import cast

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.events.records import Event
from ecology.events.registry import TYPE_OF, decode, encode
from ecology.events.subscriptions import EventFilter, Subscription
from ecology.kernel.actions import AgentConfig, Sleep
from ecology.kernel.agent import Agent, Status
from ecology.resources.bucket import Bucket

SqlValue = None | int | float | bytes | str
Row = tuple[SqlValue, ...]

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_names = msgspec.json.Decoder(tuple[str, ...]).decode
_words = msgspec.json.Decoder(dict[str, str]).decode
_anything = msgspec.json.Decoder(dict[str, object]).decode
_numbers = msgspec.json.Decoder(list[int]).decode
_sleep = msgspec.json.Decoder(Sleep).decode
_config = msgspec.json.Decoder(AgentConfig).decode
_filter = msgspec.json.Decoder(EventFilter).decode


def event_row(event: Event) -> Row:
    """`events`: envelope and body."""
    return (
        event.sequence,
        event.time_ns,
        TYPE_OF[type(event)],
        event.principal_id,
        event.turn_id,
        encode(event),
    )


def artifact_row(artifact: Artifact, content: bytes) -> Row:
    """`artifacts`: everything."""
    it = artifact
    return (
        it.created_sequence,
        it.id,
        it.type,
        it.format,
        it.created_by,
        it.owner,
        it.bearer,
        it.contract,
        it.title,
        _encode(it.depends_on),
        _encode_sorted(it.metadata),
        None if it.interface is None else _encode(it.interface),
        it.revision,
        it.size_bytes,
        it.created_ns,
        it.updated_ns,
        int(it.deleted),
        int(it.standing),
        it.contract_state,
        content,
    )


def moved_row(artifact: Artifact) -> Row:
    """`artifacts`: what changes when its content does not."""
    it = artifact
    return (
        it.owner,
        it.bearer,
        it.revision,
        it.updated_ns,
        it.size_bytes,
        it.contract_state,
        it.created_sequence,
    )


def artifact_of(row: Row) -> Artifact:
    """The artifact of a row without its content."""
    (
        sequence,
        name,
        kind,
        form,
        creator,
        owner,
        bearer,
        contract,
        title,
        depends,
        metadata,
        interface,
        *rest,
    ) = row
    revision, size, created, updated, deleted, standing = cast(
        tuple[int, int, int, int, int, int], tuple(rest[:6])
    )
    return Artifact(
        id=cast(str, name),
        created_sequence=cast(int, sequence),
        type=cast(str, kind),
        format=cast(str, form),
        created_by=cast(str, creator),
        owner=cast(str, owner),
        bearer=cast(str, bearer),
        contract=cast(str, contract),
        title=cast(str, title),
        depends_on=_names(cast(bytes, depends)),
        metadata=_words(cast(bytes, metadata)),
        interface=None if interface is None else _anything(cast(bytes, interface)),
        revision=revision,
        size_bytes=size,
        created_ns=created,
        updated_ns=updated,
        deleted=bool(deleted),
        standing=bool(standing),
        contract_state=cast(str, rest[6]),
    )


def agent_row(agent: Agent) -> Row:
    """`agents`: everything but what the ledger and the agent's artifact hold."""
    llm, cpu = agent.llm, agent.cpu
    return (
        agent.ordinal,
        agent.id,
        agent.status,
        agent.reason,
        agent.turn,
        agent.failures,
        agent.config_revision,
        agent.wake_ns,
        agent.due_ns,
        agent.waiting_on,
        None if agent.sleep is None else _encode(agent.sleep),
        llm.level_nano,
        llm.updated_ns,
        cpu.level_nano,
        cpu.updated_ns,
        agent.disk_used,
        _encode([event.sequence for event in agent.inbox]) if agent.inbox else b"[]",
        agent.missed,
        agent.mind,
    )


def inbox_sequences(row: Row) -> list[int]:
    """The sequences of the events in an agent row's inbox."""
    return _numbers(cast(bytes, row[16]))


def agent_of(row: Row, accounts: dict[str, int], inbox: list[Event]) -> Agent:
    """The agent of a row joined with its artifact's content; its buckets' rights are refreshed by the caller."""
    ordinal, name = cast(tuple[int, str], row[0:2])
    agent = Agent(name, ordinal, config_of(cast(bytes, row[19])), accounts)
    renew_agent(agent, row, inbox)
    return agent


def config_of(content: bytes) -> AgentConfig:
    """The configuration that an agent's artifact holds."""
    return _config(content)


def renew_agent(agent: Agent, row: Row, inbox: list[Event]) -> None:
    """Make an agent what its row says; its rights are refreshed by the caller."""
    agent.status, agent.reason = cast(tuple[Status, str], row[2:4])
    agent.turn, agent.failures, agent.config_revision, agent.wake_ns, agent.due_ns = cast(
        tuple[int, int, int, int, int], row[4:9]
    )
    agent.waiting_on = cast(str | None, row[9])
    agent.sleep = None if row[10] is None else _sleep(cast(bytes, row[10]))
    llm_level, llm_updated, cpu_level, cpu_updated = cast(tuple[int, int, int, int], row[11:15])
    agent.llm = Bucket(0, 0, llm_level, llm_updated)
    agent.cpu = Bucket(0, 0, cpu_level, cpu_updated)
    agent.disk_used = cast(int, row[15])
    agent.inbox = inbox
    agent.missed = cast(int, row[17])
    agent.mind = cast(bytes, row[18])


def subscription_row(subscription: Subscription) -> Row:
    """`subscriptions`: its place is the row's own."""
    return subscription.subscription_id, subscription.principal_id, _encode(subscription.filter)


def subscription_of(row: Row) -> Subscription:
    """The subscription of a row."""
    return Subscription(cast(str, row[0]), cast(str, row[1]), _filter(cast(bytes, row[2])))


def event_of(body: SqlValue) -> Event:
    """The record of a stored body."""
    return decode(cast(bytes, body))
