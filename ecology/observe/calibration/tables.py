"""The tables of a calibration: cells as text, ready for the template, which escapes them."""

from calibrate.control import Refused, Settled
from calibrate.profiles.capacity import agents_that_fit, nodes_needed, predict
from calibrate.profiles.profile import Profile
from ecology.observe import numerals
from ecology.observe.calibration.capacity_figures import DESIGN_RATE, memory_known
from ecology.observe.calibration.findings import Findings
from ecology.observe.calibration.holding import summed_up, tile, unproven
from ecology.observe.calibration.words import BOUNDS, cpus, printable, rate, spell, took

HARDWARE = (("laptop", "5 to 10"), ("desktop", "10 to 20"), ("server", "20 to 50"))
"""The original design's classes, and the agents it gives each."""
NODES_FOR = 100

ADJUSTMENT_HEADER = ["number", "after", "from", "to", "reason"]
BUCKET_HEADER = [
    "agents",
    "tokens/s each",
    "capacity, tokens",
    "tokens/s of all",
    "nodes at 10 tokens/s each",
]
HARDWARE_HEADER = [
    "class",
    "agents by the original design",
    "in the container measured",
    "in this whole machine, predicted",
]


def tiles(findings: Findings) -> list[tuple[str, str]]:
    """The calibration at a glance: label and value."""
    record, profile, end = findings.record, findings.profile, findings.settled
    cost = findings.cpu_s_per_1000_tokens
    return [
        ("rate of each agent", "none found" if end is None else f"{rate(end.rate)} tokens/s"),
        ("agents", numerals.count(record.agents)),
        ("CPU there", numerals.NO_DATA if end is None else f"{end.cpu_percent:.1f} % ± {end.cpu_error:.1f}"),
        ("what binds", numerals.NO_DATA if end is None else BOUNDS[end.bound]),
        tile(findings),
        ("may think at once", numerals.NO_DATA if profile is None else f"{profile.thinking_at_once:,}"),
        ("1,000 tokens cost", numerals.NO_DATA if cost is None else f"{cost:.3g} CPU-s"),
        ("limits", limits(findings)),
    ]


def limits(findings: Findings) -> str:
    """1 CPU, 1.0 GiB."""
    place = findings.record.place
    return f"{cpus(place.limits.cpu_millis / 1000)}, {numerals.size(place.limits.memory_bytes)}"


def adjustment_rows(findings: Findings) -> list[list[str]]:
    """Every change of the rate and how it ended; see `ADJUSTMENT_HEADER`."""
    told = findings.settle
    if told is None:
        return []
    rows = [
        [f"{mark.number}", took(mark.time_s), rate(mark.before), rate(mark.after), printable(mark.why)]
        for mark in told.adjustments
    ]
    if isinstance(told.end, Settled):
        rows.append(["settled", took(told.seconds), "", rate(told.end.rate), printable(told.end.why)])
    elif isinstance(told.end, Refused):
        rows.append(["refused", took(told.seconds), "", "", printable(told.end.why)])
    elif told.samples or told.course.why_ended:
        rows.append(["ended", took(told.seconds), "", "", printable(told.course.why_ended)])
    return rows


def bucket_rows(profile: Profile) -> list[list[str]]:
    """The bucket of each of N agents; see `BUCKET_HEADER`."""
    container = profile.container
    return [
        [
            f"{row.agents:,}",
            rate(row.tokens_per_s),
            numerals.count(row.capacity_tokens),
            rate(row.tokens_per_s * row.agents),
            numerals.count(
                nodes_needed(profile, row.agents, container.cpus, container.memory_bytes, DESIGN_RATE)
            ),
        ]
        for row in profile.buckets
    ]


def nodes_sentence(profile: Profile) -> str:
    """How many such nodes a hundred agents need."""
    container = profile.container
    nodes = nodes_needed(profile, NODES_FOR, container.cpus, container.memory_bytes, DESIGN_RATE)
    if nodes is None:
        return f"not even one agent fits at {DESIGN_RATE:g} tokens/s"
    return f"{nodes:,} node{'s' if nodes != 1 else ''} for {NODES_FOR} agents at {DESIGN_RATE:g} tokens/s"


def hardware_rows(findings: Findings) -> list[list[str]]:
    """The design's classes and what was measured on one of them; see `HARDWARE_HEADER`."""
    profile = findings.profile
    kinds = dict(HARDWARE)
    here = None if profile is None else printable(profile.hardware.kind)
    if here is not None and here not in kinds:
        kinds[here] = "not in it"
    rows = []
    for kind, agents in kinds.items():
        if profile is None or kind != here:
            rows.append([kind, agents, "-", "-"])
            continue
        limit, machine = profile.container, profile.hardware
        fit = agents_that_fit(profile, limit.cpus, limit.memory_bytes, DESIGN_RATE)
        whole = agents_that_fit(profile, float(machine.cpus), machine.memory_bytes, DESIGN_RATE)
        rows.append(
            [
                f"{kind} (this machine)",
                agents,
                f"{fit:,} in {limits(findings)}",
                f"{whole:,} in {cpus(machine.cpus)}, {numerals.size(machine.memory_bytes)}",
            ]
        )
    return rows


def place_rows(findings: Findings) -> list[tuple[str, str]]:
    """What was measured, on what, and with what."""
    record = findings.record
    place = record.place
    version = "none" if place.cgroup_version is None else f"version {place.cgroup_version}"
    rows = [
        ("measured", printable(place.what)),
        ("limits", f"{limits(findings)}; found by {printable(place.limits.source)}"),
        ("engine", printable(place.engine) or "none: not in a container of its own"),
        ("control groups", version),
        ("CPU", printable(place.cpu_model) or numerals.NO_DATA),
        ("machine", f"{cpus(place.host_cpus)}, {numerals.size(place.host_memory_bytes)}"),
        ("workload", f"{record.agents:,} agents of the mix {printable(record.mix)}"),
        ("software", f"agent-ecology {printable(record.software)}"),
        ("made", printable(record.made)),
    ]
    methods = [told for told in (findings.settle, findings.compare) if told is not None]
    rows += [
        ("method" if told is findings.settle else "compared with", spell(told.course.method))
        for told in methods
    ]
    return rows


def sure_rows(findings: Findings) -> list[list[str]]:
    """What the statements of the page rest on: statement, how sure, why."""
    profile, held, end = findings.profile, findings.hold_out, findings.settled
    rows = []
    if end is not None:
        why = "95 % confidence, by the method's own statistics"
        rows.append(["CPU at the found rate", f"± {end.cpu_error:.1f} points", why])
    if held is not None:
        word = "it does" if held.judged.passed else "it does not"
        rows.append(["that it holds", word, f"hold-out: {summed_up(held, findings.target)}"])
    else:
        rows.append(["that it holds", "unknown", unproven(findings)])
    if profile is None:
        rows.append(["predictions", "none", "there is no capacity profile"])
        return rows
    here = predict(profile, profile.rate.agents)
    rows.append(
        [
            f"the rate of {profile.rate.agents:,} agents",
            f"± {rate(profile.rate.error_tokens_per_s)} tokens/s",
            f"the fit alone predicts {rate(here.tokens_per_s)} ± {rate(here.error_tokens_per_s)}",
        ]
    )
    rows += [_other(profile, scale) for scale in (0.5, 2.0)]
    part = profile.cpu
    rows.append(
        [
            "CPU seconds per 1,000 tokens",
            f"± {part.error_cpu_seconds_per_1k_tokens:.2g}",
            f"the fit, {part.cpu_seconds_per_1k_tokens:.3g} at {rate(part.centre_tokens_per_s)} tokens/s of all",
        ]
    )
    rows.append(
        [
            "how CPU grows with the rate",
            f"± {part.error_exponent:.2g}",
            f"the fit, the rate to the power of {part.exponent:.2g}; 1 would be in proportion",
        ]
    )
    size = numerals.size(profile.memory.bytes_per_thinking)
    rows.append(["memory of a thinking agent", size, memory_known(profile.memory)])
    return rows


def _other(profile: Profile, scale: float) -> list[str]:
    """What the profile says of another limit, and its error there."""
    limit = profile.container.cpus * scale
    there = predict(profile, profile.rate.agents, cpus=limit)
    return [
        f"the same agents in {cpus(limit)}",
        f"± {rate(there.error_tokens_per_s)} tokens/s",
        f"predicted, not measured: {rate(there.tokens_per_s)} tokens/s each",
    ]
