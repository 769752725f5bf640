"""Calling others' tools: which there are, what each came to in money and in quality, and which to call next.

A tool that is built upon another costs more than it asks: the layers below it are paid from the allowance. Its title
says what it is built upon, so that the price of all layers can be added up; what a call came to is seen in one's scrip.
"""

from collections.abc import Mapping
from typing import NamedTuple, cast

from ecology.core.limits import MAX_PAGE
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.strategies.books import MAX_TOOLS, Books, Tool, drift
from ecology.engine.strategies.citizen import MAX_PRICE
from ecology.engine.strategies.toolbox import PATTERNS, PROGRAM, base_of, families, price_of
from ecology.kernel import refusals
from ecology.kernel.actions import Invoke, Query

LOOK_NS = 90_000_000_000
"""How often it looks which tools there are."""

PAGE = MAX_PAGE
CARD_BYTES = 160
CURIOSITY_PERCENT = 10
"""How often it tries the tool that it knows least about instead of the best."""

MAX_FAILURES = 2
HOPE_MILLI = 3_000
"""What is hoped of a tool that was never called: three points of quality to a layer."""

MAX_LAYERS = 6
"""As deep as code may call code."""

REPORT_BYTES, REPORT_GAIN = 100, 2
"""What a report (a measurement, an appraisal) takes to read, and what it is worth in points of quality."""


class ToolDesk:
    """What one mind knows of tools."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._cpu_us = 0

    def look(self, view: Observation) -> Query | None:
        """Now and then see what tools there are, newest first."""
        if view.now_ns < self._books.tools_ns:
            return None
        self._books.tools_ns = view.now_ns + LOOK_NS + view.draw.below(LOOK_NS)
        return Query("artifacts", {"type": PROGRAM, "limit": PAGE})

    def call(
        self, view: Observation, method: str, args: dict[str, object], point_milli: int
    ) -> Invoke | None:
        """Call the tool that promises most, if it is worth its cost; a point of quality is worth `point_milli`."""
        books = self._books
        name = self.best(view, method, point_milli)
        if name is None:
            return None
        most = self._worth_milli(view, books.tools[name], point_milli) // 1000
        books.calling = name
        return Invoke(artifact=name, method=method, args=args, max_price=most, allowance=most)

    def best(self, view: Observation, method: str, point_milli: int) -> str | None:
        """Of the tools that are worth their cost, and that its CPU suffices for, the one with the largest gain.

        Now and then the least known instead.
        """
        wanted, tools = families(method), self._books.tools
        gains = {
            name: tool.gain_milli * point_milli // 1000 - tool.cost_milli
            for name, tool in tools.items()
            if tool.family in wanted
            and tool.failures < MAX_FAILURES
            and view.cpu_level > tool.cpu_us
            and max(tool.cost_milli, 1000 * tool.price) <= self._worth_milli(view, tool, point_milli)
        }
        if not gains:
            return None
        if view.draw.chance(CURIOSITY_PERCENT):
            return min(gains, key=lambda name: (tools[name].uses, name))
        return max(gains, key=lambda name: (gains[name], name))

    def _worth_milli(self, view: Observation, tool: Tool, point_milli: int) -> int:
        """The most it would pay for a call, in thousandths of a scrip: what it gains, within a quarter of its scrip."""
        return min(tool.gain_milli * point_milli // 1000, view.scrip * 1000 // 4)

    def note(self, view: Observation, earned: int) -> int:
        """Once a turn, before the books' scrip is brought up to date: what the last call cost in all, 0 without one."""
        self._cpu_us = view.cpu_level
        tool = self._books.tools.get(self._books.calling)
        self._books.calling = ""
        if tool is None:
            return 0
        spent = min(max(tool.price, self._books.scrip + earned - view.scrip), MAX_PRICE)
        tool.cost_milli = drift(tool.cost_milli, spent * 1000, 2)
        return spent

    # -- learning

    def learn_cards(self, outcome: Outcome, me: str) -> int:
        """Others' tools from a page of search results; returns the bytes that were heard."""
        if not isinstance(outcome, Committed):
            return 0
        tools = self._books.tools
        cards = cast("list[Mapping[str, object]]", outcome.data["artifacts"])
        tags = _tags(cards)
        all_seen = len(cards) < PAGE
        if all_seen:  # what is not among them is gone
            for name in [name for name in tools if name not in tags]:
                del tools[name]
        for name, tag in tags.items():
            asked = _asked(tags, name)
            if tag.owner == me or tag.family not in PATTERNS or (asked is None and all_seen):
                tools.pop(name, None)  # its own, of no use, or built upon what is gone
                continue
            known = tools.get(name)
            if known is None:
                layers = PATTERNS[tag.family].layers
                known = tools[name] = Tool(
                    tag.family, tag.owner, tag.price, 1000 * tag.price * layers, layers * HOPE_MILLI
                )
            if known.base != tag.base:
                known.failures = 0  # it was built anew: another chance
            known.owner, known.price, known.base = tag.owner, tag.price, tag.base
            if asked is not None:
                known.cost_milli = 1000 * asked
            if len(tools) > MAX_TOOLS:
                del tools[min(tools, key=lambda each: (tools[each].uses, -tools[each].cost_milli, each))]
        return CARD_BYTES * len(cards)

    def learn_call(self, action: Invoke, outcome: Outcome) -> dict[str, object] | None:
        """What a call returned, if it is an object; a tool that fails twice in a row is left alone for a while."""
        tool = self._books.tools.get(action.artifact)
        if isinstance(outcome, Refused):
            self._books.calling = ""
            if tool is not None:
                self._failed(action, tool, outcome)
            return None
        result = outcome.data.get("result")
        if tool is None:
            return None
        if not isinstance(result, dict):
            tool.failures += 1
            return None
        price = outcome.data.get("price")
        tool.price = min(price, MAX_PRICE) if isinstance(price, int) else tool.price
        tool.uses += 1
        return cast("dict[str, object]", result)

    def value(self, name: str, gain: int) -> None:
        """A call brought so many points of quality; one that brought nothing counts as a failure."""
        tool = self._books.tools.get(name)
        if tool is not None:
            tool.gain_milli = drift(tool.gain_milli, gain * 1000, 3)
            tool.failures = 0 if gain else tool.failures + 1

    def _failed(self, action: Invoke, tool: Tool, outcome: Refused) -> None:
        if outcome.reason == refusals.CPU_EXHAUSTED:
            tool.cpu_us = max(tool.cpu_us, self._cpu_us * 5 // 4)  # not its fault
            return
        if outcome.reason in (refusals.NOT_FOUND, refusals.DELETED):
            del self._books.tools[action.artifact]
        elif outcome.reason != refusals.PRICE_ABOVE_LIMIT and refusals.ALLOWANCE_SPENT not in outcome.detail:
            tool.failures += 1
        else:
            not_enough = 1000 * max(action.max_price or 0, action.allowance)
            tool.cost_milli = min(max(tool.cost_milli, not_enough) + 1000, MAX_PRICE * 1000)


class _Tag(NamedTuple):
    """What a card says of a tool."""

    family: str
    owner: str
    price: int
    base: str


def _tags(cards: list[Mapping[str, object]]) -> dict[str, _Tag]:
    """The tools among the cards that say what they ask."""
    tags: dict[str, _Tag] = {}
    for card in cards:
        title, price = str(card["title"]), price_of(str(card["contract"]))
        if card["executable"] and price is not None:
            tags[str(card["id"])] = _Tag(title.partition(":")[0], str(card["owner"]), price, base_of(title))
    return tags


def _asked(tags: Mapping[str, _Tag], name: str) -> int | None:
    """What a tool and the layers below it ask in all; None if one of them is not to be seen."""
    asked = 0
    for _ in range(MAX_LAYERS):
        tag = tags.get(name)
        if tag is None:
            return None
        asked += tag.price
        name = tag.base
        if not name:
            return asked
    return None
