"""read, write, edit, delete: artifacts and the disk they occupy."""

import base64

import msgspec

from ecology.artifacts.artifact import (
    AGENT_TYPE,
    BYTES,
    JSON,
    Artifact,
    card,
    overhead_bytes,
)
from ecology.core.limits import MAX_CONTENT_BYTES, MAX_READ_BYTES
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.records import ArtifactDeleted
from ecology.kernel import drafts, lineage, refusals
from ecology.kernel.access import perform
from ecology.kernel.actions import Delete, Edit, Read, Write
from ecology.kernel.batch import Turn
from ecology.kernel.finding import find
from ecology.kernel.world import World
from ecology.resources.assets import DISK


def read(world: World, turn: Turn, action: Read) -> Outcome:
    """A piece of the content, with the artifact's card."""
    artifact = find(world, action.artifact)
    if isinstance(artifact, Refused):
        return artifact
    return perform(
        world,
        turn,
        "read",
        artifact,
        lambda: _piece(world, turn, artifact, action.offset),
        max_price=action.max_price,
    )


def _piece(world: World, turn: Turn, artifact: Artifact, offset: int) -> Outcome:
    content = world.shelf.contents.get(artifact.id)
    if not 0 <= offset <= len(content):
        return Refused(refusals.ARGUMENT_INVALID, f"offset is 0 to {len(content)}")
    end = min(offset + MAX_READ_BYTES, len(content))
    while artifact.format != BYTES and end < len(content) and content[end] & 0xC0 == 0x80:
        end -= 1  # a character is not torn in two
    piece = content[offset:end]
    data = card(artifact)
    data["depends_on"] = list(artifact.depends_on)
    data["metadata"] = dict(artifact.metadata)
    if artifact.format == BYTES:
        data["content_base64"] = base64.b64encode(piece).decode()
    else:
        data["content"] = piece.decode("utf-8", "replace")
    if end < len(content):
        data["next_offset"] = end
    if not (turn.looking or turn.depth):
        # What a tool reads its maker chose: else a popular one could make each of its users applaud any work.
        world.note_use(artifact, turn.agent)
    return Committed(data)


def write(world: World, turn: Turn, action: Write) -> Outcome:
    """Create, or replace the whole content."""
    fault = drafts.form_fault(world, action)
    if fault is not None:
        return fault
    content = drafts.decoded(action)
    if isinstance(content, Refused):
        return content
    artifact = world.shelf.find(action.artifact)
    if artifact is None:
        return _create(world, turn, action, content)
    if artifact.deleted:
        return Refused(refusals.DELETED, f"'{artifact.id}' was deleted")
    return perform(
        world,
        turn,
        "write",
        artifact,
        lambda: _replace(world, turn, artifact, content, action),
        max_price=action.max_price,
        context=lambda: drafts.announced(artifact, content, action),
    )


def _replace(world: World, turn: Turn, artifact: Artifact, content: bytes, action: Write) -> Outcome:
    """What a permitted write does to what exists."""
    if artifact.type == AGENT_TYPE:
        if (
            action.contract not in (None, artifact.contract)
            or action.depends_on
            or action.metadata
            or action.interface
        ):
            return Refused(
                refusals.IS_PRINCIPAL, "of an agent only the content changes, which is its configuration"
            )
        return lineage.rewrite(world, turn, artifact, content)
    if action.type == AGENT_TYPE:
        return Refused(refusals.IS_PRINCIPAL, "an agent comes to life by 'spawn'")
    if action.standing and not artifact.standing:
        return Refused(refusals.ARGUMENT_INVALID, "standing is given when an artifact is created")
    return _revise(world, turn, artifact, content, action)


def edit(world: World, turn: Turn, action: Edit) -> Outcome:
    """Replace one exact match."""
    artifact = find(world, action.artifact)
    if isinstance(artifact, Refused):
        return artifact
    return perform(
        world,
        turn,
        "write",
        artifact,
        lambda: _edit(world, turn, artifact, action),
        max_price=action.max_price,
    )


def _edit(world: World, turn: Turn, artifact: Artifact, action: Edit) -> Outcome:
    if artifact.format == BYTES:
        return Refused(refusals.NOT_TEXT, "a bytes artifact is replaced by 'write'")
    text = world.shelf.contents.get(artifact.id).decode()
    place = text.find(action.old) if action.old else -1
    if place < 0:
        return Refused(refusals.NO_MATCH, "the text to replace does not occur")
    if text.find(action.old, place + 1) >= 0:  # also one that overlaps the first
        return Refused(refusals.AMBIGUOUS_MATCH, "the text to replace occurs more than once; give more of it")
    try:
        content = text.replace(action.old, action.new, 1).encode()
    except UnicodeEncodeError:
        return Refused(refusals.ARGUMENT_INVALID, "the new text is not valid Unicode")
    if len(content) > MAX_CONTENT_BYTES:
        return Refused(refusals.TOO_LARGE, f"a content is at most {MAX_CONTENT_BYTES} bytes")
    if artifact.type == AGENT_TYPE:
        return lineage.rewrite(world, turn, artifact, content)
    if artifact.format == JSON and (bad := drafts.json_fault(content)):
        return bad
    return _revise(world, turn, artifact, content, None)


def delete(world: World, turn: Turn, action: Delete) -> Outcome:
    """Free the bytes; the name stays taken."""
    artifact = find(world, action.artifact)
    if isinstance(artifact, Refused):
        return artifact
    if artifact.type == AGENT_TYPE:
        return Refused(refusals.IS_PRINCIPAL, "agents never die")
    if artifact.standing:
        return Refused(refusals.IS_PRINCIPAL, "what holds scrip or rights of its own is not deleted")
    return perform(
        world, turn, "delete", artifact, lambda: _erase(world, turn, artifact), max_price=action.max_price
    )


def _erase(world: World, turn: Turn, artifact: Artifact) -> Outcome:
    freed = erase(world, turn, turn.now_ns, artifact)
    return Committed({"artifact": artifact.id, "freed_bytes": freed})


def erase(world: World, turn: Turn | None, now_ns: int, artifact: Artifact) -> int:
    """Delete an artifact, by a turn or by the world, which tells owner and bearer; how many bytes that freed."""
    assert not artifact.permanent, "what others' accounts and lives hang on stays"
    owner, bearer = world.principals[artifact.owner], world.principals[artifact.bearer]
    freed = artifact.size_bytes
    world.altering(artifact)
    world.charge_disk(bearer, -freed)
    # Only the name stays, which is free of charge: nothing else of it may occupy the world's own memory for ever.
    artifact.contract_state, artifact.metadata, artifact.interface = "", {}, None
    artifact.revision += 1
    world.shelf.discard(artifact, now_ns)
    world.uses.forget(artifact.id)
    event = ArtifactDeleted(
        sequence=world.log.next_sequence,
        time_ns=now_ns,
        principal_id=None if turn is None else turn.actor.id,
        turn_id=None if turn is None else turn.id,
        artifact_id=artifact.id,
        artifact_type=artifact.type,
        owner=artifact.owner,
        revision=artifact.revision,
        freed_bytes=freed,
    )
    world.announce(event, *([owner, bearer] if turn is None else []))
    world.reconsider(bearer, DISK, now_ns)
    return freed


def _create(world: World, turn: Turn, action: Write, content: bytes) -> Outcome:
    if action.type == AGENT_TYPE:
        return Refused(refusals.IS_PRINCIPAL, "an agent comes to life by 'spawn'")
    author = turn.actor
    artifact = Artifact(
        id=action.artifact,
        created_sequence=world.log.next_sequence,
        type=action.type,
        format=action.format,
        created_by=author.id,
        owner=author.id,
        bearer=author.id,
        contract=action.contract or world.contracts.default,
        title=action.title,
        depends_on=tuple(action.depends_on),
        metadata=drafts.kept_metadata(action) or {},
        interface=drafts.kept_interface(action),
        revision=1,
        size_bytes=0,
        created_ns=turn.now_ns,
        updated_ns=turn.now_ns,
        standing=action.standing,
    )
    size = len(content) + overhead_bytes(artifact)
    if size > (free := world.disk_free(author, own=artifact.permanent)):
        return Refused(refusals.DISK_QUOTA, f"{size} bytes wanted, {free} free")
    artifact.size_bytes = size
    world.charge_disk(author, size)
    world.shelf.add(artifact, content)
    if world.journal.active:
        world.journal.undo.append(lambda: world.shelf.forget(artifact))
    _note_dependencies(world, turn, artifact)
    if action.standing:
        world.grant_standing(artifact.id)
    world.publish(artifact, content, turn.now_ns, author.id, turn.id)
    return Committed({"artifact": artifact.id, "revision": 1, "size_bytes": size})


def _note_dependencies(world: World, turn: Turn, artifact: Artifact) -> None:
    for name in artifact.depends_on:
        base = world.shelf.find(name)
        if base is not None and not base.deleted:
            world.note_use(base, turn.agent)


def _revise(world: World, turn: Turn, artifact: Artifact, content: bytes, action: Write | None) -> Outcome:
    """A new revision. Whoever writes bears the bytes from then on, so nobody fills another's disk."""
    author = turn.actor
    draft = artifact
    if action is not None:
        draft = msgspec.structs.replace(
            artifact,
            type=action.type,
            title=action.title,
            format=action.format,
            depends_on=tuple(action.depends_on),
            contract=action.contract or artifact.contract,
            contract_state=artifact.contract_state if action.contract in (None, artifact.contract) else "",
            metadata=artifact.metadata if action.metadata is None else drafts.kept_metadata(action),
            interface=artifact.interface if action.interface is None else drafts.kept_interface(action),
        )
    size = len(content) + overhead_bytes(draft)
    bearer = world.principals[artifact.bearer]
    grown = size - artifact.size_bytes if bearer is author else size
    if grown > 0 and grown > (free := world.disk_free(author, own=artifact.permanent)):
        return Refused(refusals.DISK_QUOTA, f"{grown} more bytes wanted, {free} free")
    world.altering(artifact)
    world.charge_disk(bearer, -artifact.size_bytes)
    world.charge_disk(author, size)
    artifact.revision += 1
    if action is not None:
        artifact.format, artifact.contract, artifact.depends_on = (
            draft.format,
            draft.contract,
            draft.depends_on,
        )
        artifact.metadata, artifact.interface = draft.metadata, draft.interface
        artifact.contract_state = draft.contract_state
        _note_dependencies(world, turn, artifact)
    world.shelf.revise(
        artifact,
        content,
        type=draft.type,
        title=draft.title,
        bearer=author.id,
        size_bytes=size,
        now_ns=turn.now_ns,
    )
    world.publish(artifact, content, turn.now_ns, author.id, turn.id)
    world.reconsider(bearer, DISK, turn.now_ns)
    return Committed({"artifact": artifact.id, "revision": artifact.revision, "size_bytes": size})
