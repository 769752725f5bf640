"""A package that a page shows, put where an installer would."""

import tomllib
from pathlib import Path

import check_docs


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


def plugged(page: Path, folder: Path) -> dict[str, str]:
    """The environment of a machine on which the page's package is installed, in `folder / "library"`."""
    project = folder / "project"
    project.mkdir()
    write_files(page, project)
    install(project, folder / "library")
    return {"PYTHONPATH": str(folder / "library")}
