"""`ecology observe` called wrongly: one line that says what and how to mend it, without a secret in it."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import called
from tests.support.postgres import database, server

SECRET = "s3cr3t"
NOWHERE = f"postgresql://me:{SECRET}@127.0.0.1:1/world"


def no_url(_: Path, __: pytest.MonkeyPatch) -> list[str]:
    return []


def url_of_something_else(_: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("POSTGRES_URL", f"mysql://me:{SECRET}@127.0.0.1/world")
    return []


def missing_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("POSTGRES_URL_FILE", str(folder / "nothing"))
    return []


def archive_is_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("POSTGRES_URL", NOWHERE)
    (folder / "taken").write_text("a file")
    return ["--archive", str(folder / "taken")]


def a_run(_: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("POSTGRES_URL", NOWHERE)
    return ["runs/latest"]


def no_port(_: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("POSTGRES_URL", NOWHERE)
    return ["--port", "65536"]


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (no_url, "an observer needs POSTGRES_URL; set it to postgresql://"),
        (url_of_something_else, "POSTGRES_URL is no URL of PostgreSQL; write it as"),
        (missing_file, "cannot read"),
        (archive_is_a_file, "cannot keep an archive in"),
        (a_run, "runs/latest"),
        (no_port, "--port"),
    ],
)
def test_a_wrong_call_is_one_line(
    mistake: Callable[[Path, pytest.MonkeyPatch], list[str]],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("POSTGRES_URL", "POSTGRES_URL_FILE", "POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    arguments = mistake(tmp_path, monkeypatch)
    finished = called("observe", *arguments, cwd=tmp_path)
    assert finished.code == 2, finished
    assert said in finished.complaint and SECRET not in finished.complaint
    assert not (tmp_path / "archive").exists()


@pytest.mark.parametrize("trouble", ["wrong database", "port taken"])
def test_trouble_at_the_start_is_one_line(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = asyncio.run(database(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("POSTGRES_URL", server().url("nowhere") if trouble == "wrong database" else url)
        finished = called("observe", "--quiet", "--port", str(port), cwd=tmp_path)
    assert finished.code == 1, finished
    expected = (
        "/nowhere does not exist" if trouble == "wrong database" else f"port {port} at 127.0.0.1 is taken"
    )
    assert expected in finished.complaint


def test_the_archive_of_a_run_is_not_asked_for(tmp_path: Path) -> None:
    finished = called("admin", "audit", "run", "--archive", str(tmp_path), cwd=tmp_path)
    assert (finished.code, finished.out) == (2, "")
    assert finished.complaint == "a run has its archive beside it; give RUN or --archive, not both"
