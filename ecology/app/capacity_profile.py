"""What a calibration measured, laid over a scenario: the rates and thinking slots of the container at hand.

Under the real clock the figures are those predicted for the container that this process is in; under the virtual
clock, where no host may matter, those of the scenario's own container, or else of the one that was measured.
"""

import math
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from calibrate.errors import CalibrationFault
from calibrate.profiles.capacity import Prediction, predict
from calibrate.profiles.file import from_data
from calibrate.profiles.outcome import hardware_class
from calibrate.profiles.profile import Profile
from calibrate.reading import Limits
from calibrate.samplers.limits import detect, this_machine
from ecology.app.capacity_flows import LEAST_RATE_MILLITOKENS, Dealt, deal
from ecology.app.run_directory import belongs_to_run
from ecology.core.errors import UsageError
from ecology.scenarios import Scenario, catalogue, document
from ecology.scenarios.measured import Draft, Measured

DEFAULT = Path("capacity.yaml")
"""The profile that is used where it is found and no other is named."""

SAME = 0.03
"""Limits that differ by no more than this are the same: what a container is given is often rounded."""

MEMORY = "thought.memory"
AT_ONCE = "thought.at_once"

SLOPE_SEEN_AT = 2
"""Of fewer numbers of thinking agents nobody learns what one more occupies."""

Say = Callable[[str], None]


class Taken(NamedTuple):
    """What is laid over a scenario, and how the flow was dealt out."""

    figures: dict[str, object]
    dealt: Dealt


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
    return default(Path())


def default(folder: Path) -> Path | None:
    """The `capacity.yaml` in a folder, if there is one, be it a link to nowhere."""
    path = folder / DEFAULT
    return path if path.exists() or path.is_symlink() else None


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
        if predicted.tokens_per_s * 1000 < LEAST_RATE_MILLITOKENS:
            raise UsageError(
                f"{label}: {scenario.agents} agents have nothing to live on in {size(limits)}:"
                f" the world at rest takes {profile.cpu.base_cpus * nodes:.3g} CPUs",
                remedy="give the container more CPUs, or ignore the profile with --no-profile",
            )
        dealt = deal(draft, predicted.tokens_per_s * scenario.agents)
        if dealt.others and not dealt.figures:
            raise UsageError(
                f"{label}: by {' and '.join(dealt.by_hand)} agents take {_short(dealt.taken)} of the"
                f" {_short(predicted.tokens_per_s * scenario.agents)} tokens/s of {size(limits)}:"
                f" the other {dealt.others} have nothing to live on",
                remedy="lower what is set by hand, or ignore the profile with --no-profile",
            )
        laid = _taken(draft, profile, predicted, dealt)
        for line in _said(profile, predicted, scenario, limits, laid):
            say(f"{label}: {line}")
        return laid.figures

    return Measured(label, figures)


def _limits(scenario: Scenario, profile: Profile) -> Limits:
    """The container that the world will feel."""
    own = None if scenario.container is None else scenario.container.limits()
    if scenario.clock == "virtual":
        return own or measured_in(profile)
    here = detect()
    if own is None:
        return here
    return Limits(min(here.cpu_millis, own.cpu_millis), min(here.memory_bytes, own.memory_bytes), here.source)


def _taken(draft: Draft, profile: Profile, predicted: Prediction, dealt: Dealt) -> Taken:
    """A common rate or a thought's memory that was set by hand leaves what goes with it as it is, too."""
    figures: dict[str, object] = {**dealt.figures}
    if draft.by_hand(MEMORY) is None and profile.memory.measured_at >= SLOPE_SEEN_AT:
        figures[MEMORY] = profile.memory.bytes_per_thinking
        if draft.by_hand(AT_ONCE) is None:
            figures[AT_ONCE] = predicted.thinking_at_once
    return Taken(figures, dealt)


def _said(
    profile: Profile, predicted: Prediction, scenario: Scenario, limits: Limits, laid: Taken
) -> list[str]:
    """What was taken from the profile; and how this place differs from the one that was measured, if it does.

    The virtual clock feels no host, only the scenario's container.
    """
    parts = _flow_said(laid.dealt)
    if AT_ONCE in laid.figures:
        parts.append(f"{predicted.thinking_at_once} may think at once")
    origin = f"measured {profile.made[:10]} in {size(measured_in(profile))}"
    differ = []
    if not fits(profile, limits):
        whose = "the scenario's" if scenario.clock == "virtual" else "this"
        sure = "" if not laid.dealt.figures else f", ± {predicted.error_tokens_per_s:.2g} tokens/s each"
        differ.append(f"{whose} container is {size(limits)}: the figures are predicted for it{sure}")
        origin = f"predicted from what was {origin}"
    if scenario.clock == "real":
        kind = hardware_class(os.cpu_count() or 1, this_machine().memory_bytes)
        if kind != profile.hardware.kind:
            differ.append(f"it was measured on a {profile.hardware.kind}, and this is a {kind}")
        if profile.software != (here := version("agent-ecology")):
            differ.append(f"it was measured with version {profile.software}, and this is {here}")
    if profile.hold_out is None or not profile.hold_out.passed:
        differ.append("its rate did not hold when it was tried")
    taken = f"{', '.join(parts)} ({origin})"
    return [taken, f"warning: {'; '.join(differ)}; calibrate here to be sure"] if differ else [taken]


def _flow_said(dealt: Dealt) -> list[str]:
    """Who lives on how much, as it came out."""
    by_hand = " and ".join(dealt.by_hand) + (" says" if len(dealt.by_hand) == 1 else " say")
    if not dealt.figures:
        return [f"rates stay as {by_hand}"]
    agents = sum(count for count, _ in dealt.rates)
    rates = {rate for _, rate in dealt.rates}
    mean = sum(count * rate for count, rate in dealt.rates) / agents
    each = "for each of" if len(rates) == 1 else "on average for"
    parts = [f"{_short(mean)} tokens/s {each} {agents} agents"]
    if dealt.by_hand:
        parts.append(f"{_short(dealt.taken)} tokens/s of all stay as {by_hand}")
    return parts


def fits(profile: Profile, limits: Limits) -> bool:
    """Whether a container of these limits is as the one that was measured."""
    there = measured_in(profile)
    return _same(limits.cpu_millis, there.cpu_millis) and _same(limits.memory_bytes, there.memory_bytes)


def measured_in(profile: Profile) -> Limits:
    """The limits of the container that was measured."""
    was = profile.container
    return Limits(round(was.cpus * 1000), was.memory_bytes, was.source)


def size(limits: Limits) -> str:
    """CPUs and memory, for people."""
    cpus = limits.cpu_millis / 1000
    return f"{cpus:g} CPU{'' if cpus == 1 else 's'}, {limits.memory_bytes / 2**30:.1f} GiB"


def _short(amount: float) -> str:
    """Three digits of it, and no exponent."""
    return f"{float(f'{amount:.3g}'):g}"


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * other
