"""Where scenarios come from: the library, the `ecology.scenarios` entry points of others, files."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path

from ecology.core.errors import ScenarioError
from ecology.scenarios import keys
from ecology.scenarios.document import MAX_BYTES
from ecology.scenarios.quantity import printable, shown

ENTRY_POINTS = "ecology.scenarios"


@dataclass(frozen=True)
class Source:
    """A scenario's text; `name` is what it is called if it does not say, `label` stands in errors."""

    name: str
    label: str
    text: str


def find(name_or_path: str | Path) -> Source:
    """The scenario of that name, or the file at that path.

    A file is meant by anything with a path separator or ending in `.yaml` or `.yml`. Raises ScenarioError if
    there is no such scenario (naming the nearest and all others), or if a file is not readable text of at
    most 1 MB.
    """
    text = str(name_or_path)
    if means_file(name_or_path):
        return _read_scenario(Path(name_or_path), label=str(name_or_path))
    for name, source in _shipped():
        if name == text:
            return source
    for point in _plugged():
        if point.name == text:
            return _load_plugged(point)
    known = names()
    close = keys.nearest(text, known)
    hint = f"did you mean '{close}'? " if close else ""
    raise ScenarioError(
        f"unknown scenario {shown(text)}", remedy=f"{hint}known: {', '.join(known)}; or give a .yaml file"
    )


def means_file(name_or_path: str | Path) -> bool:
    """Whether that is a path, not a scenario's name."""
    text = str(name_or_path)
    return isinstance(name_or_path, Path) or "/" in text or "\\" in text or text.endswith((".yaml", ".yml"))


def names() -> list[str]:
    """All scenarios that can be asked for by name, those that ship first."""
    shipped = [name for name, _ in _shipped()]
    return shipped + [point.name for point in _plugged() if point.name not in shipped]


def _shipped() -> Iterator[tuple[str, Source]]:
    library = files("ecology.scenarios") / "library"
    for entry in sorted(library.iterdir(), key=lambda entry: entry.name):
        name = entry.name.removesuffix(".yaml")
        if name != entry.name:
            yield name, Source(name, str(entry), entry.read_text(encoding="utf-8"))


def _plugged() -> list[EntryPoint]:
    return sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)


def _load_plugged(point: EntryPoint) -> Source:
    label = f"entry point {point.name} = {point.value}"
    try:
        loaded = point.load()
    except Exception as error:  # another package's code: whatever it raises is its fault, and this names it
        raise ScenarioError(
            f"{label}: cannot be loaded ({type(error).__name__}: {shown(str(error))})"
        ) from error
    if isinstance(loaded, str) and "\n" in loaded:
        return Source(point.name, label, loaded)
    if isinstance(loaded, str | Path):
        source = _read_scenario(Path(loaded), label=str(loaded))
        return Source(point.name, source.label, source.text)
    raise ScenarioError(f"{label}: expected a path or YAML text, got {type(loaded).__name__}")


def _read_scenario(path: Path, label: str) -> Source:
    return read_file(
        path,
        label,
        absent=f"known scenarios: {', '.join(names())}",
        other="give a scenario's name or a .yaml file",
    )


def read_file(path: Path, label: str, *, kind: str = "scenario", absent: str, other: str) -> Source:
    """The text of a file of at most 1 MB; `absent` and `other` tell how to mend that there is none, or no file.

    Raises ScenarioError, one line that begins with `label`.
    """
    label = printable(label)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ScenarioError(f"{label}: not a file", remedy=other)
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ScenarioError(f"{label}: no such file", remedy=absent) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ScenarioError(f"{label}: cannot be read ({printable(str(reason))})") from error
    if len(raw) > MAX_BYTES:
        raise ScenarioError(f"{label}: longer than {MAX_BYTES} bytes", remedy=f"no {kind} needs that much")
    try:
        return Source(path.stem, label, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{label}:{line}: not UTF-8 text", remedy="save the file as UTF-8") from error
