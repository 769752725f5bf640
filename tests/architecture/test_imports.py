"""The import contracts of pyproject.toml hold, and each of them can be broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts over the packages that stand in `root`."""
    program = "import sys; from importlinter.cli import lint_imports_command as command; sys.exit(command())"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_contracts_hold() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("ecology/core/ids.py", "ecology.events"),
        ("ecology/events/records.py", "ecology.kernel"),
        ("ecology/kernel/kernel.py", "ecology.engine"),
        ("ecology/engine/policy.py", "ecology.store"),
        ("ecology/llm/model.py", "ecology.resources"),
        ("ecology/store/sqlite.py", "ecology.testing"),
        ("ledger/book.py", "ecology.core"),
        ("calibrate/__init__.py", "ledger"),
        ("calibrate/control.py", "calibrate.controllers"),
    ],
)
def test_an_import_upwards_breaks_them(copy: Path, module: str, forbidden: str) -> None:
    with (copy / module).open("a", encoding="utf-8") as file:
        file.write(f"\nimport {forbidden}\n")
    checked = lint_imports(copy)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert (
        f"{module.removesuffix('.py').removesuffix('/__init__').replace('/', '.')} -> {forbidden}"
        in checked.stdout
    )


def test_a_room_without_a_place_in_the_layers_breaks_them(copy: Path) -> None:
    (copy / "ecology" / "annexe").mkdir()
    (copy / "ecology" / "annexe" / "__init__.py").write_text('"""A package that no layer names."""\n')
    checked = lint_imports(copy)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "annexe" in checked.stdout + checked.stderr
