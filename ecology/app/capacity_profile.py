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

from calibrate.capacity import Prediction, predict
from calibrate.errors import CalibrationFault
from calibrate.limits import detect, this_machine
from calibrate.outcome import hardware_class
from calibrate.profile import Profile
from calibrate.profile_file import from_data
from calibrate.reading import Limits
from ecology.core.errors import UsageError
from ecology.scenarios import Scenario, catalogue, document
from ecology.scenarios.measured import Draft, Measured

DEFAULT = Path("capacity.yaml")
"""The profile that is used where it is found and no other is named."""

SAME = 0.03
"""Limits that differ by no more than this are the same: what a container is given is often rounded."""

RATE = "resources.flow.llm_rate.rate"
CAPACITY = "resources.flow.llm_rate.capacity"

Say = Callable[[str], None]


def find(named: Path | None, ignored: bool) -> Path | None:
    """The profile to use: the named one, else `capacity.yaml` of the working directory if it is there."""
    if named is not None and ignored:
        raise UsageError("--profile and --no-profile exclude each other", remedy="give one of them")
    if named is not None or ignored:
        return named
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
        if _milli(predicted.tokens_per_s) < 1:
            raise UsageError(
                f"{label}: {scenario.agents} agents have nothing to live on in {_size(limits)}:"
                f" the world at rest takes {profile.cpu.base_cpus * nodes:.3g} CPUs",
                remedy="give the container more CPUs, or ignore the profile with --no-profile",
            )
        flows, by_hand = _flows(draft, predicted)
        laid = {**flows, **_thinking(draft, profile, predicted)}
        for line in (
            _taken(profile, predicted, scenario, laid, by_hand),
            *_warnings(profile, scenario, limits),
        ):
            say(f"{label}: {line}")
        return laid

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


def _flows(draft: Draft, predicted: Prediction) -> tuple[dict[str, object], str | None]:
    """Every bucket that nobody set by hand; groups keep their proportion, and all together have what was predicted.

    A common rate that was set by hand leaves all of it as it is; then who set it comes second.
    """
    if (by_hand := draft.by_hand(RATE)) is not None:
        return {}, by_hand
    scenario = draft.scenario
    groups = scenario.groups()
    together = sum(group.count * group.rights.llm_rate_millitokens_per_s for group in groups)
    common = scenario.resources.flow.llm_rate
    more_rate = predicted.tokens_per_s * 1000 * scenario.agents / together
    capacity = _milli(predicted.capacity_tokens, up=True)
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
    return laid, None


def _thinking(draft: Draft, profile: Profile, predicted: Prediction) -> dict[str, object]:
    """What a thought occupies and how many there may be, unless somebody set that memory by hand."""
    if draft.by_hand("thought.memory") is not None:
        return {}
    return {
        "thought.memory": profile.memory.bytes_per_thinking,
        "thought.at_once": predicted.thinking_at_once,
    }


def _taken(
    profile: Profile,
    predicted: Prediction,
    scenario: Scenario,
    laid: dict[str, object],
    by_hand: str | None,
) -> str:
    """What was taken from the profile, in one line."""
    parts = []
    if by_hand is not None:
        parts.append(f"rates stay as {by_hand} says")
    else:
        each = "on average for" if any(key.startswith("population.") for key in laid) else "for each of"
        parts.append(f"{predicted.tokens_per_s:.3g} tokens/s {each} {scenario.agents} agents")
    if "thought.at_once" in laid:
        parts.append(f"{predicted.thinking_at_once} may think at once")
    was = profile.container
    place = _size(Limits(round(was.cpus * 1000), was.memory_bytes, was.source))
    return f"{', '.join(parts)} (measured {profile.made[:10]} in {place})"


def _warnings(profile: Profile, scenario: Scenario, limits: Limits) -> list[str]:
    """How this place differs from the one that was measured; the virtual clock feels the scenario's container only."""
    was = profile.container
    differ = []
    if not _same(limits.cpu_millis / 1000, was.cpus) or not _same(limits.memory_bytes, was.memory_bytes):
        whose = "the scenario's container is" if scenario.clock == "virtual" else "this container is"
        exact = predict(
            profile,
            scenario.agents,
            cpus=limits.cpu_millis / 1000,
            memory_bytes=limits.memory_bytes,
        )
        sure = f"± {exact.error_tokens_per_s:.2g}"
        differ.append(
            f"{whose} {_size(limits)}, so the rates are predicted ({sure} tokens/s each), not measured"
        )
    if scenario.clock == "real":
        kind = hardware_class(os.cpu_count() or 1, this_machine().memory_bytes)
        if kind != profile.hardware.kind:
            differ.append(f"it was measured on a {profile.hardware.kind}, and this is a {kind}")
        if profile.software != (here := version("agent-ecology")):
            differ.append(f"it was measured with version {profile.software}, and this is {here}")
    return [f"warning: {'; '.join(differ)}; calibrate here to be sure"] if differ else []


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * other


def _size(limits: Limits) -> str:
    cpus = limits.cpu_millis / 1000
    return f"{cpus:g} CPU{'' if cpus == 1 else 's'}, {limits.memory_bytes / 2**30:.1f} GiB"


def _milli(tokens: float, *, up: bool = False) -> int:
    """Thousandths of a token; a rate never promises more than there is."""
    return math.ceil(tokens * 1000) if up else math.floor(tokens * 1000)


def _tokens(millitokens: float) -> Decimal:
    """As a scenario's file would say it; at least the smallest amount there is."""
    return Decimal(max(1, math.floor(millitokens))) / 1000
