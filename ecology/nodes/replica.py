"""What one node's commit changed, as bytes, and how another node's replica of the world takes it in.

The payload of a commit repeats what its rows say, in a form that a replica can apply without asking the database
anything: all but contents, which are loaded when somebody reads them, and events, of which only those travel that
somebody was told. Replicas take in every commit in the order of their numbers, so a payload may rely on all before it.
"""

from typing import Any

import msgspec

from ecology.artifacts.artifact import AGENT_TYPE, MEMORY_TYPE, Artifact
from ecology.events.registry import decode as decode_event
from ecology.events.registry import encode as encode_event
from ecology.kernel.agent import Agent
from ecology.kernel.batch import Batch
from ecology.kernel.world import World
from ecology.resources.assets import ASSETS
from ecology.store import rows
from ledger.durable import AccountRow, BalanceRow
from ledger.transfer import HoldState, TransferRow


class Change(msgspec.Struct, array_like=True):
    """The payload of a commit.

    `rewritten` are the artifacts whose content changed, `configs` the new configurations among those. `told` holds
    the lines of this commit's events that are in somebody's inbox. `sequence` is the log's last after this commit.
    """

    sequence: int
    accounts: list[AccountRow]
    balances: list[BalanceRow]
    pending: list[TransferRow]
    resolved: list[int]
    artifacts: list[Artifact]
    rewritten: list[str]
    configs: dict[str, bytes]
    agents: list[tuple[Any, ...]]
    told: dict[int, bytes]
    subscribed: list[tuple[Any, ...]]
    unsubscribed: list[str]
    records: list[tuple[str, str, bytes | None]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Change).decode


def payload_of(batch: Batch, last_sequence: int) -> bytes:
    """What a batch changes, for other replicas; the world's last event is `last_sequence` with it."""
    delta, contents = batch.ledger, batch.contents
    pending = {hold_id for hold_id, state, _ in delta.holds if state is HoldState.PENDING}
    fresh = batch.events[0].sequence if batch.events else 0
    told = {
        event.sequence: event
        for agent in batch.agents
        for event in agent.inbox
        if fresh and event.sequence >= fresh
    }
    return _encode(
        Change(
            sequence=last_sequence,
            accounts=delta.accounts,
            balances=delta.balances,
            pending=[row for row in delta.transfers if row[0] in pending],
            resolved=[hold_id for hold_id, _, _ in delta.holds if hold_id not in pending],
            artifacts=batch.artifacts,
            rewritten=[it.id for it in batch.artifacts if it.id in contents],
            configs={
                it.id: contents[it.id]
                for it in batch.artifacts
                if it.type == AGENT_TYPE and it.id in contents
            },
            agents=[rows.agent_row(agent) for agent in batch.agents],
            told={sequence: encode_event(event) for sequence, event in told.items()},
            subscribed=[rows.subscription_row(it) for it in batch.subscribed],
            unsubscribed=batch.unsubscribed,
            records=batch.records,
        )
    )


def is_empty(batch: Batch) -> bool:
    """Whether nothing has changed."""
    return not (
        batch.events
        or batch.agents
        or batch.artifacts
        or batch.ledger
        or batch.subscribed
        or batch.unsubscribed
        or batch.records
    )


def apply(world: World, payload: bytes) -> list[Agent]:
    """Bring a replica up to another node's commit; the agents it concerned.

    The replica must have nothing uncommitted. Raises msgspec.DecodeError for what is no payload.
    """
    change = _decode(payload)
    world.log.follow(change.sequence)
    world.book.adopt(change.accounts, change.balances, change.pending, change.resolved)
    _adopt_artifacts(world, change)
    _adopt_records(world, change)
    for subscription_id in change.unsubscribed:
        world.subscriptions.remove(subscription_id)
    for row in change.subscribed:
        world.subscriptions.add(rows.subscription_of(row))
    return [_adopt_agent(world, row, change) for row in sorted(change.agents, key=lambda row: row[0])]


def _adopt_artifacts(world: World, change: Change) -> None:
    """The artifacts as committed, and the bytes that accounts without an agent bear, which no row of theirs says."""
    rewritten = set(change.rewritten)
    for artifact in change.artifacts:
        if artifact.standing and artifact.id not in world.principals:
            world.grant_standing(artifact.id)
    for artifact in sorted(change.artifacts, key=lambda it: it.created_sequence):
        before = world.shelf.find(artifact.id)
        if before is not None:
            _bear(world, before.bearer, -before.size_bytes)
        if MEMORY_TYPE in (artifact.type, None if before is None else before.type):
            world.memory.note(artifact.id)
        world.shelf.adopt(artifact, rewritten=artifact.id in rewritten)
        _bear(world, artifact.bearer, artifact.size_bytes)


def _adopt_records(world: World, change: Change) -> None:
    """All that changed goes before anything comes: what an index knows but once must not be there twice."""
    registers = {register.kind: register for register in world.registers}
    for kind, name, _ in change.records:
        if registers[kind].get(name) is not None:
            registers[kind].adopt(name, None)
    for kind, name, body in change.records:
        if body is not None:
            registers[kind].adopt(name, body)


def _bear(world: World, name: str, size_bytes: int) -> None:
    principal = world.principals.get(name)
    if principal is not None and not isinstance(principal, Agent):
        principal.disk_used += size_bytes


def _adopt_agent(world: World, row: tuple[Any, ...], change: Change) -> Agent:
    name: str = row[1]
    agent, config = world.agents.get(name), change.configs.get(name)
    known = {} if agent is None else {event.sequence: event for event in agent.inbox}
    inbox = [
        known[sequence] if sequence in known else decode_event(change.told[sequence])
        for sequence in rows.inbox_sequences(row)
    ]
    if agent is None:
        assert config is not None, f"{name} was born without a configuration"
        accounts = {asset: world.book.open_account(name, asset) for asset in ASSETS}
        agent = rows.agent_of((*row, config), accounts, inbox)
        world.readmit(agent)
        return agent
    if config is not None:
        agent.config = rows.config_of(config)
    rows.renew_agent(agent, row, inbox)
    world.resume_rights(agent)
    return agent
