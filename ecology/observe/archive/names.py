"""Artifact ids as paths, and words of agents as single lines.

Ids come from agents. A path must survive git (which refuses `.`, `..` and `.git` as parts) and a checkout on any system
(no leading dash, no trailing dot, no device name of Windows, no two paths that differ by case alone). What does not is
written `%XX` per byte of UTF-8, so two ids never share a path and the path gives the id back.
"""

import re
from hashlib import sha256
from urllib.parse import unquote

from ecology.core.limits import MAX_ID_BYTES

_UNSAFE = re.compile(r"[^a-z0-9_.-]|^[.-]|\.\Z")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f%\x7f-\x9f\u2028\u2029\ud800-\udfff]|^\s|\s\Z")


def quote(name: str) -> str:
    """An id as one part of a path and as a git identity: `a-z 0-9 _ . -` and `%XX`; `unquote` is its inverse."""
    if _DEVICE.match(name):
        return _escaped(name[0]) + _UNSAFE.sub(_escape, name[1:])
    return _UNSAFE.sub(_escape, name)


def path_of(artifact_id: str) -> str:
    """Where an artifact's content lies in the archive: `ab/cd/<id>`, spread by the SHA-256 of its id.

    Git stores a folder as one object and writes all those above a changed file anew: with 10,000 artifacts in one
    folder that is 300 KB per commit, with this fan-out 10 KB.
    """
    raw = artifact_id.encode("utf-8", "surrogatepass")
    assert 1 <= len(raw) <= MAX_ID_BYTES, "the kernel lets nobody take such a name"
    spread = sha256(raw).hexdigest()
    return f"{spread[:2]}/{spread[2:4]}/{quote(artifact_id)}"


def id_of(path: str) -> str:
    """The artifact whose content lies at a path made by `path_of`."""
    return unquote(path.rpartition("/")[2], errors="surrogatepass")


def one_line(text: str) -> str:
    """Any text as one printable line without space around it: it can neither end a trailer nor begin another."""
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return _escaped(match[0])


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))
