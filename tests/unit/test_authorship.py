"""Making, reading, changing and deleting artifacts, and whose disk they occupy."""

import base64
import hashlib

import pytest

from ecology.artifacts.artifact import Artifact
from ecology.core.clock import SECOND_NS
from ecology.core.limits import MAX_DEPTH, MAX_READ_BYTES
from ecology.events.records import ArtifactCreated, ArtifactDeleted, ArtifactUpdated
from ecology.kernel.actions import Delete, Edit, Query, Read, Transfer, Write
from ecology.resources.assets import DISK
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"
NAMED = len("atext")


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    return stage


def found(stage: Stage, name: str) -> Artifact:
    artifact = stage.world.shelf.find(name)
    assert artifact is not None
    return artifact


def borne(stage: Stage, who: str) -> int:
    """Bytes an agent bears beside its own configuration."""
    return stage.agent(who).disk_used - found(stage, who).size_bytes


def test_a_first_revision(stage: Stage) -> None:
    stage.now_ns = 7 * SECOND_NS
    learned = stage.do(
        ME, Write("a", "text", "tool", "text", "a title", "public", ["b", "c"], {"call": {}}, {"k": "v"})
    )
    it = found(stage, "a")
    assert learned == {"artifact": "a", "revision": 1, "size_bytes": it.size_bytes}
    assert (it.created_by, it.owner, it.bearer) == (ME, ME, ME)
    assert (it.type, it.format, it.title, it.contract) == ("tool", "text", "a title", "public")
    assert (it.depends_on, it.interface, it.metadata) == (("b", "c"), {"call": {}}, {"k": "v"})
    assert (it.created_ns, it.updated_ns, it.revision) == (7 * SECOND_NS, 7 * SECOND_NS, 1)
    named = len("atoola titlebc")
    assert it.size_bytes == len("text") + named + len('{"call":{}}') + len('{"k":"v"}')
    assert borne(stage, ME) == it.size_bytes
    created, _ = stage.events()
    assert isinstance(created, ArtifactCreated)
    assert created.sequence == it.created_sequence
    assert created.content_sha256 == hashlib.sha256(b"text").hexdigest()
    assert (created.principal_id, created.turn_id, created.depends_on) == (ME, f"{ME}#0", ("b", "c"))


def test_what_is_left_out_is_the_worlds_default_at_first_and_stays_later(stage: Stage) -> None:
    stage.do(ME, Write("a", "1"))
    assert found(stage, "a").contract == "freeware"
    stage.do(
        ME, Write("a", "2", "tool", title="t", contract="public", interface={"x": 1}, metadata={"k": "v"})
    )
    stage.do(OTHER, Write("a", "3"))
    it = found(stage, "a")
    assert (it.contract, it.interface, it.metadata, it.revision) == ("public", {"x": 1}, {"k": "v"}, 3)
    assert (it.type, it.title, it.depends_on) == ("text", "", ())
    assert (it.created_by, it.owner) == (ME, ME)
    stage.do(ME, Write("a", "4", interface={}, metadata={}))
    assert (found(stage, "a").interface, found(stage, "a").metadata) == ({}, {})


def test_each_change_adds_one_revision_and_says_so(stage: Stage) -> None:
    stage.do(ME, Write("a", "one"))
    stage.do(ME, Edit("a", "one", "two"))
    stage.do(ME, Write("a", "two"))
    stage.do(ME, Delete("a"))
    changes = [
        it for it in stage.events() if isinstance(it, ArtifactCreated | ArtifactUpdated | ArtifactDeleted)
    ]
    assert [change.revision for change in changes] == [1, 2, 3, 4]
    assert isinstance(changes[-1], ArtifactDeleted)
    assert changes[-1].freed_bytes == len("atexttwo")


def test_every_revision_goes_to_the_archive_with_its_event(stage: Stage) -> None:
    stage.do(ME, Write("a", "one"))
    stage.do(ME, Edit("a", "one", "two"))
    batch = stage.world.take_batch()
    assert [(it.artifact_id, it.revision, it.content) for it in batch.revisions] == [
        ("a", 1, b"one"),
        ("a", 2, b"two"),
    ]
    announced = {it.sequence for it in batch.events if isinstance(it, ArtifactCreated | ArtifactUpdated)}
    assert announced == {it.sequence for it in batch.revisions}
    assert batch.contents == {"a": b"two"}


def test_an_edit_touches_one_place_and_nothing_else(stage: Stage) -> None:
    stage.do(
        ME, Write("a", "é x é", "tool", title="t", depends_on=["b"], metadata={"k": "v"}, contract="private")
    )
    stage.do(ME, Edit("a", " x ", "\n"))
    assert stage.do(ME, Read("a"))["content"] == "é\né"
    it = found(stage, "a")
    assert (it.type, it.title, it.depends_on, it.metadata, it.contract) == (
        "tool",
        "t",
        ("b",),
        {"k": "v"},
        "private",
    )
    stage.do(ME, Edit("a", "é\né", ""))
    assert stage.do(ME, Read("a"))["content"] == ""


def test_json_stays_json(stage: Stage) -> None:
    stage.do(ME, Write("a", '{"n": 1}', format="json"))
    stage.do(ME, Edit("a", "1", "[2, {}]"))
    assert stage.do(ME, Read("a"))["content"] == '{"n": [2, {}]}'
    stage.do(ME, Write("deep", "[" * MAX_DEPTH + "]" * MAX_DEPTH, format="json"))


def test_bytes_are_said_and_read_in_base64(stage: Stage) -> None:
    content = bytes(range(256))
    stage.do(ME, Write("a", base64.b64encode(content).decode(), format="bytes"))
    read = stage.do(ME, Read("a", 250))
    assert base64.b64decode(str(read["content_base64"])) == content[250:]
    assert "content" not in read
    assert found(stage, "a").size_bytes == len("atext") + 256


def read_all(stage: Stage, name: str) -> tuple[str, int]:
    """A text read piece by piece, and in how many."""
    pieces, offset = [], 0
    while True:
        read = stage.do(OTHER, Read(name, offset))
        pieces.append(str(read["content"]))
        if "next_offset" not in read:
            return "".join(pieces), len(pieces)
        assert isinstance(read["next_offset"], int)
        assert read["next_offset"] > offset
        offset = read["next_offset"]


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
@pytest.mark.parametrize("shift", range(4))
def test_a_long_text_is_read_in_pieces_that_fit_together(letter: str, shift: int) -> None:
    stage = Stage.of(2)
    text = "-" * shift + letter * 10_000
    stage.do(ME, Write("a", text))
    again, pieces = read_all(stage, "a")
    assert again == text
    assert pieces == 1 + len(text.encode()) // MAX_READ_BYTES


def test_a_read_at_the_end_is_empty(stage: Stage) -> None:
    stage.do(ME, Write("a", "x" * MAX_READ_BYTES))
    read = stage.do(ME, Read("a"))
    assert read["content"] == "x" * MAX_READ_BYTES
    assert "next_offset" not in read
    assert stage.do(ME, Read("a", MAX_READ_BYTES))["content"] == ""


def test_a_read_that_starts_within_a_character_shows_what_can_be_shown(stage: Stage) -> None:
    stage.do(ME, Write("a", "€x"))
    assert stage.do(ME, Read("a", 1))["content"] == "\ufffd\ufffdx"


def test_whoever_writes_bears_the_bytes(stage: Stage) -> None:
    stage.do(ME, Write("a", "x" * 100, contract="public"))
    stage.do(OTHER, Write("a", "y" * 300))
    assert (borne(stage, ME), borne(stage, OTHER)) == (0, NAMED + 300)
    assert (found(stage, "a").owner, found(stage, "a").bearer) == (ME, OTHER)
    stage.do(THIRD, Edit("a", "y" * 300, "z"))
    assert (borne(stage, OTHER), borne(stage, THIRD)) == (0, NAMED + 1)
    stage.do(ME, Delete("a"))
    assert borne(stage, THIRD) == 0


def test_a_full_disk_still_takes_what_is_smaller(stage: Stage) -> None:
    free = stage.world.disk_free(stage.agent(ME)) - NAMED
    stage.do(ME, Write("a", "x" * free))
    assert stage.world.disk_free(stage.agent(ME)) == 0
    assert stage.refused(ME, Write("b", "")) == "disk_quota", "a name alone is something"
    stage.do(ME, Write("a", "y" * free))
    stage.do(ME, Write("a", "y" * (free - NAMED)))
    assert stage.refused(ME, Write("b", "x")) == "disk_quota"
    stage.do(ME, Write("b", ""))
    stage.do(ME, Delete("a"))
    assert stage.world.disk_free(stage.agent(ME)) == free


def test_a_deleted_name_stays_taken(stage: Stage) -> None:
    stage.do(ME, Write("a", "secret", title="red hammer", metadata={"k": "v"}))
    stage.do(ME, Delete("a"))
    assert stage.world.shelf.contents.get("a") == b""
    for action in (
        Read("a"),
        Write("a", "x"),
        Edit("a", "secret", "x"),
        Delete("a"),
        Query("artifact", {"id": "a"}),
    ):
        assert stage.refused(ME, action) == stage.refused(OTHER, action) == "deleted"


def test_a_contract_can_be_changed_by_whoever_may_write(stage: Stage) -> None:
    stage.do(ME, Write("a", "x", contract="public"))
    stage.do(OTHER, Write("a", "x", contract="freeware"))
    assert stage.refused(OTHER, Write("a", "x")) == "not_permitted"
    stage.do(ME, Write("a", "x", contract="private"))
    assert stage.refused(OTHER, Read("a")) == "not_permitted"


def test_an_artifact_keeps_its_own_copy_of_what_it_was_given(stage: Stage) -> None:
    """A mind may go on using the dictionaries it spoke with, and those it was answered with."""
    interface: dict[str, object] = {"b": [1], "a": 2}
    metadata = {"z": "1", "a": "2"}
    stage.do(ME, Write("a", "x", interface=interface, metadata=metadata))
    size = found(stage, "a").size_bytes
    interface["b"] = None
    metadata.clear()
    for query in (Read("a"), Query("artifact", {"id": "a"}), Query("interface", {"id": "a"})):
        learned = stage.do(OTHER, query)
        for value in learned.values():
            if isinstance(value, dict):
                value.clear()
    it = found(stage, "a")
    assert (it.interface, it.metadata, it.size_bytes) == ({"b": [1], "a": 2}, {"a": "2", "z": "1"}, size)
    assert list(it.metadata) == ["a", "z"], "in the order in which the store gives it back"
    assert list(it.interface or ()) == ["b", "a"]


def test_free_quota_is_what_counts_not_what_is_borne_by_others(stage: Stage) -> None:
    stage.do(ME, Transfer(OTHER, GRANTS[DISK] - 1_000, DISK))
    assert stage.refused(ME, Write("a", "x" * 1_000)) == "disk_quota"
    stage.do(OTHER, Write("a", "x" * (GRANTS[DISK] + 40_000)))
