"""A build backend of a page, so that a test can install a project without network and without a real backend."""

import sys
import zipfile
from pathlib import Path


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    """A wheel with these files and the metadata that pip insists on."""
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]))
    return wheel


def get_requires_for_build_editable(config_settings: object = None) -> list[str]:
    """Nothing is needed to build (PEP 660)."""
    return []


def build_editable(
    wheel_directory: str, config_settings: object = None, metadata_directory: object = None
) -> str:
    """The editable wheel (PEP 660): a path to the project, and the command `ecology` of the package `answer`."""
    files = {
        "tiny_project.pth": sys.path[0] + "\n",
        "tiny_project-1.dist-info/entry_points.txt": "[console_scripts]\necology = answer:main\n",
    }
    return write_wheel(Path(wheel_directory), "tiny_project", "1", files).name
