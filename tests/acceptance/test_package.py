"""What `pip install agent-ecology` gives: every file of the packages, a working command, typed packages."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ecology", "ledger", "calibrate")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True)
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def ecology(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment into which the wheel was installed."""
    home = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True)
    # The dependencies are those of this environment; a .pth in a folder named by a .pth is not followed, so the
    # editable install of the checkout stays out of sight.
    [site] = home.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin" / "ecology"


def test_wheel_has_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    assert shipped == {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    assert {Path(name).suffix for name in shipped} >= {".py", ".typed", ".sql", ".yaml"}


def test_installed_copy_runs_a_world(ecology: Path, tmp_path: Path) -> None:
    python = str(ecology.with_name("python"))
    where = subprocess.run(
        [python, "-c", "import ecology, ledger, calibrate; print(ecology.__file__, ledger.__file__)"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert str(ROOT) not in where
    command = [
        str(ecology),
        "run",
        "--agents",
        "5",
        "--duration",
        "60s",
        "--seed",
        "7",
        "--json",
        "--runs",
        "out",
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["agents"] == 5
    listing = subprocess.run(
        [str(ecology), "scenarios"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert len(listing.stdout.splitlines()) >= 4
