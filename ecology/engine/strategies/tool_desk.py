"""Calling others' tools: which there are, what each came to in money and in quality, and which to call next.

A tool that is built upon another costs more than it asks: the layers below it are paid from the allowance. What a call
came to in all is seen in one's own scrip.
"""

from collections.abc import Mapping
from typing import cast

from ecology.core.outcome import Committed, Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.strategies.books import MAX_TOOLS, Books, Tool, drift
from ecology.engine.strategies.citizen import MAX_PRICE
from ecology.engine.strategies.toolbox import PATTERNS, PROGRAM, families, price_of
from ecology.kernel import refusals
from ecology.kernel.actions import Invoke, Query

LOOK_NS = 90_000_000_000
"""How often it looks which tools there are."""

PAGE = 50
CARD_BYTES = 160
CURIOSITY_PERCENT = 10
"""How often it tries the tool that it knows least about instead of the best."""

MAX_FAILURES = 2
HOPE_MILLI = 3_000
"""What is hoped of a tool that was never called: three points of quality to a layer."""

REPORT_BYTES, REPORT_GAIN = 100, 2
"""What a report (a measurement, an appraisal) takes to read, and what it is worth in points of quality."""

PAUSE_NS = 20_000_000_000
"""How long it calls nothing after its CPU did not suffice."""


class ToolDesk:
    """What one mind knows of tools."""

    def __init__(self, books: Books) -> None:
        self._books = books

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
        if view.now_ns < books.calls_ns:
            return None
        name = self.best(view, method, point_milli)
        if name is None:
            return None
        most = self._worth_milli(view, books.tools[name], point_milli) // 1000
        books.calling = name
        return Invoke(artifact=name, method=method, args=args, max_price=most, allowance=most)

    def best(self, view: Observation, method: str, point_milli: int) -> str | None:
        """Of the tools that are worth their cost the one with the largest gain; now and then the least known."""
        wanted, tools = families(method), self._books.tools
        gains = {
            name: tool.gain_milli * point_milli // 1000 - tool.cost_milli
            for name, tool in tools.items()
            if tool.family in wanted
            and tool.failures < MAX_FAILURES
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
        for card in cards:
            family = str(card["title"]).partition(":")[0]
            price = price_of(str(card["contract"]))
            name, owner = str(card["id"]), str(card["owner"])
            if owner == me or not card["executable"] or family not in PATTERNS or price is None:
                continue
            known = tools.get(name)
            if known is None:
                cost_milli = price * 1000 + self._base_milli(family)
                tools[name] = Tool(family, owner, price, cost_milli, PATTERNS[family].layers * HOPE_MILLI)
            else:
                risen = known.cost_milli + (price - known.price) * 1000
                known.cost_milli = max(0, drift(risen, price * 1000 + self._base_milli(family), 64))
                known.price = price
                known.failures = max(0, known.failures - 1)  # another chance
            if len(tools) > MAX_TOOLS:
                del tools[min(tools, key=lambda each: (tools[each].uses, each))]
        if len(cards) < PAGE:  # these were all: what is not among them is gone
            there = {str(card["id"]) for card in cards}
            for name in [name for name in tools if name not in there]:
                del tools[name]
        return CARD_BYTES * len(cards)

    def learn_call(self, action: Invoke, outcome: Outcome, now_ns: int) -> dict[str, object] | None:
        """What a call returned, if it is an object; a tool that fails twice in a row is left alone for a while."""
        tool = self._books.tools.get(action.artifact)
        if isinstance(outcome, Refused):
            self._books.calling = ""
            if outcome.reason == refusals.CPU_EXHAUSTED:
                self._books.calls_ns = now_ns + PAUSE_NS  # not the tool's fault
            elif tool is not None:
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
        tool.failures += 1
        if outcome.reason in (refusals.NOT_FOUND, refusals.DELETED):
            del self._books.tools[action.artifact]
        elif outcome.reason == refusals.PRICE_ABOVE_LIMIT or refusals.ALLOWANCE_SPENT in outcome.detail:
            beyond = (
                max(tool.cost_milli, 1000 * (tool.price + action.allowance)) + 1000
            )  # so much was not enough
            tool.cost_milli = min(beyond, MAX_PRICE * 1000)

    def _base_milli(self, family: str) -> int:
        """What the layers below a kind of tool may cost: the mean of the kind it is built upon."""
        base = PATTERNS[family].base
        costs = [tool.cost_milli for tool in self._books.tools.values() if tool.family == base]
        return sum(costs) // len(costs) if costs else 0
