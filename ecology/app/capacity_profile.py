"""What a calibration measured, laid over a scenario: the rates and thinking slots of the container at hand.

Under the real clock the figures are those predicted for the container that this process is in; under the virtual
clock, where no host may matter, those of the scenario's own container, or else of the one that was measured.
"""

import math
import os
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from calibrate.capacity import Prediction, predict
from calibrate.errors import CalibrationFault
from calibrate.limits import detect, this_machine
from calibrate.outcome import hardware_class
from calibrate.profile import Profile
from calibrate.profile_file import from_data
from calibrate.reading import Limits
from ecology.app.run_directory import belongs_to_run
from ecology.core.errors import UsageError
from ecology.scenarios import Scenario, catalogue, document
from ecology.scenarios.measured import Draft, Measured

DEFAULT = Path("capacity.yaml")
"""The profile that is used where it is found and no other is named."""

SAME = 0.03
"""Limits that differ by no more than this are the same: what a container is given is often rounded."""

RATE = "resources.flow.llm_rate.rate"
CAPACITY = "resources.flow.llm_rate.capacity"
MEMORY = "thought.memory"
AT_ONCE = "thought.at_once"

LEAST_RATE = 0.001
"""The smallest rate that a scenario can say."""

Say = Callable[[str], None]


class Taken(NamedTuple):
    """What is laid over a scenario, and who set the common rate by hand, if anybody did."""

    figures: dict[str, object]
    by_hand: str | None


def find(named: Path | None, ignored: bool, scenario: str) -> Path | None:
    """The profile to use: the named one, else `capacity.yaml` of the working directory if it is there.

    What a run keeps as its configuration has its rates already: only a profile that is named changes them.
    """
    if named is not None and ignored:
        raise UsageError("--profile and --no-profile exclude each other", remedy="give one of them")
    if named is not None or ignored:
        return named
    if catalogue.means_file(scenario) and belongs_to_run(Path(scenario)):
        return None
    return DEFAULT if DEFAULT.exists() or DEFAULT.is_symlink() else None


def read(path: Path) -> Profile:
    """The profile in a file. Raises UsageError, one line with file and line, for anything else."""
    kind = "capacity profile"
    made = "make one with: ecology calibrate"
    source = catalogue.read_file(path, str(path), kind=kind, absent=made, other=made)
    parsed = document.parse(source.text, source.label, kind)
    try:
        return from_data(parsed.data, parsed.lines, source.label)
    except CalibrationFault as fault:
        raise UsageError(fault.what, remedy=fault.remedy) from fault


def measured(path: Path, say: Say, nodes: int = 1) -> Measured:
    """The layer of a scenario that the profile in a file is; what it comes to is said once. Raises UsageError.

    `nodes` processes share the container: each has its part of the CPUs, the memory and the agents.
    """
    profile = read(path)
    label = str(path)

    def figures(draft: Draft) -> dict[str, object]:
        scenario = draft.scenario
        limits = _limits(scenario, profile)
        predicted = predict(
            profile,
            math.ceil(scenario.agents / nodes),
            cpus=limits.cpu_millis / 1000 / nodes,
            memory_bytes=limits.memory_bytes // nodes,
            worst_thought_tokens=scenario.costs().worst_millitokens / 1000,
        )
        if predicted.tokens_per_s < LEAST_RATE:
            raise UsageError(
                f"{label}: {scenario.agents} agents have nothing to live on in {_size(limits)}:"
                f" the world at rest takes {profile.cpu.base_cpus * nodes:.3g} CPUs",
                remedy="give the container more CPUs, or ignore the profile with --no-profile",
            )
        laid = _taken(draft, profile, predicted)
        for line in _said(profile, predicted, scenario, limits, laid):
            say(f"{label}: {line}")
        return laid.figures

    return Measured(label, figures)


def _limits(scenario: Scenario, profile: Profile) -> Limits:
    """The container that the world will feel."""
    own = None if scenario.container is None else scenario.container.limits()
    if scenario.clock == "virtual":
        was = profile.container
        return own or Limits(round(was.cpus * 1000), was.memory_bytes, was.source)
    here = detect()
    if own is None:
        return here
    return Limits(min(here.cpu_millis, own.cpu_millis), min(here.memory_bytes, own.memory_bytes), here.source)


def _taken(draft: Draft, profile: Profile, predicted: Prediction) -> Taken:
    """A common rate or a thought's memory that was set by hand leaves what goes with it as it is, too."""
    by_hand = draft.by_hand(RATE)
    figures = {} if by_hand is not None else _flows(draft, predicted)
    if draft.by_hand(MEMORY) is None:
        figures[MEMORY] = profile.memory.bytes_per_thinking
        if draft.by_hand(AT_ONCE) is None:
            figures[AT_ONCE] = predicted.thinking_at_once
    return Taken(figures, by_hand)


def _flows(draft: Draft, predicted: Prediction) -> dict[str, object]:
    """Every bucket that nobody set by hand; groups keep their proportion, and all together have what was predicted."""
    scenario = draft.scenario
    groups = scenario.groups()
    together = sum(group.count * group.rights.llm_rate_millitokens_per_s for group in groups)
    common = scenario.resources.flow.llm_rate
    more_rate = predicted.tokens_per_s * 1000 * scenario.agents / together
    capacity = math.ceil(predicted.capacity_tokens * 1000)  # rounded down it might not cover the thoughts
    more_capacity = capacity / common.capacity_millitokens
    laid: dict[str, object] = {
        RATE: _tokens(common.rate_millitokens_per_s * more_rate),
        CAPACITY: _tokens(capacity),
    }
    for place, settings in enumerate(scenario.population):
        own = settings.resources.flow.llm_rate
        for key, amount, more in (
            (RATE, own.rate_millitokens_per_s, more_rate),
            (CAPACITY, own.capacity_millitokens, more_capacity),
        ):
            if amount is not None and draft.by_hand(path := f"population.{place}.{key}") is None:
                laid[path] = _tokens(amount * more)
    return laid


def _said(
    profile: Profile, predicted: Prediction, scenario: Scenario, limits: Limits, laid: Taken
) -> list[str]:
    """What was taken from the profile; and how this place differs from the one that was measured, if it does.

    The virtual clock feels no host, only the scenario's container.
    """
    parts = []
    if laid.by_hand is not None:
        parts.append(f"rates stay as {laid.by_hand} says")
    else:
        grouped = any(key.startswith("population.") for key in laid.figures)
        each = "on average for" if grouped else "for each of"
        parts.append(f"{predicted.tokens_per_s:.3g} tokens/s {each} {scenario.agents} agents")
    if AT_ONCE in laid.figures:
        parts.append(f"{predicted.thinking_at_once} may think at once")
    was = profile.container
    there = Limits(round(was.cpus * 1000), was.memory_bytes, was.source)
    measured_in = f"measured {profile.made[:10]} in {_size(there)}"
    differ = []
    if not _same(limits.cpu_millis, there.cpu_millis) or not _same(limits.memory_bytes, there.memory_bytes):
        whose = "the scenario's" if scenario.clock == "virtual" else "this"
        sure = "" if laid.by_hand is not None else f", ± {predicted.error_tokens_per_s:.2g} tokens/s each"
        differ.append(f"{whose} container is {_size(limits)}: the figures are predicted for it{sure}")
        measured_in = f"predicted from what was {measured_in}"
    if scenario.clock == "real":
        kind = hardware_class(os.cpu_count() or 1, this_machine().memory_bytes)
        if kind != profile.hardware.kind:
            differ.append(f"it was measured on a {profile.hardware.kind}, and this is a {kind}")
        if profile.software != (here := version("agent-ecology")):
            differ.append(f"it was measured with version {profile.software}, and this is {here}")
    taken = f"{', '.join(parts)} ({measured_in})"
    return [taken, f"warning: {'; '.join(differ)}; calibrate here to be sure"] if differ else [taken]


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * other


def _size(limits: Limits) -> str:
    cpus = limits.cpu_millis / 1000
    return f"{cpus:g} CPU{'' if cpus == 1 else 's'}, {limits.memory_bytes / 2**30:.1f} GiB"


def _tokens(millitokens: float) -> Decimal:
    """As a scenario's file would say it; at least the smallest amount there is."""
    return Decimal(max(1, math.floor(millitokens))) / 1000
