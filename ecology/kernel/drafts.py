"""A write as its author said it: what is wrong with it, what bytes it means, what of it an artifact keeps."""

import base64
import binascii
import hashlib

import msgspec

from ecology.artifacts.artifact import BYTES, FORMATS, JSON, Artifact, is_deep
from ecology.core.ids import is_id
from ecology.core.limits import MAX_CONTENT_BYTES, MAX_DEPTH, MAX_METADATA_BYTES
from ecology.core.outcome import Refused
from ecology.kernel import refusals
from ecology.kernel.actions import Write
from ecology.kernel.contracts import is_contract
from ecology.kernel.world import World
from ecology.sandbox.interface import check_interface

MAX_DEPENDENCIES = 16
MAX_TITLE_BYTES = 200


def form_fault(world: World, action: Write) -> Refused | None:
    """What is wrong with a write whatever it is about, cheapest checks first."""
    if not is_id(action.artifact):
        return Refused(refusals.ID_INVALID, refusals.MEANING[refusals.ID_INVALID])
    if not is_id(action.type):
        return Refused(refusals.ARGUMENT_INVALID, "a type has the form of a name")
    if action.contract is not None and not _contract_known(world, action, action.contract):
        return Refused(refusals.UNKNOWN_CONTRACT, f"no contract '{action.contract[:64]}'")
    if action.format not in FORMATS:
        return Refused(refusals.ARGUMENT_INVALID, f"format is one of {', '.join(FORMATS)}")
    if len(action.depends_on) > MAX_DEPENDENCIES:
        return Refused(refusals.TOO_MANY, f"at most {MAX_DEPENDENCIES} dependencies")
    if not all(map(is_id, action.depends_on)):
        return Refused(refusals.ARGUMENT_INVALID, "dependencies are names of artifacts")
    if "\0" in action.title:  # which PostgreSQL cannot keep; everything else that is said ends up in JSON
        return Refused(refusals.ARGUMENT_INVALID, "a title has no NUL in it")
    try:
        told = len(action.title.encode()) > MAX_TITLE_BYTES
        if action.metadata is not None or action.interface is not None:
            told = told or len(msgspec.json.encode((action.metadata, action.interface))) > MAX_METADATA_BYTES
    except (UnicodeEncodeError, TypeError, RecursionError):
        return Refused(refusals.ARGUMENT_INVALID, "title, metadata or interface is not Unicode, or not JSON")
    if action.interface is not None and is_deep(action.interface):
        return Refused(refusals.ARGUMENT_INVALID, f"an interface is at most {MAX_DEPTH} levels deep")
    if told:
        return Refused(
            refusals.TOO_LARGE, f"a title is at most {MAX_TITLE_BYTES} bytes, metadata {MAX_METADATA_BYTES}"
        )
    if action.interface is not None and "methods" in action.interface:
        if why := check_interface(action.interface):
            return Refused(refusals.ARGUMENT_INVALID, why)
    return None


def _contract_known(world: World, action: Write, contract: str) -> bool:
    """Whether there is such a contract; an artifact may be its own, from its first revision on."""
    return world.contracts.exists(contract) or (contract == action.artifact and is_contract(action.interface))


def announced(artifact: Artifact, content: bytes, action: Write) -> dict[str, object]:
    """What a contract in code is told of a write; `alters` names what differs afterwards besides the content."""
    left_out = ("contract", "metadata", "interface")
    said = {name: getattr(action, name) for name in ("type", "format", "title", *left_out)}
    said["depends_on"] = tuple(action.depends_on)
    return {
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "content_bytes": len(content),
        "contract": action.contract or artifact.contract,
        "alters": [
            name
            for name, value in said.items()
            if value != getattr(artifact, name) and not (value is None and name in left_out)
        ],
    }


def decoded(action: Write) -> bytes | Refused:
    """The bytes that a write's content stands for, or why it stands for none."""
    try:
        if action.format == BYTES:
            content = base64.b64decode(action.content, validate=True)
        else:
            content = action.content.encode()
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return Refused(refusals.ARGUMENT_INVALID, "the content is not what its format says")
    if len(content) > MAX_CONTENT_BYTES:
        return Refused(refusals.TOO_LARGE, f"a content is at most {MAX_CONTENT_BYTES} bytes")
    if action.format == JSON and (fault := json_fault(content)):
        return fault
    return content


def json_fault(content: bytes) -> Refused | None:
    """What is wrong with bytes that are to be JSON."""
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refused(refusals.ARGUMENT_INVALID, "the content is not JSON")
    if is_deep(value):
        return Refused(refusals.ARGUMENT_INVALID, f"JSON is at most {MAX_DEPTH} levels deep")
    return None


# What an artifact keeps is a copy, just as the store will give it back: its author's mind may go on using the original.


def kept_metadata(action: Write) -> dict[str, str] | None:
    """The metadata as an artifact keeps it; None if the write says nothing of it."""
    return None if action.metadata is None else dict(sorted(action.metadata.items()))


def kept_interface(action: Write) -> dict[str, object] | None:
    """The interface as an artifact keeps it; None if the write says nothing of it."""
    if action.interface is None:
        return None
    return msgspec.json.decode(msgspec.json.encode(action.interface), type=dict[str, object])
