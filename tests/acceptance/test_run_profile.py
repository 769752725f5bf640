"""`ecology run` with a capacity profile: found, named, ignored, or wrong."""

import re
from pathlib import Path

import pytest

from calibrate.profiles.file import encode, write
from ecology.app.run_directory import RunDirectory
from tests.support.calibrated import profile
from tests.support.command import called, ecology

RUN = ("run", "--agents", "3", "--duration", "5s", "--seed", "4")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path / "capacity.yaml", profile())
    return tmp_path


def latest(home: Path) -> RunDirectory:
    return RunDirectory((home / "runs" / "latest").resolve())


def rate(home: Path) -> float:
    return latest(home).scenario().resources.flow.llm_rate.rate_millitokens_per_s / 1000


def test_the_profile_of_the_working_directory_is_used_and_said(home: Path) -> None:
    done = ecology(*RUN, cwd=home)
    assert done.code == 0, done.err
    said = [line for line in done.err.splitlines() if line.startswith("capacity.yaml: ")]
    assert re.fullmatch(
        r"capacity.yaml: [\d.]+ tokens/s for each of 3 agents, \d+ may think at once"
        r" \(predicted from what was measured 2026-11-21 in 1 CPU, 1\.0 GiB\)",
        said[0],
    )
    assert said[1].startswith("capacity.yaml: warning: the scenario's container is 2 CPUs, 4.0 GiB")
    assert len(said) == 2
    assert rate(home) != 10


def test_a_profile_by_name_and_none_at_all(home: Path, tmp_path: Path) -> None:
    assert called(*RUN, "--quiet", cwd=home).code == 0
    with_it = rate(home)
    assert called(*RUN, "--quiet", "--no-profile", cwd=home).code == 0
    assert rate(home) == 10
    (home / "capacity.yaml").rename(home / "other.yaml")
    done = called(*RUN, "--quiet", "--profile", "other.yaml", cwd=home)
    assert (done.code, done.err) == (0, "")
    assert rate(home) == with_it


def test_the_same_profile_and_seed_are_the_same_run(home: Path) -> None:
    logs = []
    for _ in range(2):
        assert called(*RUN, "--quiet", cwd=home).code == 0
        logs.append(latest(home).export.read_bytes())
    assert logs[0] == logs[1]
    assert called(*RUN, "--quiet", "--no-profile", cwd=home).code == 0
    assert latest(home).export.read_bytes() != logs[0]


def test_a_run_keeps_its_rates_whatever_becomes_of_the_profile(home: Path) -> None:
    assert called(*RUN, "--quiet", cwd=home).code == 0
    kept = rate(home)
    (home / "capacity.yaml").write_text("broken: [")
    resumed = called("run", "--resume", "runs/latest", "--quiet", cwd=home)
    assert (resumed.code, resumed.err) == (0, "")
    assert called("run", "--scenario", "runs/latest/run.yaml", "--quiet", cwd=home).code == 0
    assert rate(home) == kept
    named = called("run", "--resume", "runs/latest", "--profile", "capacity.yaml", cwd=home)
    assert (named.code, named.complaint) == (
        2,
        "a resumed run keeps its rates; give --resume without --profile",
    )


def test_what_a_run_keeps_is_repeated_beside_a_profile(home: Path) -> None:
    """The default profile is for scenarios; a configuration has its rates, unless a profile is named."""
    assert called(*RUN, "--quiet", "--no-profile", cwd=home).code == 0
    log = latest(home).export.read_bytes()
    kept = home / "runs" / "latest" / "run.yaml"
    (home / "copy").mkdir()
    (home / "copy" / "run.yaml").write_bytes(kept.read_bytes())
    (kept.parent / "variant.yaml").write_bytes(kept.read_bytes())
    (home / "link.yaml").symlink_to(kept.resolve())
    for again in (kept.resolve(), "copy/run.yaml", kept.resolve().parent / "variant.yaml", "link.yaml"):
        repeated = called("run", "--scenario", again, cwd=home)
        assert repeated.code == 0
        assert "capacity.yaml" not in repeated.err
        assert latest(home).export.read_bytes() == log
    named = ("--profile", "capacity.yaml")
    assert called("run", "--scenario", "copy/run.yaml", *named, "--quiet", cwd=home).code == 0
    assert rate(home) != 10
    (home / "mine.yaml").write_text("agents: 3\n")
    assert "capacity.yaml: " in called("run", "--scenario", "mine.yaml", "--duration", "5s", cwd=home).err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "capacity.yaml:1: no capacity profile: empty"),
        ("a: [", "capacity.yaml:1: not YAML"),
        (
            encode(profile()).replace("version: 1", "version: 9"),
            "capacity.yaml:3: a capacity profile of version 9",
        ),
        (encode(profile()).replace("base_cpus: ", "base_cpus: -"), "cpu.base_cpus: expected a number >= 0"),
    ],
)
def test_a_profile_that_cannot_be_used_begins_nothing(home: Path, text: str, said: str) -> None:
    (home / "capacity.yaml").write_text(text)
    done = called(*RUN, cwd=home)
    assert done.code == 2
    assert said in done.complaint
    assert not (home / "runs").exists()


def test_wrong_calls(home: Path) -> None:
    for arguments, said in (
        (("--profile", "nowhere.yaml"), "nowhere.yaml: no such file; make one with: ecology calibrate"),
        (("--profile", "."), ".: not a file; make one with: ecology calibrate"),
        (("--profile", "capacity.yaml", "--no-profile"), "exclude each other"),
        (("--set", "container.cpus=0.05"), "the world at rest takes"),
    ):
        done = called(*RUN, *arguments, cwd=home)
        assert done.code == 2
        assert said in done.complaint
        assert not (home / "runs").exists()
    (home / "capacity.yaml").unlink()
    (home / "capacity.yaml").symlink_to("gone.yaml")
    assert "capacity.yaml: no such file" in called(*RUN, cwd=home).complaint
