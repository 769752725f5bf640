"""Everything that is true of a world, as plain data: two worlds with equal fingerprints go on in the same way."""

import hashlib

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.kernel.agent import Agent
from ecology.kernel.world import World
from ecology.resources.bucket import NANO, Bucket


def fingerprint(world: World, now_ns: int) -> dict[str, object]:
    """The state of a world at a time not before its last deed, buckets by what they hold then; changes nothing.

    Order is kept wherever the world's later behaviour depends on it.
    """
    names = [agent.id for agent in world.roster]
    return {
        "seed": world.seed,
        "next_sequence": world.log.next_sequence,
        "accounts": [msgspec.to_builtins(row) for row in world.book.accounts()],
        "pending": [msgspec.to_builtins(hold) for hold in world.book.pending()],
        "artifacts": [_artifact(world, artifact) for artifact in everything(world)],
        "principals": {name: _principal(world, name) for name in sorted(world.principals)},
        "agents": [_agent(agent, now_ns) for agent in world.roster],
        "registers": {
            register.kind: [msgspec.to_builtins(record) for record in register]
            for register in world.registers
        },
        "subscriptions": {
            name: [msgspec.to_builtins(it) for it in world.subscriptions.of(name)] for name in names
        },
    }


def everything(world: World) -> list[Artifact]:
    """All artifacts by creation, deleted ones included."""
    return sorted(world.shelf.everything(), key=lambda artifact: artifact.created_sequence)


def level_nano(bucket: Bucket, now_ns: int) -> int:
    """What a bucket holds at a time, in billionths of its base unit, without bringing it up to then."""
    return min(bucket.level_nano + (now_ns - bucket.updated_ns) * bucket.rate, bucket.capacity * NANO)


def _artifact(world: World, artifact: Artifact) -> object:
    content = world.shelf.contents.get(artifact.id)
    described: dict[str, object] = msgspec.to_builtins(artifact)
    described["metadata"] = list(artifact.metadata.items())
    described["content_sha256"] = hashlib.sha256(content).hexdigest()
    return described


def _principal(world: World, name: str) -> object:
    principal = world.principals[name]
    return {"id": principal.id, "accounts": principal.accounts, "disk_used": principal.disk_used}


def _agent(agent: Agent, now_ns: int) -> object:
    described: dict[str, object] = {"id": agent.id}
    for name in agent.__slots__:
        if name not in ("llm", "cpu", "inbox"):
            described[name] = msgspec.to_builtins(getattr(agent, name))
    described["traits"] = list(agent.config.traits.items())
    described["inbox"] = [event.sequence for event in agent.inbox]
    for name, bucket in (("llm", agent.llm), ("cpu", agent.cpu)):
        described[name] = (bucket.rate, bucket.capacity, level_nano(bucket, now_ns))
    return described
