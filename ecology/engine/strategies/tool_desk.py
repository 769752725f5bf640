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

PAGE = 20
CARD_BYTES = 160
CURIOSITY_PERCENT = 10
"""How often it tries the tool that it knows least about instead of the best."""

MAX_FAILURES = 2
HOPE_MILLI = 3_000
"""What is hoped of a tool that was never called: three points of quality to a layer."""

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
        tool = books.tools[name]
        most = min(tool.gain_milli * point_milli // 1_000_000, view.scrip // 4)
        if tool.price > most:
            return None
        books.calling = name
        return Invoke(artifact=name, method=method, args=args, max_price=most, allowance=most - tool.price)

    def best(self, view: Observation, method: str, point_milli: int) -> str | None:
        """The tool with the largest gain over its cost; now and then the least known one."""
        wanted = families(method)
        tools = self._books.tools
        known = [
            name for name, tool in tools.items() if tool.family in wanted and tool.failures < MAX_FAILURES
        ]
        if not known:
            return None
        if view.draw.chance(CURIOSITY_PERCENT):
            return min(known, key=lambda name: (tools[name].uses, name))
        return max(
            known,
            key=lambda name: (tools[name].gain_milli * point_milli // 1000 - tools[name].cost_milli, name),
        )

    def note(self, view: Observation, earned: int) -> None:
        """Once a turn, before the books' scrip is brought up to date: what did the last call cost in all?"""
        tool = self._books.tools.get(self._books.calling)
        if tool is not None:
            spent = min(max(tool.price, self._books.scrip + earned - view.scrip), MAX_PRICE)
            tool.cost_milli = drift(tool.cost_milli, spent * 1000, 2)
        self._books.calling = ""

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
                known.cost_milli = max(0, known.cost_milli + (price - known.price) * 1000)
                known.price = price
                known.failures = max(0, known.failures - 1)  # another chance
            if len(tools) > MAX_TOOLS:
                del tools[min(tools, key=lambda each: (tools[each].uses, each))]
        return CARD_BYTES * len(cards)

    def learn_call(self, action: Invoke, outcome: Outcome, now_ns: int) -> dict[str, object] | None:
        """What a call returned, if it is an object; a tool that fails twice in a row is left alone for a while."""
        tool = self._books.tools.get(action.artifact)
        if isinstance(outcome, Refused):
            self._books.calling = ""
            if outcome.reason == refusals.CPU_EXHAUSTED:
                self._books.calls_ns = now_ns + PAUSE_NS  # not the tool's fault
            elif tool is not None:
                self._failed(action.artifact, tool, outcome)
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
        tool.failures = 0
        return cast("dict[str, object]", result)

    def value(self, name: str, gain: int) -> None:
        """A call brought so many points of quality."""
        tool = self._books.tools.get(name)
        if tool is not None:
            tool.gain_milli = drift(tool.gain_milli, gain * 1000, 3)

    def _failed(self, name: str, tool: Tool, outcome: Refused) -> None:
        tool.failures += 1
        if outcome.reason in (refusals.NOT_FOUND, refusals.DELETED):
            del self._books.tools[name]
        elif outcome.reason == refusals.PRICE_ABOVE_LIMIT or refusals.ALLOWANCE_SPENT in outcome.detail:
            tool.cost_milli = min(tool.cost_milli * 3 // 2 + 1000, MAX_PRICE * 1000)

    def _base_milli(self, family: str) -> int:
        """What the layers below a kind of tool may cost: the cheapest tool of the kind it is built upon, if one is known."""
        base = PATTERNS[family].base
        return min((tool.cost_milli for tool in self._books.tools.values() if tool.family == base), default=0)
