"""`ecology doctor` about calibration: the profile in a folder, and a Docker engine to calibrate with."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from msgspec.structs import replace

from calibrate.docker.engine import DENIED_REMEDY
from calibrate.profiles.file import encode, write
from calibrate.profiles.profile import Profile
from calibrate.samplers.limits import detect
from ecology.app.checks import calibration
from ecology.app.checks.finding import Finding
from ecology.app.doctor import examine
from ecology.testing.docker_stand_in import docker_stand_in
from tests.support.calibrated import profile
from tests.support.command import called

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, as a socket wants, that everybody may pass through."""
    with TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def of_here(larger: float = 1.0) -> Profile:
    """A profile of a container that has so many times the CPUs of this one."""
    here = detect()
    return profile(larger * here.cpu_millis / 1000, memory=here.memory_bytes)


def test_without_a_profile_it_says_what_one_would_be_good_for(tmp_path: Path) -> None:
    assert calibration.profile(tmp_path) == Finding(
        "profile",
        "ok",
        f"no capacity.yaml in {tmp_path}: agents have the rates of their scenario",
        "to give them what this container sustains: ecology calibrate",
    )


@pytest.mark.parametrize("larger", [1.0, 1.02, 0.98])
def test_a_profile_of_this_container(tmp_path: Path, larger: float) -> None:
    found = of_here(larger)
    write(tmp_path / "capacity.yaml", found)
    finding = calibration.profile(tmp_path)
    assert (finding.state, finding.remedy) == ("ok", "")
    assert finding.what.startswith(
        f"{tmp_path}/capacity.yaml: {found.rate.tokens_per_s:.3g} tokens/s for each of 5 agents,"
        f" {found.thinking_at_once} may think at once, measured 2026-11-21 in "
    )


@pytest.mark.parametrize("which", ["cpus", "memory_bytes"])
def test_a_profile_of_another_container_is_a_warning(tmp_path: Path, which: str) -> None:
    found = of_here()
    was = found.container
    other = replace(was, cpus=was.cpus * 2) if which == "cpus" else replace(was, memory_bytes=2**40)
    write(tmp_path / "capacity.yaml", replace(found, container=other))
    finding = calibration.profile(tmp_path)
    assert (finding.state, finding.remedy) == ("warning", "calibrate here to be sure: ecology calibrate")
    assert f"; this container is {detect().cpu_millis / 1000:g} CPU" in finding.what
    assert finding.what.endswith(": its figures would be predicted")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            encode(profile()).replace("version: 1 ", "version: 9 "),
            ":3: a capacity profile of version 9, not 1",
        ),
        ("a: [", ":1: not YAML"),
        ("", ":1: no capacity profile: empty"),
        (None, ": no such file"),
    ],
)
def test_a_profile_that_cannot_be_used_fails_in_one_line(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "capacity.yaml"
    if text is None:
        path.symlink_to("gone.yaml")
    else:
        path.write_text(text)
    finding = calibration.profile(tmp_path)
    assert finding.state == "failed"
    assert finding.what.startswith(f"{path}{said}")
    assert finding.what.isprintable()
    assert "calibrate" in finding.remedy
    done = called("doctor", "--quiet", cwd=tmp_path)
    assert done.code == 1
    assert said in done.out


def test_an_engine_that_answers(folder: Path) -> None:
    path = folder / "docker.sock"

    async def story() -> list[Finding]:
        async with docker_stand_in(path, [], []):
            return await examine({"DOCKER_HOST": f"unix://{path}"}, folder, 60.0)

    found = {finding.check: finding for finding in asyncio.run(story())}
    assert found["engine"] == Finding("engine", "ok", f"Docker engine 20.10.24 at unix://{path} answers")
    assert found["profile"].state == "ok"


def test_no_engine_is_no_fault(folder: Path) -> None:
    """Not even one that is there and says nothing: it is not waited for."""
    path = folder / "docker.sock"
    environment = {"DOCKER_HOST": f"unix://{path}"}
    with socket.socket(socket.AF_UNIX) as mute:
        gone = asyncio.run(calibration.engine(environment, 60.0))
        mute.bind(str(path))
        mute.listen()
        silent = asyncio.run(calibration.engine(environment, 0.2))
    for finding, why in ((gone, "answers at"), (silent, "does not answer in time")):
        assert (finding.check, finding.state, finding.remedy) == ("engine", "ok", "")
        assert finding.what.startswith(
            "no Docker engine: ecology calibrate measures what this process may use"
        )
        assert why in finding.what


def test_an_engine_that_we_may_not_use_is_a_warning(folder: Path) -> None:
    path = folder / "docker.sock"
    root = os.geteuid() == 0
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0)
        if root:  # what root may do says nothing
            os.seteuid(NOBODY)
        try:
            finding = asyncio.run(calibration.engine({"DOCKER_HOST": f"unix://{path}"}, 60.0))
        finally:
            if root:
                os.seteuid(0)
    assert finding == Finding(
        "engine", "warning", f"the Docker engine at unix://{path} may not be used by this user", DENIED_REMEDY
    )
