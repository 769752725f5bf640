"""remember and recall. A memory is an artifact: HEAD holds it and its contract rules; an index only finds it."""

from collections.abc import Iterator
from functools import partial

from ecology.artifacts.artifact import BYTES, MEMORY_TYPE, Artifact, card
from ecology.core.ids import is_id
from ecology.core.limits import MAX_MEMORY_BYTES, MAX_QUERY_BYTES, MAX_READ_BYTES, MAX_RECALLED, MAX_TAGS
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.records import ArtifactCreated, ArtifactDeleted, ArtifactUpdated, Event, OwnershipMoved
from ecology.kernel import refusals
from ecology.kernel.access import perform
from ecology.kernel.actions import Recall, Remember, Write
from ecology.kernel.authorship import write
from ecology.kernel.batch import Turn
from ecology.kernel.contracts import is_priced
from ecology.kernel.world import World
from ecology.memory.index import Hit, IndexUnavailable
from ecology.memory.memories import Held

_NAME_CHARACTERS = 40
"""How much of its maker's name a memory's name begins with, so that there is room for the rest."""

_REFUSALS = 256
"""After so many memories that may not be read nobody looks further."""

_LISTED = 1_000


def remember(world: World, turn: Turn, action: Remember) -> Outcome:
    """Write a memory down under a name of its own."""
    text = action.text.strip()
    if not text:
        return Refused(refusals.ARGUMENT_INVALID, "there is nothing to remember in an empty text")
    if len(action.tags) > MAX_TAGS:
        return Refused(refusals.TOO_MANY, f"at most {MAX_TAGS} tags")
    if not all(is_id(tag) for tag in action.tags):
        return Refused(refusals.ARGUMENT_INVALID, "a tag has the form of a name")
    if action.tags:
        # Part of the text and not of the metadata, which all may look at: a memory is its owner's alone.
        text = "\n".join([text, " ".join(f"#{tag}" for tag in action.tags)])
    if len(text.encode("utf-8", "replace")) > MAX_MEMORY_BYTES:
        return Refused(refusals.TOO_LARGE, f"a memory is at most {MAX_MEMORY_BYTES} bytes, tags included")
    name = _free_name(world, turn)
    return write(world, turn, Write(name, text, type=MEMORY_TYPE, contract="private"))


def _free_name(world: World, turn: Turn) -> str:
    """A name for the memory of this turn; others may have taken some to annoy its maker."""
    first = name = f"{turn.actor.id[:_NAME_CHARACTERS]}.memory.{turn.agent.turn}"
    number = 1
    while world.shelf.find(name) is not None:
        number += 1
        name = f"{first}-{number}"
    return name


def recall(world: World, turn: Turn, action: Recall) -> Outcome:
    """What the likest memories say now, as far as their contracts let the caller read them for nothing."""
    query = action.query.strip()
    if not query:
        return Refused(refusals.ARGUMENT_INVALID, "there is nothing to look for in an empty query")
    try:
        size_bytes = len(query.encode())
    except UnicodeEncodeError:
        return Refused(refusals.ARGUMENT_INVALID, "the query is not valid Unicode")
    if size_bytes > MAX_QUERY_BYTES:
        return Refused(refusals.TOO_LARGE, f"a query is at most {MAX_QUERY_BYTES} bytes")
    if not 1 <= action.limit <= MAX_RECALLED:
        return Refused(refusals.ARGUMENT_INVALID, f"limit is 1 to {MAX_RECALLED}")
    owner = turn.actor.id if action.of is None else action.of
    if owner not in world.principals:
        return Refused(refusals.UNKNOWN_PRINCIPAL, f"nobody with standing is called '{owner[:64]}'")
    try:
        found = _readable(world, turn, owner, _sought(turn.actor.id, action), query, action.limit)
    except IndexUnavailable:
        return Committed({"memories": [], "available": False})
    return Committed({"memories": found, "available": True})


async def foresee(world: World, caller: str, action: Recall) -> None:
    """Ask the index for what this recall will need, where its deed itself must not wait for an index."""
    await world.memory.foresee(_sought(caller, action), action.query.strip(), caller)


def _sought(caller: str, action: Recall) -> str:
    """In which of the index's tenants a recall looks."""
    return caller if action.of in (None, caller) else _shared(action.of or "")


def _readable(
    world: World, turn: Turn, owner: str, tenant: str, query: str, limit: int
) -> list[dict[str, object]]:
    """Up to `limit` memories, the likest first, as many as fit into one reading."""
    found: list[dict[str, object]] = []
    room_bytes = MAX_READ_BYTES
    asked = refused = 0
    for hit in world.memory.ranked(tenant, query, turn.actor.id):
        artifact = _memory(world, hit.id)
        if artifact is None or artifact.owner != owner:
            world.memory.note(hit.id)  # the index is behind, or has what never came to be
            continue
        if _version(artifact) != hit.version:
            world.memory.note(hit.id)
        in_code = isinstance(world.contracts.resolve(artifact.contract), Artifact)
        asked += in_code
        if asked > limit or refused == _REFUSALS:
            break  # contracts in code cost CPU, whatever they say, and the world stands still meanwhile
        outcome = perform(world, turn, "read", artifact, partial(_said, world, artifact, hit), max_price=0)
        if isinstance(outcome, Refused):
            refused += 1
            continue
        room_bytes -= min(MAX_MEMORY_BYTES, artifact.size_bytes)
        if found and room_bytes < 0:
            break
        found.append(outcome.data)
        if len(found) == limit:
            break
    return found


def _said(world: World, artifact: Artifact, hit: Hit) -> Outcome:
    from ecology.memory.vectors import per_mille  # noqa: PLC0415 - numpy is there only where somebody recalls

    content = world.shelf.contents.get(artifact.id)
    data: dict[str, object] = {
        "artifact": artifact.id,
        "text": content[:MAX_MEMORY_BYTES].decode("utf-8", "ignore"),
        "likeness_per_mille": per_mille(hit.score),
        "written_ms": artifact.updated_ns // 1_000_000,
    }
    if len(content) > MAX_MEMORY_BYTES:
        data["size_bytes"] = card(artifact)[
            "size_bytes"
        ]  # `write` may make longer ones: the rest is for `read`
    return Committed(data)


# -- what the index follows


def follow(world: World) -> None:
    """Let the world's memory follow it from now on. Nobody remembers anything while code has not yet succeeded."""

    def look(event: Event) -> None:
        assert isinstance(event, ArtifactCreated | ArtifactUpdated | ArtifactDeleted)
        if event.artifact_type == MEMORY_TYPE:
            world.memory.note(event.artifact_id)

    def look_up(event: Event) -> None:
        assert isinstance(event, OwnershipMoved)
        if _memory(world, event.artifact_id) is not None:
            world.memory.note(event.artifact_id)

    world.memory.follow(Remembered(world))
    world.log.listen((ArtifactCreated, ArtifactUpdated, ArtifactDeleted), look)
    world.log.listen((OwnershipMoved,), look_up)


class Remembered:
    """The memories at HEAD: the truth that an index follows."""

    def __init__(self, world: World) -> None:
        self._world = world

    def position(self) -> int:
        """The number of the last event, of the open group too."""
        return self._world.log.next_sequence - 1

    def living(self) -> Iterator[str]:
        """All memories, newest first."""
        before: int | None = None
        while True:
            page, before = self._world.shelf.page(
                type=MEMORY_TYPE, owner=None, words=(), before=before, limit=_LISTED
            )
            for artifact in page:
                yield artifact.id
            if before is None:
                return

    def version(self, memory_id: str) -> str | None:
        """The version of a living memory of text."""
        artifact = _memory(self._world, memory_id)
        return None if artifact is None else _version(artifact)

    def look(self, memory_id: str) -> Held | None:
        """What a living memory of text holds."""
        artifact = _memory(self._world, memory_id)
        if artifact is None:
            return None
        content = self._world.shelf.contents.get(memory_id)[:MAX_MEMORY_BYTES]
        return Held(
            tenants=_tenants(artifact),
            born=artifact.created_sequence,
            version=_version(artifact),
            text=content.decode("utf-8", "ignore"),
        )


def _memory(world: World, memory_id: str) -> Artifact | None:
    """The living memory of that name, if it is a text."""
    artifact = world.shelf.find(memory_id)
    if artifact is None or artifact.deleted or artifact.type != MEMORY_TYPE or artifact.format == BYTES:
        return None
    return artifact


def _tenants(artifact: Artifact) -> tuple[str, ...]:
    """Its owner's search finds it, and others' if they might read it for nothing: what is private they never touch."""
    kept_back = artifact.contract in ("private", "self_owned") or is_priced(artifact.contract)
    return (artifact.owner,) if kept_back else (artifact.owner, _shared(artifact.owner))


def _shared(owner: str) -> str:
    """What others may find of an owner's; no principal's name holds a slash."""
    return f"{owner}/shared"


def _version(artifact: Artifact) -> str:
    """Names what an artifact holds and who finds it, in this world or in one that a crash made forget its last turns.

    Revision alone would not: after a crash another text may become the same revision, though not at the same moment.
    """
    return " ".join(
        [
            *_tenants(artifact),
            str(artifact.revision),
            str(artifact.created_sequence),
            str(artifact.updated_ns),
        ]
    )
