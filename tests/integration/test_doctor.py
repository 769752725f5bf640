"""`ecology doctor` on this machine: what it finds of programs, limits, ports, disk and files with secrets."""

import asyncio
import resource
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from ecology.app.checks import database, machine
from ecology.app.checks.finding import Finding
from ecology.app.doctor import examine
from ecology.llm.key import KEY_VARIABLE
from ecology.nodes.service import Service
from ecology.store.postgres_examination import Examination, Schema
from ecology.testing.model_server import Fail, ModelServer, Say, always
from tests.support import patient
from tests.support.qdrant_stand_in import QdrantStandIn
from tests.support.small_disk import small_disk

SECRET = "geheim"


def findings(environment: Mapping[str, str], folder: Path) -> dict[str, Finding]:
    """What the doctor finds, by check; no finding shows a secret."""
    found = asyncio.run(examine(environment, folder, 5.0))
    assert SECRET not in "".join(map(str, found))
    assert all(finding.remedy or finding.state == "ok" for finding in found)
    return {finding.check: finding for finding in found}


def test_nothing_is_needed_for_worlds_in_files(tmp_path: Path) -> None:
    found = findings({}, tmp_path)
    assert {name for name, finding in found.items() if finding.state == "failed"} == set()
    assert found["postgres"].what == "POSTGRES_URL is not set: worlds live in SQLite files, on one process"
    assert found["git"].what.startswith("git 2.")
    assert found["program"].what.startswith("ecology ")
    assert found["memory"].what.endswith(" MB of memory")


def test_git_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    git = findings({}, tmp_path)["git"]
    assert (git.state, git.what) == ("failed", "git is not installed: there can be no archive")


def test_git_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.20.1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    git = findings({}, tmp_path)["git"]
    assert git.state == "failed"
    assert git.what.startswith("git version 2.20.1 is too old")


def test_few_open_files_are_a_warning(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        files = findings({}, tmp_path)["files"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (files.state, files.what) == ("warning", "256 open files at most")
    assert files.remedy.startswith("ulimit -n 1024")


@pytest.mark.mount
def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1024) as disk:
        full = findings({}, disk)["disk"]
    assert (full.state, full.remedy) == ("failed", "free some space, or start elsewhere")
    assert full.what.startswith("1 MB free")


def test_a_port_is_free_ours_or_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(port: int) -> Finding:
        return machine.port_free("port.node", "node", port)

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        other.listen()
        monkeypatch.setattr(machine, "ANSWER_S", 0.3)  # there is none
        taken = look(port)
        assert taken.state == "warning"
        assert taken.what == f"port {port} is taken by another program"
    assert look(port).what == f"port {port} is free for the node"

    monkeypatch.setattr(machine, "ANSWER_S", 60.0)

    async def ours() -> Finding:
        service = Service(dict, list, port=port)
        await service.start()
        try:
            return await asyncio.to_thread(look, port)
        finally:
            await service.stop()

    assert asyncio.run(ours()) == Finding(
        "port.node", "ok", f"port {port} is in use by a process of this project"
    )


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder into which everybody can look; pytest's own are closed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "state"),
    [(0o600, 0o755, "ok"), (0o644, 0o700, "ok"), (0o644, 0o755, "warning")],
)
def test_secrets_that_others_can_read(everybodys: Path, file_mode: int, folder_mode: int, state: str) -> None:
    """A file in a folder that lets nobody through is safe whatever its own mode: so Compose needs it."""
    folder = everybodys / "secrets"
    folder.mkdir()
    path = folder / "password"
    path.write_text(SECRET)
    path.chmod(file_mode)
    folder.chmod(folder_mode)
    found = findings({"REDIS_PASSWORD_FILE": str(path)}, everybodys)["key.redis_password"]
    assert found.state == state


def test_a_secret_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    found = findings({"POSTGRES_URL_FILE": str(path)}, tmp_path)
    assert found["key.postgres_url"].what == f"cannot read {path} (No such file or directory)"
    assert found["key.postgres_url"].state == found["postgres"].state == "failed"


@pytest.mark.parametrize(
    ("key", "answer", "name", "state", "words"),
    [
        (SECRET, Say('{"ok": true}'), "fake", "ok", " answers as fake"),
        ("wrong", Say('{"ok": true}'), "fake", "failed", "401"),
        (SECRET, Fail(500, "out of order"), "fake", "failed", "out of order"),
        (SECRET, Say('{"ok": true}'), "", "warning", "LLM_URL is set and LLM_MODEL is not"),
        (SECRET, Say('{"ok": true}'), "another", "failed", "another"),
    ],
)
def test_a_model_server(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    answer: Say | Fail,
    name: str,
    state: str,
    words: str,
) -> None:
    patient.asked_once(monkeypatch)  # nor is a slow answer to a last question taken for none

    async def session() -> list[Finding]:
        async with ModelServer(always(answer), api_key=SECRET) as server:
            environment = {"LLM_URL": server.url, "LLM_MODEL": name, KEY_VARIABLE: key}
            return await examine(environment, tmp_path, 60.0)

    (model,) = [finding for finding in asyncio.run(session()) if finding.check == "model"]
    assert model.state == state
    assert words in model.what
    assert SECRET not in str(model)


@pytest.mark.parametrize(
    ("key", "state"), [(SECRET, "ok"), ("wrong", "failed"), ("", "failed")], ids=["right", "wrong", "none"]
)
def test_a_qdrant_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, state: str) -> None:
    patient.with_qdrant(monkeypatch)
    with QdrantStandIn(api_key=SECRET) as server:
        found = findings({"QDRANT_URL": server.url, "QDRANT_API_KEY": key}, tmp_path)["qdrant"]
        assert found.state == state
        assert server.url in found.what
        assert state == "ok" or "401" in found.what
    gone = findings({"QDRANT_URL": server.url, "QDRANT_API_KEY": key}, tmp_path)["qdrant"]
    assert gone.state == "failed"


def test_memories_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "memories"
    found = findings({"QDRANT_URL": str(folder)}, tmp_path)["qdrant"]
    assert (found.state, found.what) == ("ok", f"memories are indexed in {folder}")


def test_nobody_at_any_address(tmp_path: Path) -> None:
    found = findings(
        {
            "POSTGRES_URL": f"postgresql://me:{SECRET}@127.0.0.1:1/world",
            "LLM_URL": "http://127.0.0.1:1/v1",
            "LLM_MODEL": "tiny",
            KEY_VARIABLE: SECRET,
        },
        tmp_path,
    )
    assert found["postgres"].what == "PostgreSQL at 127.0.0.1:1/world does not answer"
    assert {found[name].state for name in ("postgres", "model")} == {"failed"}


def test_somebody_who_takes_the_call_and_says_nothing(tmp_path: Path) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        place = f"127.0.0.1:{mute.getsockname()[1]}"
        environment = {"POSTGRES_URL": f"postgresql://me@{place}/world", "REDIS_URL": f"redis://{place}"}
        found = {it.check: it for it in asyncio.run(examine(environment, tmp_path, 0.5))}
    assert found["postgres"].what == f"PostgreSQL at {place}/world does not answer"
    assert found["redis"].what == f"Redis at {place} does not answer"


def test_urls_of_nothing(tmp_path: Path) -> None:
    wrong = {
        "POSTGRES_URL": f"mysql://{SECRET}@db",
        "REDIS_URL": f"http://{SECRET}",
        "LLM_URL": SECRET,
        "QDRANT_URL": "ftp://db",
    }
    found = findings(wrong, tmp_path)
    assert found["qdrant"].what == "the index's URL cannot be used: 'ftp://db'"
    assert [found[name].what for name in ("postgres", "redis", "model")] == [
        "POSTGRES_URL is no URL of PostgreSQL",
        "REDIS_URL is no URL of Redis",
        "LLM_URL is no URL of the model server",
    ]


EXAMINED = Examination(
    where="PostgreSQL at db:5432/world",
    version_number=170002,
    version="17.2",
    settings={"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"},
    read_only=False,
    may_create=True,
    most_connections=100,
    connections=5,
    schemas=(Schema("the world", 3, 3),),
    round_trip_us=800,
    ahead_us=-1_500,
)


def judged(**changes: object) -> dict[str, Finding]:
    """What is said of a server that was found so."""
    found = database.judge(msgspec.structs.replace(EXAMINED, **changes))
    return {finding.check: finding for finding in found}


def test_a_server_as_it_should_be() -> None:
    assert {finding.state for finding in judged().values()} == {"ok"}


@pytest.mark.parametrize(("ahead_s", "side"), [(3600, "behind"), (-3600, "ahead of")])
def test_a_clock_an_hour_off(ahead_s: int, side: str) -> None:
    clock = judged(ahead_us=ahead_s * 1_000_000)["clock"]
    assert clock.state == "warning"
    assert clock.what == f"the clock here is 3600 s {side} that of PostgreSQL"
    assert clock.remedy.startswith("set both by NTP; ")


def test_a_slow_answer_says_nothing_about_the_clock() -> None:
    assert judged(ahead_us=3_000_000, round_trip_us=4_000_000)["clock"].state == "ok"


@pytest.mark.parametrize(
    ("found", "may_create", "state", "words"),
    [
        (0, True, "ok", "there are no tables of the world yet; the first node makes them"),
        (0, False, "failed", "there are no tables of the world yet, and this user may not make any"),
        (2, True, "warning", "the tables of the world have version 2 of 3"),
        (2, False, "failed", "the tables of the world have version 2 of 3, and this user may not make any"),
        (4, True, "failed", "the tables of the world have version 4, this program knows up to 3"),
    ],
)
def test_tables_of_another_version(found: int, may_create: bool, state: str, words: str) -> None:
    schema = judged(schemas=(Schema("the world", found, 3),), may_create=may_create)["postgres.schema.world"]
    assert (schema.state, schema.what) == (state, words)


@pytest.mark.parametrize(
    ("changes", "check", "state"),
    [
        ({"version_number": 140001}, "postgres", "warning"),
        ({"connections": 90}, "postgres.connections", "warning"),
        ({"settings": {**EXAMINED.settings, "fsync": "off"}}, "postgres.durability", "failed"),
        ({"settings": {**EXAMINED.settings, "full_page_writes": "off"}}, "postgres.durability", "warning"),
        ({"read_only": True}, "postgres.writable", "failed"),
    ],
)
def test_a_server_that_is_not_as_it_should_be(changes: dict[str, object], check: str, state: str) -> None:
    found = judged(**changes)
    assert found[check].state == state
    assert {finding.state for name, finding in found.items() if name != check} == {"ok"}
