"""What fits: agents against CPUs, and memory against agents that think."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from calibrate.profiles.capacity import agents_that_fit, one_process_cpus
from calibrate.profiles.outcome import LEAST_SLOPE_BYTES
from calibrate.profiles.profile import MemorySection, Profile
from ecology.observe import numerals
from ecology.observe.calibration.findings import Findings
from ecology.observe.calibration.strokes import label_line
from ecology.observe.calibration.words import rate
from ecology.observe.pages.canvas import INK, MUTED, PALETTE, drawing, inline_svg, only_horizontal_grid
from ecology.observe.pages.plate import Plate

CPUS = (0.5, 1.0, 2.0, 4.0, 8.0)
DESIGN_RATE = 10.0
"""Tokens per second of one agent, as the original design gives."""
AMPLE = 1 << 50
"""More memory than any agent can fill, in bytes."""
FAR = 4.0
"""So many times what was measured is not drawn: the points would be one."""
CLOSE = 0.12
"""Of the axis' height: marks nearer to each other would share their numbers' place."""
NO_PROFILE = "There is no capacity profile: only a calibration that found a rate makes one."


class Fit(NamedTuple):
    """How many agents of one rate a container bears, and what keeps more away: "CPU", "memory" or "one process"."""

    cpus: float
    agents: int
    by_cpu: int
    """If it had all the memory it wants."""
    binds: str
    memory_bytes: int
    """What as many as `by_cpu` would take, all thinking."""


def fits(profile: Profile, count: float, tokens_per_s: float) -> Fit:
    """How many fit into so many CPUs and the memory of the container that was measured."""
    agents = agents_that_fit(profile, count, profile.container.memory_bytes, tokens_per_s)
    by_cpu = agents_that_fit(profile, count, AMPLE, tokens_per_s)
    full = one_process_cpus(profile) <= profile.aim.cpu_share * count
    memory_bytes = profile.memory.base_bytes + by_cpu * profile.memory.bytes_per_thinking
    return Fit(
        cpus=count,
        agents=agents,
        by_cpu=by_cpu,
        binds="memory" if agents < by_cpu else "one process" if full else _what(profile),
        memory_bytes=memory_bytes,
    )


def rates_shown(profile: Profile) -> list[float]:
    """The design's rate and the one that was found, once where they are the same."""
    found = profile.rate.tokens_per_s
    return [DESIGN_RATE] if rate(found) == rate(DESIGN_RATE) else [DESIGN_RATE, found]


def capacity(findings: Findings) -> Plate:
    """How many agents fit into 0.5 to 8 CPUs at both rates."""
    name, title, profile = "capacity", "How many agents fit", findings.profile
    if profile is None:
        return Plate(name=name, title=title, reading="", missing=NO_PROFILE)
    memory = numerals.size(profile.container.memory_bytes)
    with drawing(10, 4.4) as figure:
        axes = figure.subplots()
        shown = {tokens: [fits(profile, count, tokens) for count in CPUS] for tokens in rates_shown(profile)}
        highest = max(1, *(row.by_cpu for rows in shown.values() for row in rows))
        for place, (tokens_per_s, rows) in enumerate(shown.items()):
            _draw_fits(axes, profile, place, tokens_per_s, rows)
        _name_fits(axes, list(shown.values()), highest)
        axes.set_xscale("log", base=2)
        axes.set(xlim=(0.44, 9.6), ylim=(0, highest * 1.22))
        axes.set_xticks(CPUS, [f"{count:g}" for count in CPUS])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("CPUs of the container")
        axes.set_title("agents of one process")
        at_once = profile.thinking_at_once
        if at_once <= highest * 1.15:
            slots = f"{at_once:,} may think at once in {memory}"
            axes.axhline(at_once, color=MUTED, linewidth=1, linestyle="-.", label=slots)
        _draw_process(axes, profile)
        only_horizontal_grid(axes)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=4)
        reading = _reading(profile)
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note=f"Lines: what CPU and the one thread of a process bear. Filled marks: what also fits into {memory}, the "
        "memory of the container that was measured, if all think at once. Predicted from the fit.",
        header=["CPUs", "tokens/s each", "agents", "what binds", "agents by CPU alone", "memory for those"],
        rows=[
            [
                f"{row.cpus:g}", rate(tokens_per_s), f"{row.agents:,}", row.binds, f"{row.by_cpu:,}",
                numerals.size(row.memory_bytes),
            ]
            for tokens_per_s in rates_shown(profile)
            for row in (fits(profile, count, tokens_per_s) for count in CPUS)
        ],
    )  # fmt: skip


def memory(findings: Findings) -> Plate:
    """Working set against agents that think, as measured and as the profile's line has it."""
    name, title, profile = "memory", "Memory against agents that think", findings.profile
    if profile is None:
        return Plate(name=name, title=title, reading="", missing=NO_PROFILE)
    part, at_once, mib = profile.memory, profile.thinking_at_once, 1 << 20
    measured = [course for course in findings.record.courses if course.memory_bytes and course.steps]
    most = max([1, *(course.thinking for course in measured)])
    far = at_once > FAR * most
    edge = (2 * most if far else max(at_once, most)) * 1.18
    limit = profile.container.memory_bytes / mib
    with drawing(10, 3.8) as figure:
        axes = figure.subplots()
        axes.plot(
            [0, edge],
            [part.base_bytes / mib, (part.base_bytes + edge * part.bytes_per_thinking) / mib],
            color=MUTED,
            linewidth=1.4,
            label="base + slope",
        )
        axes.plot(
            [course.thinking for course in measured],
            [course.memory_bytes / mib for course in measured],
            linestyle="none",
            marker="o",
            color=PALETTE[4],
            clip_on=False,
            zorder=3,
            label="measured",
        )
        label_line(
            axes, limit, f"limit: {numerals.size(profile.container.memory_bytes)}", dash="-", left=True
        )
        free = f"kept free above {profile.aim.memory_percent:g} %"
        label_line(axes, limit * profile.aim.memory_percent / 100, free, left=True)
        if not far:
            axes.axvline(at_once, color=INK, linewidth=0.9, linestyle=":", label="may think at once")
        axes.set(xlim=(0, edge), ylim=(0, limit * 1.15), xlabel="agents that think at the same time")
        axes.set_title("working set, MiB")
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.yaxis.set_major_formatter("{x:,g}")
        only_horizontal_grid(axes)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=4)
        reading = (
            f"The world takes {numerals.size(part.base_bytes)}, and each agent that thinks "
            f"{numerals.size(part.bytes_per_thinking)} more ({memory_known(part)}): {at_once:,} may think at once"
            f"{', far to the right of what is drawn' if far else ''}."
        )
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note="Each point is the mean working set of one course against the most thoughts under way in it. The line"
        " rises as from probe to probe, and no course lies above it: a world grows as it lives.",
        header=["course", "agents", "thinking at most", "working set"],
        rows=[
            [course.purpose, f"{course.agents:,}", f"{course.thinking:,}", numerals.size(course.memory_bytes)]
            for course in measured
        ],
    )


def memory_known(part: MemorySection) -> str:
    """How well it is known what a thinking agent takes."""
    if part.measured_at < 2:
        return "taken, not measured"
    numbers = f"at {part.measured_at:,} numbers of thinking agents"
    if part.bytes_per_thinking <= LEAST_SLOPE_BYTES:
        return f"the least that is ever taken: no growth was seen {numbers}"
    return f"measured {numbers}"


def _draw_fits(axes: Axes, profile: Profile, place: int, tokens_per_s: float, rows: list[Fit]) -> None:
    colour, dash = PALETTE[place], ("-", "--")[place]
    along = np.geomspace(CPUS[0], CPUS[-1], 400)
    axes.plot(
        along,
        [agents_that_fit(profile, float(count), AMPLE, tokens_per_s) for count in along],
        color=colour,
        linestyle=dash,
        drawstyle="steps-post",
        linewidth=1.4,
        alpha=0.7,
    )
    axes.plot(
        [row.cpus for row in rows],
        [row.agents for row in rows],
        linestyle="none",
        marker="os"[place],
        markersize=7,
        color=colour,
        label=f"at {rate(tokens_per_s)} tokens/s each",
    )


def _name_fits(axes: Axes, shown: list[list[Fit]], highest: int) -> None:
    """The numbers above the marks; beside the second mark where both are close, once where both are equal."""
    for place, rows in enumerate(shown):
        for first, row in zip(shown[0], rows, strict=True):
            if place and row.agents == first.agents:
                continue
            close = place and abs(row.agents - first.agents) < CLOSE * highest
            axes.annotate(
                f"{row.agents:,}",
                (row.cpus, row.agents),
                xytext=(8, 0) if close else (0, 7),
                textcoords="offset points",
                ha="left" if close else "center",
                va="center" if close else "bottom",
                fontsize=8.5,
                color=INK,
            )


def _draw_process(axes: Axes, profile: Profile) -> None:
    """Where the thread that all turns share is full: to the right of it CPUs lie idle."""
    full = one_process_cpus(profile) / profile.aim.cpu_share
    if full < CPUS[-1]:
        axes.axvspan(full, 9.6, color=MUTED, alpha=0.08, linewidth=0)
        axes.annotate(
            "a second node would use these CPUs",
            (9.4, 0.97),
            xycoords=("data", "axes fraction"),
            ha="right",
            va="top",
            fontsize=8,
            color=MUTED,
        )


def _what(profile: Profile) -> str:
    """What binds below memory and the one thread."""
    return {"latency": "waiting for the model", "memory": "memory"}.get(profile.rate.bound, "CPU")


def _reading(profile: Profile) -> str:
    here = fits(profile, profile.container.cpus, DESIGN_RATE)
    full = one_process_cpus(profile) / profile.aim.cpu_share
    node = (
        f"one process fills a container of {full:.2g} CPUs, and to use more a second node is needed"
        if full < CPUS[-1]
        else "one process can use all the CPUs shown"
    )
    return (
        f"In the container that was measured {here.agents:,} agents fit at {DESIGN_RATE:g} tokens/s each ({here.binds} "
        f"binds); {node}."
    )
