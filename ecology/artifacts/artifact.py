"""One artifact at HEAD: everything but its content, which is kept apart because it can be large."""

import hashlib

import msgspec

from ecology.core.limits import MAX_DEPTH
from ecology.events.records import ArtifactCreated, ArtifactUpdated

TEXT = "text"
JSON = "json"
BYTES = "bytes"
FORMATS = (TEXT, JSON, BYTES)

STANDING_BYTES = 256
"""What the accounts of an artifact with standing count for, which stay for ever: one for each asset."""

AGENT_TYPE = "agent"
"""The type of an agent's own configuration artifact."""

MEMORY_TYPE = "memory"
"""The type of what agents remember: `recall` finds these by likeness."""


class Artifact(msgspec.Struct, kw_only=True):
    """A named thing. Only the kernel changes one, and each change adds 1 to `revision`.

    `created_by` is who wrote it first, for ever; `owner` may move under contracts that say so; `bearer` is the
    principal whose disk quota it occupies. `size_bytes` counts all that authors choose. A deleted artifact
    keeps its name: nobody can take over what others may still refer to. `standing` is whether it has accounts.
    `contract_state` is what its contract, if that is code, remembers about it: JSON, or empty.
    """

    id: str
    created_sequence: int
    type: str
    format: str
    created_by: str
    owner: str
    bearer: str
    contract: str
    title: str
    depends_on: tuple[str, ...]
    metadata: dict[str, str]
    interface: dict[str, object] | None
    revision: int
    size_bytes: int
    created_ns: int
    updated_ns: int
    deleted: bool = False
    standing: bool = False
    contract_state: str = ""

    @property
    def executable(self) -> bool:
        """Whether it has methods to invoke."""
        return self.interface is not None and "methods" in self.interface

    @property
    def permanent(self) -> bool:
        """Whether it is never deleted: an agent's own, or one that holds scrip and rights."""
        return self.standing or self.type == AGENT_TYPE


def card(artifact: Artifact) -> dict[str, object]:
    """The metadata layer of discovery: what a looker sees before deciding to read."""
    return {
        "id": artifact.id,
        "type": artifact.type,
        "title": artifact.title,
        "owner": artifact.owner,
        "created_by": artifact.created_by,
        "contract": artifact.contract,
        "executable": artifact.executable,
        "revision": artifact.revision,
        "size_bytes": artifact.size_bytes,
    }


def is_deep(value: object) -> bool:
    """Whether a JSON value has more than MAX_DEPTH levels; looked at level by level, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list | tuple):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return any(isinstance(item, dict | list | tuple) for item in level)


def overhead_bytes(artifact: Artifact) -> int:
    """Bytes of all that an author or a contract may choose, but for the content: no storage is free."""
    used = len(artifact.id) + len(artifact.type)
    used += len(artifact.title.encode()) + len(artifact.contract_state.encode())
    if artifact.standing:
        used += STANDING_BYTES
    if artifact.metadata:
        used += len(msgspec.json.encode(artifact.metadata))
    if artifact.interface is not None:
        used += len(msgspec.json.encode(artifact.interface))
    return used + sum(map(len, artifact.depends_on))


def announcement(
    artifact: Artifact,
    content: bytes,
    *,
    sequence: int,
    time_ns: int,
    principal_id: str | None,
    turn_id: str | None,
) -> ArtifactCreated | ArtifactUpdated:
    """The event that tells of the artifact's present revision."""
    family = ArtifactCreated if artifact.revision == 1 else ArtifactUpdated
    return family(
        sequence=sequence,
        time_ns=time_ns,
        principal_id=principal_id,
        turn_id=turn_id,
        artifact_id=artifact.id,
        artifact_type=artifact.type,
        owner=artifact.owner,
        contract=artifact.contract,
        revision=artifact.revision,
        size_bytes=artifact.size_bytes,
        content_sha256=hashlib.sha256(content).hexdigest(),
        depends_on=artifact.depends_on,
        title=artifact.title,
        executable=artifact.executable,
        standing=artifact.standing,
    )
