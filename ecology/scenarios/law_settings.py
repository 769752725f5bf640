"""The sections of a scenario that become the kernel's `Laws`: the mint, and what code may use and costs."""

from typing import Annotated

from pydantic import Field

from ecology.kernel.laws import CodeLaw, Laws, MintLaw
from ecology.sandbox.cost import CodeCosts
from ecology.sandbox.outcome import Limits
from ecology.scenarios.quantity import SECOND_NS, Duration, Number, Size
from ecology.scenarios.settings import MAX_FLOW, MICROSECONDS, Settings, Word

MAX_CODE_DEPTH = 8
"""Each run inside another needs a worker of its own, so there is a bound that no scenario moves."""

_WEEK_NS = 7 * 86_400 * SECOND_NS


class MintSettings(Settings):
    """The one source of new scrip: an auction for what a scorer says a work is worth."""

    first_ns: Annotated[int, Duration(low=SECOND_NS, high=_WEEK_NS)] = Field(
        default=20 * SECOND_NS, alias="first", description="world time of the first resolution"
    )
    every_ns: Annotated[int, Duration(low=SECOND_NS, high=_WEEK_NS)] = Field(
        default=60 * SECOND_NS, alias="every", description="time between resolutions"
    )
    slots: Annotated[int, Number(unit="winners", high=1_000)] = Field(
        default=1, description="winners of each resolution; 0: there is no mint"
    )
    minimum: Annotated[int, Number(unit="scrip", low=1)] = Field(
        default=1, description="price where there are no more bids than slots"
    )
    scorer: Word = Field(
        default="rubric", description="who scores: `rubric`, `llm`, or the name that a plug-in brings"
    )


class CodeCostSettings(Settings):
    """The CPU that a run of code is charged: what was counted, times these. Under the real clock it is measured."""

    fixed_us: Annotated[int, MICROSECONDS] = Field(default=CodeCosts().fixed_us, description="CPU of any run")
    per_step_ns: Annotated[int, Number(unit="CPU nanoseconds", high=MAX_FLOW)] = Field(
        default=CodeCosts().per_step_ns, description="CPU of each step"
    )
    per_kib_us: Annotated[int, MICROSECONDS] = Field(
        default=CodeCosts().per_kib_us, description="CPU of each KiB of arguments, answers and results"
    )
    per_call_us: Annotated[int, MICROSECONDS] = Field(
        default=CodeCosts().per_call_us, description="CPU of each call of a kernel function"
    )
    per_source_kib_us: Annotated[int, MICROSECONDS] = Field(
        default=CodeCosts().per_source_kib_us, description="CPU of each KiB of the program"
    )


class CodeSettings(Settings):
    """What one run of code that agents wrote may use, and what that costs its bearer in CPU."""

    steps: Annotated[int, Number(unit="steps", low=100, high=100_000_000)] = Field(
        default=Limits().steps,
        description="function entries and rounds of loops; an agent's CPU bounds them too",
    )
    memory_bytes: Annotated[int, Size(low=1024**2, high=1024**3)] = Field(
        default=Limits().memory_bytes, alias="memory", description="memory of the run"
    )
    recursion: Annotated[int, Number(unit="functions", low=5, high=500)] = Field(
        default=Limits().recursion, description="functions that may be active at once"
    )
    output_bytes: Annotated[int, Size(high=1024**2)] = Field(
        default=Limits().output_bytes, alias="output", description="what the run may print"
    )
    calls: Annotated[int, Number(unit="calls", high=10_000)] = Field(
        default=Limits().calls, description="calls of kernel functions"
    )
    wall_ns: Annotated[int, Duration(low=SECOND_NS // 10, high=60 * SECOND_NS)] = Field(
        default=round(Limits().wall_s * 10) * SECOND_NS // 10,
        alias="wall",
        description="outer guard: real time after which a run is ended; only for what steps do not count",
    )
    depth: Annotated[int, Number(unit="runs", low=1, high=MAX_CODE_DEPTH)] = Field(
        default=CodeLaw().max_depth, description="runs inside one another, contracts' checks included"
    )
    costs: CodeCostSettings = CodeCostSettings()


def laws_of(mint: MintSettings, code: CodeSettings) -> Laws:
    """What these sections mean to the kernel."""
    limits = Limits(
        steps=code.steps,
        memory_bytes=code.memory_bytes,
        recursion=code.recursion,
        output_bytes=code.output_bytes,
        wall_s=code.wall_ns / SECOND_NS,
        calls=code.calls,
    )
    costs = CodeCosts(
        fixed_us=code.costs.fixed_us,
        per_step_ns=code.costs.per_step_ns,
        per_kib_us=code.costs.per_kib_us,
        per_call_us=code.costs.per_call_us,
        per_source_kib_us=code.costs.per_source_kib_us,
    )
    return Laws(
        mint=MintLaw(first_ns=mint.first_ns, every_ns=mint.every_ns, slots=mint.slots, minimum=mint.minimum),
        code=CodeLaw(limits=limits, costs=costs, max_depth=code.depth),
    )
