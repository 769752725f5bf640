"""Everything that was seen and decided in one calibration, as it is kept, replayed and drawn."""

from collections.abc import Iterator

import msgspec

from calibrate.control import Controller, Decision, Refused, Settled, State, Target
from calibrate.reading import Limits
from calibrate.workload import Sample

RECORD_VERSION = 1

WARMING_UP = "warming up"
"""Why a held course waits upon samples that do not count: caches are cold, and buckets full."""


class Step(msgspec.Struct, frozen=True):
    """One sample and what was decided upon it."""

    sample: Sample
    decision: Decision


class Course(msgspec.Struct, frozen=True):
    """One run of the workload from its start to its end.

    `purpose` is "settle" (the method looked for the rate), "compare" (the other method did, for comparison), "hold-out"
    (the found rate was held, in a run of its own) or "probe" (another number of agents at the same flow in all).
    """

    purpose: str
    method: str
    """The controller's name; "" where the rate was held."""
    agents: int
    started_rate: float
    steps: tuple[Step, ...]
    memory_bytes: int = 0
    """Mean working set over the second half."""
    thinking: int = 0
    """The most thoughts under way at once."""
    why_ended: str = ""


class Place(msgspec.Struct, frozen=True):
    """What was measured, and on what."""

    what: str
    """E.g. `a container of agent-ecology`, `container web-1`, `this process`."""
    limits: Limits
    host_cpus: int
    host_memory_bytes: int
    cpu_model: str
    cgroup_version: int | None
    engine: str = ""
    """E.g. `Docker 28.2.2`; "" without one."""


class Record(msgspec.Struct, frozen=True):
    """A calibration, complete or not."""

    made: str
    """UTC, `2026-01-31T23:59:59Z`."""
    software: str
    """The version of agent-ecology."""
    place: Place
    mix: str
    """The scenario whose agents worked."""
    agents: int
    target: Target
    courses: tuple[Course, ...]
    verdict: str
    """One line: what came of it."""
    passed: bool
    version: int = RECORD_VERSION


_NO_STEPS = b'"steps": []'
"""Inside a string of JSON the quotes would be escaped, so this is nothing but the key."""


def encode(record: Record) -> bytes:
    """JSON for people and their tools: a line for each step, everything else indented, with a newline at the end."""
    bare = [msgspec.structs.replace(course, steps=()) for course in record.courses]
    frame = msgspec.structs.replace(record, courses=tuple(bare))
    head, *tails = msgspec.json.format(msgspec.json.encode(frame), indent=1).split(_NO_STEPS)
    parts = [head]
    for course, tail in zip(record.courses, tails, strict=True):
        lines = b",\n".join(msgspec.json.encode(step) for step in course.steps)
        parts += [b'"steps": [\n', lines, b"\n]", tail] if lines else [_NO_STEPS, tail]
    return b"".join(parts) + b"\n"


def decode(data: bytes) -> Record:
    """Raises msgspec.ValidationError or msgspec.DecodeError for what is no record of this version."""
    record = msgspec.json.decode(data, type=Record)
    if record.version != RECORD_VERSION:
        raise msgspec.ValidationError(f"a record of version {record.version}, not {RECORD_VERSION}")
    return record


def replayed(course: Course, controller: Controller[State]) -> Iterator[Decision]:
    """What the controller decides upon the samples of a course, one decision each, until it has come to an end.

    With the controller that made the course, these are the decisions that were made: controllers are pure.
    """
    state = controller.begin()
    for step in course.steps:
        state, decision = controller.step(state, step.sample)
        yield decision
        if isinstance(decision, Settled | Refused):
            return
