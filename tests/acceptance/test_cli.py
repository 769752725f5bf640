"""The command as a command: help, version, exit codes, and readers who go away."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.command import called, ecology, environment

BRIEF = ("run", "--agents", "3", "--duration", "10s")
COMMANDS = [(), ("run",), ("report",), ("scenarios",), ("admin",), ("admin", "audit")]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_there(command: tuple[str, ...], flag: str, tmp_path: Path) -> None:
    shown = called(*command, flag, cwd=tmp_path)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("Usage: ecology")
    if command and command != ("admin",):
        assert "Examples:" in shown.out


def test_version(tmp_path: Path) -> None:
    shown = called("--version", cwd=tmp_path)
    assert (shown.code, shown.err) == (0, "")
    assert version("agent-ecology") in shown.out


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """`python -m ecology` and the installed script say the same."""
    script = Path(sys.executable).with_name("ecology")
    installed = subprocess.run(
        [script, "scenarios"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ecology("scenarios", cwd=tmp_path).out == installed.stdout


def test_scenarios_for_people_and_programs(tmp_path: Path) -> None:
    listed = json.loads(called("scenarios", "--json", cwd=tmp_path).out)
    names = [one["name"] for one in listed]
    assert {"container", "commons", "market", "famine"} <= set(names)
    lines = called("scenarios", cwd=tmp_path).out.splitlines()
    assert [line.split()[0] for line in lines] == names
    (tmp_path / "my.yaml").write_text(called("scenarios", "famine", cwd=tmp_path).out)
    again = called(*BRIEF, "--quiet", "--json", "--scenario", "my.yaml", cwd=tmp_path)
    assert again.code == 0, again
    refused = called("scenarios", "fammine", cwd=tmp_path)
    assert refused.code == 2 and "famine" in refused.complaint


def test_help_and_scenarios_load_neither_plots_nor_model_clients() -> None:
    """They answer at once."""
    program = (
        "import sys, ecology.cli.commands; print(*{'matplotlib', 'openai', 'pydantic_ai'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""


@pytest.mark.parametrize("arguments", [("scenarios", "container"), (*BRIEF, "--json", "--quiet")])
def test_a_reader_who_has_seen_enough(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """`ecology ... | head -0`: no complaint, and the work is done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ecology", *arguments],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=100), err) == (0, "")


def test_a_terminal_that_goes_away_does_not_end_the_world(tmp_path: Path) -> None:
    """Nobody reads the talk any more: the run is finished all the same."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ecology", *BRIEF, "--json"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stderr.close()
    summary = json.loads(process.stdout.read())
    process.stdout.close()
    assert process.wait(timeout=100) == 0
    assert summary["audit"]["ok"]


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "ecology", *BRIEF, "--json", "--quiet"],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 1
    assert len(process.stderr.splitlines()) == 1 and "cannot write the output" in process.stderr
    assert (tmp_path / "runs" / "latest" / "summary.json").is_file()
