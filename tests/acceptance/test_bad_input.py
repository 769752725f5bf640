"""A user's mistake: one line that says what and how to mend it, exit 2, and no run directory left behind."""

import re
from pathlib import Path

import pytest

from tests.support.command import called, ecology

BRIEF = ("--agents", "2", "--duration", "5s", "--quiet")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--agents", "0"), "--agents"),
        (("--agents", "-1"), "--agents"),
        (("--agents", "many"), "--agents"),
        (("--agents", "1000000"), "--agents"),
        (("--duration", "soon"), "--duration"),
        (("--duration", "0s"), "--duration"),
        (("--duration", "-5s"), "--duration"),
        (("--seed", "lucky"), "--seed"),
        (("--clock", "sundial"), "sundial"),
        (("--policy", "oracle"), "oracle"),
        (("--agnets", "5"), "--agents"),
        (("somewhere",), "somewhere"),
        (("--scenario", "fammine"), "famine"),
        (("--scenario", "nowhere.yaml"), "nowhere.yaml"),
        (("--set", "nonsense"), "nonsense"),
        (("--set", "agents=x"), "agents"),
        (("--set", "agnets=5"), "agents"),
        (("--set", "resources.flow.llm_rat.rate=5"), "llm_rate"),
        (("--set", "=5"), "=5"),
        (("--set", "agents=[1,"), "agents"),
        (("--set", "resources.flow.llm_rate.rate=fast"), "llm_rate"),
        (("--set", "resources.flow.llm_rate.capacity=0.001"), "thought"),
        (("--set", "resources.flow.cpu.rate=0"), "cpu"),
        (("--set", "population=[]", "--set", "population.0.share=2"), "population"),
        (("--set", "population=[{strategy: nobody}]"), "nobody"),
        (("--policy", "llm"), "--llm-url"),
        (("--policy", "llm", "--llm-url", "here", "--model", "tiny"), "--llm-url"),
        (("--policy", "llm", "--llm-url", "ftp://127.0.0.1/v1", "--model", "tiny"), "--llm-url"),
        (("--govern",), "--govern is for the real clock"),
        (("--resume", "nowhere"), "nowhere"),
        (("--resume", "."), "run.yaml"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    finished = called("run", *arguments, cwd=tmp_path)
    assert finished.code == 2, finished
    assert said in finished.complaint
    assert finished.out == ""
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("agents: 5\nduraton: 10m\n", 2, "duration"),
        ("agents: 5\nresources:\n  flow:\n    llm_rate: { rate: 10, capcity: 100 }\n", 4, "capacity"),
        ("agents: five\n", 1, "agents"),
        ("agents: 5.5\n", 1, "agents"),
        ("agents: true\n", 1, "agents"),
        ("agents:\n  - 5\n", 1, "agents"),
        ("\n\nresources: many\n", 3, "resources"),
        ("agents: 5\nagents: 6\n", 2, "agents"),
        ("agents: 5\n  duration: 10m\n", 2, ""),
        ("agents: [5\n", 1, ""),
        ("resources: { stock: { llm_budget: { total_usd: 1e-6 } } }\nprices: { output_usd_per_million: 60 }", 1, ""),
        ("name: ../../etc\n", 1, "name"),
        ("population:\n  - { strategy: maker, share: 0 }\n", 2, "share"),
        ("population:\n  - { strategy: mkaer }\n", 2, "maker"),
    ],
)  # fmt: skip
def test_a_wrong_scenario_is_named_by_file_and_line(text: str, line: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(text)
    finished = called("run", "--scenario", "my.yaml", cwd=tmp_path)
    assert finished.code == 2, finished
    found = re.search(r"my\.yaml:(\d+)", finished.complaint)
    assert found is not None, finished.complaint
    assert abs(int(found[1]) - line) <= 1, finished.complaint
    assert said in finished.complaint
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02",
        b"\xff\xfe\x00",
        b"",
        b"- 1\n- 2\n",
        b"just words\n",
        b"a: !!python/object:os.system x\n",
    ],
)
def test_what_is_no_scenario_at_all(content: bytes, tmp_path: Path) -> None:
    """Even an empty file, which says nothing, is either refused in one line or the defaults."""
    (tmp_path / "my.yaml").write_bytes(content)
    finished = called("run", "--scenario", "my.yaml", *BRIEF, cwd=tmp_path)
    assert finished.code == (0 if not content else 2), finished
    if content:
        assert "my.yaml" in finished.complaint


def test_the_environment_is_checked_like_the_rest(tmp_path: Path) -> None:
    finished = ecology("run", *BRIEF, cwd=tmp_path, ECOLOGY__RESORCES__STOCK__DISK__TOTAL="5")
    assert finished.code == 2
    assert "ECOLOGY__RESORCES" in finished.complaint and "resources" in finished.complaint
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", [("report",), ("admin", "audit")])
def test_other_commands_want_a_run_too(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no run")
    for wrong in ("nowhere", ".", "file"):
        finished = called(*command, wrong, cwd=tmp_path)
        assert finished.code == 2, finished
        assert wrong in finished.complaint
    assert called(*command, cwd=tmp_path).code == 2


def test_a_place_where_no_run_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for place in ("file", "file/runs", "/proc/runs"):
        finished = called("run", *BRIEF, "--runs", place, cwd=tmp_path)
        assert finished.code == 2, finished
        assert place in finished.complaint and "--runs" in finished.complaint


def test_a_run_without_a_command_shows_help(tmp_path: Path) -> None:
    finished = called(cwd=tmp_path)
    assert finished.code == 2
    assert "Usage" in finished.out
