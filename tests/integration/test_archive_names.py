"""Ids as paths: unambiguous, reversible, and acceptable to git."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecology.core.limits import MAX_ID_BYTES
from ecology.observe.archive.names import id_of, one_line, path_of, quote
from ecology.observe.archive.repository import environment

LEGAL = st.from_regex(r"[a-z0-9_.-]{1,64}", fullmatch=True)
ANY = st.text(min_size=1, max_size=16).filter(
    lambda text: len(text.encode("utf-8", "surrogatepass")) <= MAX_ID_BYTES
)
AWKWARD = (
    ".",
    "..",
    "...",
    ".git",
    "git~1",
    "foo.lock",
    "-x",
    "a.",
    "con",
    "nul.txt",
    "com1",
    "console",
    ".gitmodules",
    "a..b",
)


@given(LEGAL | ANY)
@settings(deadline=None)
def test_a_path_gives_its_id_back(name: str) -> None:
    assert id_of(path_of(name)) == name


@given(LEGAL, LEGAL)
@settings(deadline=None)
def test_different_ids_differ_even_where_case_does_not_count(one: str, other: str) -> None:
    assert (quote(one) == quote(other)) == (one == other)
    assert quote(one) == quote(one).lower()


@given(LEGAL | ANY)
@settings(deadline=None)
def test_a_part_of_a_path_is_harmless(name: str) -> None:
    part = quote(name)
    assert set(part) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-%")
    assert part[0] not in ".-" and part[-1] != "." and len(part) <= 255
    assert part.partition(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt1"}


def test_most_ids_are_their_own_path() -> None:
    assert path_of("note-17.txt") == "a1/2e/note-17.txt"
    assert quote("foo.lock") == "foo.lock"
    assert quote(".git") == "%2egit"
    assert quote("..") == "%2e%2e"


@given(st.text(max_size=80))
@settings(deadline=None)
def test_any_text_becomes_one_line(text: str) -> None:
    line = one_line(text)
    assert line.splitlines() in ([line], []) and line == line.strip()


@given(st.text(max_size=40), st.text(max_size=40))
@settings(deadline=None)
def test_lines_are_unambiguous(one: str, other: str) -> None:
    assert (one_line(one) == one_line(other)) == (one == other)


@pytest.mark.parametrize("protect", ["core.protectNTFS", "core.protectHFS"])
def test_git_accepts_every_path(tmp_path: Path, protect: str) -> None:
    """`update-index` refuses what a checkout would refuse, on Windows and macOS too."""
    git = ["git", "-C", str(tmp_path), "-c", f"{protect}=true"]
    subprocess.run([*git, "init", "--quiet", "--template="], check=True, env=environment())
    entries = "".join(f"100644 {'1' * 40}\t{path_of(name)}\0" for name in AWKWARD)
    subprocess.run(
        [*git, "update-index", "-z", "--index-info"], check=True, input=entries.encode(), env=environment()
    )
    listed = subprocess.run(
        [*git, "ls-files", "-z"], check=True, capture_output=True, env=environment()
    ).stdout
    assert sorted(id_of(path) for path in listed.decode().split("\0") if path) == sorted(AWKWARD)
