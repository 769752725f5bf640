"""Counters in small files of the kernel: one number, `name number` lines, or pressure."""

from pathlib import Path, PurePosixPath

from calibrate.errors import CalibrationFault, ContainerGone
from calibrate.samplers.hierarchy import TOP

DIGITS = 20
"""The kernel writes unsigned 64-bit numbers."""


def read(root: Path, path: PurePosixPath) -> str:
    """A file's text.

    Raises ContainerGone if its folder (the cgroup) is no more, CalibrationFault if the file is missing or unreadable.
    """
    place = root / path.relative_to(TOP)
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        # A cgroup that is removed while its file is open answers ENODEV, afterwards the folder is missing.
        if not place.parent.is_dir():
            raise ContainerGone(f"the cgroup {path.parent} is gone") from error
        raise CalibrationFault(
            f"cannot read {path} ({error.strerror})", remedy="calibrate from outside, through Docker"
        ) from error


def number(text: str, path: PurePosixPath) -> int:
    """The whole number that a file (`path`, for the message) consists of. Raises CalibrationFault."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS):
        raise CalibrationFault(f"{path} makes no sense: {_shown(text)} is no counter")
    return int(text)


def table(text: str, path: PurePosixPath) -> dict[str, str]:
    """The `name value` lines of a file (`path`, for the message). Raises CalibrationFault if some line is none."""
    values = {}
    for line in text.splitlines():
        name, blank, value = line.partition(" ")
        if not blank:
            raise CalibrationFault(f"{path} makes no sense: {_shown(line)} is no name with a value")
        values[name] = value
    return values


def entry(values: dict[str, str], name: str, path: PurePosixPath, default: int | None = None) -> int:
    """One number of a table. Raises CalibrationFault if it is missing and has no default, or is no number."""
    value = values.get(name)
    if value is None:
        if default is not None:
            return default
        raise CalibrationFault(f"{path} makes no sense: it has no {name}")
    return number(value, path)


def pressure(root: Path, path: PurePosixPath) -> int | None:
    """The microseconds in which some task waited, of a pressure file (kernel documentation: accounting/psi).

    None where the kernel does not count pressure (no such file, or reading it is not supported). Raises
    CalibrationFault if the file makes no sense.
    """
    try:
        text = (root / path.relative_to(TOP)).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None  # the counters beside it say if the cgroup is gone
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == "some" and words[-1].startswith("total="):
            return number(words[-1].removeprefix("total="), path)
    raise CalibrationFault(f"{path} makes no sense: it has no total of what some task waited")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
