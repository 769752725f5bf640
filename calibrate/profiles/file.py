"""A capacity profile as the text of `capacity.yaml`, and back.

Writing is all here. Reading begins with plain data and the line of each value, as whoever parses YAML has them: this
package has no parser of its own.
"""

import contextlib
import difflib
import os
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from calibrate.errors import CalibrationFault, ProfileFault
from calibrate.profiles.profile import PROFILE_VERSION, Profile

KeyPath = tuple[str | int, ...]

COMMENTS: dict[str, str] = {
    "version": "of this file's form",
    "made": "UTC",
    "software": "version of agent-ecology",
    "engine": "what ran the container; empty: none",
    "what": "what was measured",
    "mix": "the scenario whose agents worked",
    "container": "the limits it was measured in",
    "container.cpus": "CPUs",
    "container.memory_bytes": "bytes",
    "container.source": "where the limits were found",
    "hardware": "the machine around it",
    "hardware.kind": "laptop, desktop or server",
    "hardware.cpu_model": "as the kernel calls it",
    "hardware.cpus": "CPUs of the machine",
    "hardware.memory_bytes": "bytes",
    "aim": "the band the container is kept in; what is above it is headroom",
    "aim.low_percent": "% of the container's CPUs",
    "aim.high_percent": "% of the container's CPUs",
    "aim.memory_percent": "% of the container's memory, at most",
    "rate": "what was found",
    "rate.agents": "agents that worked",
    "rate.tokens_per_s": "compute tokens per second of each of them",
    "rate.error_tokens_per_s": "+-, 95 %",
    "rate.bound": "what keeps it from more: cpu, memory, latency, one_process or rate",
    "cpu": "CPUs used = base_cpus + cpu_seconds_per_1k_tokens / 1000 * centre * (tokens/s of all / centre) ^ exponent",
    "cpu.base_cpus": "CPUs at rate 0",
    "cpu.cpu_seconds_per_1k_tokens": "CPU-seconds, at the centre",
    "cpu.error_cpu_seconds_per_1k_tokens": "+-, 95 %",
    "cpu.centre_tokens_per_s": "tokens/s of all agents, where the cost is known best",
    "cpu.exponent": "0.5 to 1; below 1 a token is dearer at lower rates",
    "cpu.error_exponent": "+-, 95 %",
    "cpu.loop_base_cpus": "of the one thread that all turns share, at rate 0",
    "cpu.loop_seconds_per_1k_tokens": "of that thread, CPU-seconds, at the centre",
    "memory": "working set = base_bytes + bytes_per_thinking * agents that think",
    "memory.base_bytes": "bytes, when nobody thinks",
    "memory.bytes_per_thinking": "bytes",
    "memory.measured_at": "different numbers of thinking agents seen; below 2 the slope is taken, not measured",
    "thinking_at_once": "agents that may think at once in that memory, its headroom kept free",
    "worst_thought_tokens": "compute tokens that one thought can cost in that mix",
    "buckets": "for N agents: tokens/s and tokens of each; for another N: what CPUs and thread at the aim pay for, / N",
    "buckets.N.agents": "how many agents share the container",
    "buckets.N.tokens_per_s": "compute tokens per second of each of them",
    "buckets.N.capacity_tokens": "compute tokens that each bucket holds",
    "hold_out": "the run that held the found rate; null: there was none",
    "hold_out.mean_percent": "% of the container's CPUs",
    "hold_out.in_band_percent": "% of its windows of 10 s",
    "hold_out.passed": "whether that was good enough",
}
"""What each key says, written beside it."""

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "object": "a section (keys and values)",
    "array": "a list",
    "null": "nothing",
}


def encode(profile: Profile) -> str:
    """The text of a profile: YAML, its keys always in one order, each with its unit or meaning."""
    date = profile.made[:10]
    lines = [
        f"# What {profile.what!r} sustains, as `ecology calibrate` measured it on {date}.".replace("\n", " "),
        "# `ecology run` takes its rates from capacity.yaml in the working directory, or from --profile FILE.",
    ]
    _section(msgspec.to_builtins(profile), "", lines)
    return "\n".join(lines) + "\n"


def write(path: Path, profile: Profile) -> None:
    """Write the whole profile or nothing. Raises CalibrationFault if that cannot be done."""
    write_whole(path, encode(profile).encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write the whole file or nothing. Raises CalibrationFault if that cannot be done."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()
    except OSError as error:
        raise CalibrationFault(
            f"cannot write {path} ({(error.strerror or str(error)).lower()})",
            remedy="name another place, or change its rights",
        ) from error


def from_data(data: object, lines: Mapping[KeyPath, int], source: str) -> Profile:
    """The profile in plain data; `lines` has the line of each value, `source` names the file.

    Raises ProfileFault, one line with file and line, for anything that is not a whole profile of this version.
    """
    if not isinstance(data, dict):
        what = "empty" if data is None else "not keys and values"
        raise _fault(source, 1, f"no capacity profile: {what}", "make one with: ecology calibrate")
    version = data.get("version")
    if type(version) is int and version != PROFILE_VERSION:
        raise _fault(
            source,
            lines.get(("version",), 1),
            f"a capacity profile of version {version}, not {PROFILE_VERSION}",
            "calibrate again with this version of agent-ecology",
        )
    try:
        profile = msgspec.convert(_floats(data), Profile)
    except msgspec.ValidationError as error:
        raise _explained(str(error), data, lines, source) from error
    _check(profile, lines, source)
    return profile


def _section(section: Mapping[str, object], prefix: str, lines: list[str]) -> None:
    indent = "  " * prefix.count(".")
    for key, value in section.items():
        path = f"{prefix}{key}"
        comment = f"  # {COMMENTS[path]}" if path in COMMENTS else ""
        if isinstance(value, dict):
            lines.append(f"{indent}{key}:{comment}")
            _section(value, f"{path}.", lines)
        elif isinstance(value, list | tuple):
            lines.append(f"{indent}{key}:{comment}")
            for row in value:
                cells = ", ".join(f"{name}: {_scalar(cell)}" for name, cell in row.items())
                lines.append(f"{indent}  - {{ {cells} }}")
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}{comment}")


def _scalar(value: object) -> str:
    """A value as YAML; text always in quotes, so that no word is taken for something else."""
    if isinstance(value, str):
        return '"' + "".join(map(_character, value)) + '"'
    if value is None:
        return "null"
    return repr(value).lower()  # true, 5, 12.5, 1e-07


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _floats(value: object) -> object:
    """Plain data with floats for decimals."""
    if isinstance(value, dict):
        return {key: _floats(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_floats(part) for part in value]
    return float(value) if isinstance(value, Decimal) else value


def _explained(text: str, data: object, lines: Mapping[KeyPath, int], source: str) -> ProfileFault:
    """msgspec's complaint ("... - at `$.cpu.base_cpus`") in the words and with the line of the file."""
    what, _, at = text.partition(" - at `$")
    path: KeyPath = tuple(
        int(part[1:-1]) if part.startswith("[") else part[1:]
        for part in re.findall(r"\[\d+\]|\.[^.\[`]+", at)
    )
    if unknown := re.search(r"unknown field `(.*)`", what, re.DOTALL):
        key = unknown[1]
        close = difflib.get_close_matches(key[:80], _known(path), n=1, cutoff=0.5)
        remedy = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(_known(path))}"
        shown = _dotted((*path, key if key.isprintable() else ascii(key)))
        return _fault(source, lines.get((*path, key), 1), f"unknown key {shown}", remedy)
    line = lines.get(path, 1)
    if missing := re.search(r"missing required field `(.*)`", what):
        where = _dotted((*path, missing[1]))
        return _fault(source, line, f"{where} is missing", "put it back, or calibrate again")
    words = re.sub(r"`(\w+)`", lambda match: _WORDS.get(match[1], match[1]), what).replace(" | ", " or ")
    name = _dotted(path) or "the profile"
    return _fault(source, line, f"{name}: {words[:1].lower()}{words[1:]}", "mend it, or calibrate again")


def _known(path: KeyPath) -> Sequence[str]:
    """The names that may stand in the section at `path`."""
    model: object = Profile
    for part in path:
        if isinstance(part, str):
            model = next(field.type for field in msgspec.structs.fields(model) if field.name == part)  # type: ignore[arg-type]
        model = next((kind for kind in _parts(model) if issubclass(kind, msgspec.Struct)), model)
    return [field.name for field in msgspec.structs.fields(model)]  # type: ignore[arg-type]


def _parts(annotation: object) -> Sequence[type]:
    found = [annotation] if isinstance(annotation, type) else []
    for part in getattr(annotation, "__args__", ()):
        found.extend(_parts(part))
    return found


def _check(profile: Profile, lines: Mapping[KeyPath, int], source: str) -> None:
    """What no single value shows."""
    aim = profile.aim
    if not 0 < aim.low_percent <= aim.high_percent:
        line = lines.get(("aim", "low_percent"), 1)
        raise _fault(
            source, line, "aim: the band is empty", "low_percent is above 0, and not above high_percent"
        )
    numbers = [row.agents for row in profile.buckets]
    if numbers != sorted(set(numbers)):
        line = lines.get(("buckets",), 1)
        raise _fault(source, line, "buckets: the numbers of agents do not rise", "sort the rows, each once")


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)


def _fault(source: str, line: int, what: str, remedy: str) -> ProfileFault:
    return ProfileFault(f"{source}:{line}: {what}", remedy=remedy)
