"""A package that a page shows, put where an installer would."""

import os
import shutil
import signal
import subprocess
import time
import tomllib
from pathlib import Path

import check_docs
from tests.support.command import PATIENCE_S


def write_files(page: Path, folder: Path) -> None:
    """Every file that the page shows."""
    for block in check_docs.blocks(page.name, page.read_text("utf-8")):
        kind, name = block.note
        if kind == "file":
            (folder / name).write_text("\n".join(block.lines) + "\n", "utf-8")


def install(project: Path, library: Path) -> None:
    """What an installer leaves of a project of single modules: the modules, and what they announce."""
    described = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    name, version = described["project"]["name"], described["project"]["version"]
    library.mkdir()
    for module in described["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]:
        (library / module).write_text((project / module).read_text("utf-8"), "utf-8")
    info = library / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    lines = []
    for group, points in described["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{point} = {target}" for point, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")


def held(library: Path, target: str, source: str) -> dict[str, str]:
    """The environment in which a module of that source stands for the module `target` of an installed package.

    When its time has come it makes the file `held` and keeps its process for ever: however late one is to kill that.
    """
    other = library.with_name("held-library")
    shutil.copytree(library, other)
    (other / "held.py").write_text(source, "utf-8")
    for announced in other.glob("*.dist-info/entry_points.txt"):
        text = announced.read_text("utf-8")
        announced.write_text(text.replace(f"= {target}:", "= held:"), "utf-8")
    return {"PYTHONPATH": str(other)}


def kill_held(process: "subprocess.Popen[str]", cwd: Path) -> None:
    """Kill it where it is held, with all that it started."""
    give_up = time.monotonic() + PATIENCE_S
    while not (cwd / "held").exists():
        assert process.poll() is None and time.monotonic() < give_up, "it is not held"
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def plugged(page: Path, folder: Path) -> dict[str, str]:
    """The environment of a machine on which the page's package is installed, in `folder / "library"`."""
    project = folder / "project"
    project.mkdir()
    write_files(page, project)
    install(project, folder / "library")
    return {"PYTHONPATH": str(folder / "library")}
