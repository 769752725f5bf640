"""The sections of a scenario that become the kernel's `Laws`: the mint, and what code may use and costs."""

from typing import Annotated

from pydantic import Field

from ecology.kernel.laws import Laws, MintLaw
from ecology.scenarios.quantity import SECOND_NS, Duration, Number
from ecology.scenarios.settings import Settings, Word

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


def laws_of(mint: MintSettings) -> Laws:
    """What these sections mean to the kernel."""
    return Laws(
        mint=MintLaw(
            first_ns=mint.first_ns, every_ns=mint.every_ns, slots=mint.slots, minimum=mint.minimum
        )
    )
