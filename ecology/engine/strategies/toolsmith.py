"""Toolsmiths: they write programs that others pay to call, many of them built upon others' programs."""

from collections.abc import Iterator

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.strategies.books import MAX_WORKS, Listed, Work, drift
from ecology.engine.strategies.citizen import MAX_PRICE, Step
from ecology.engine.strategies.entrepreneur import Entrepreneur
from ecology.engine.strategies.merchant import SPARE_BYTES
from ecology.engine.strategies.toolbox import PATTERNS, PROGRAM, Pattern
from ecology.events.records import Event, TransferPosted
from ecology.kernel.actions import Action, Delete, Write
from ecology.resources.assets import SCRIP

PAID_FOR = "invoke "
"""How the memo of a payment for a use begins; the tool's name follows."""

PERIOD_NS = 90 * SECOND_NS
"""How long a price is tried."""

IN_DEMAND = 2
"""Uses in a period from which on a tool may get dearer."""

PATIENCE = 4
"""Periods without a use for the least price after which a tool is given up."""

HOPE_MILLI = 6_000
"""What a kind of tool is hoped to earn in a period before it was ever tried."""

BARGAIN_PERCENT = 70
"""A base that costs less than this much of the present one is worth building anew upon."""

PROGRAM_BYTES = 2_500
"""Room that a tool may need on the disk."""


class Toolsmith(Entrepreneur):
    """Makes tools, prices them by demand, submits the used ones to the mint and sells the idle ones."""

    shop_size = 4

    def steps(self) -> Iterator[Step]:
        """Tools are its goods."""
        yield self.introduce
        yield self.answer_orders
        yield self.answer_pleas
        yield self.withdraw
        yield self.look_for_tools
        yield self.mend
        yield self.reprice
        yield self.submit
        yield self.retire
        yield self.make
        yield self.trade_rights
        yield self.buy
        yield self.search
        yield self.consume

    # -- making

    def look_for_tools(self, view: Observation) -> Action | None:
        """See now and then which tools there are and what they ask."""
        return self.tools.look(view)

    def mend(self, view: Observation) -> Action | None:
        """Build a tool anew upon another base if its own is gone or has become dear; not while others judge it."""
        tools = self.books.tools
        for name, work in self.books.works.items():
            base = self.cheapest(PATTERNS[work.family].base) if work.base else ""
            if not base or base == work.base or self.escrow.lists(name) or self.mint.awaits(name):
                continue
            present = tools.get(work.base)
            if present is None or present.cost_milli * BARGAIN_PERCENT > tools[base].cost_milli * 100:
                work.base = base
                return self.written(name, work, None)
        return None

    def make(self, view: Observation) -> Action | None:
        """Write the tool that promises most of those that there are."""
        if (
            len(self.books.works) >= min(self.shop_size, MAX_WORKS)
            or view.disk_free < PROGRAM_BYTES + SPARE_BYTES
        ):
            return None
        pattern, base = self.choose(view)
        mind = self.memory
        mind.made += 1
        price = max(1, min(self.price // 5, MAX_PRICE))
        name = f"{view.agent_id}.{pattern.family}.{mind.made}"
        work = Work(pattern.family, base, price, view.now_ns)
        self.books.works[name] = work
        return self.written(name, work, pattern.interface)

    def choose(self, view: Observation) -> tuple[Pattern, str]:
        """The pattern with the largest earnings to be shared among those who offer it, and the tool to build it upon.

        What is built upon another's tool needs one: the cheapest there is.
        """
        best: tuple[int, int] | None = None
        chosen, chosen_base = PATTERNS["tidy"], ""
        for place, pattern in enumerate(PATTERNS.values()):
            base = self.cheapest(pattern.base)
            if pattern.base and not base:
                continue
            rivals = sum(tool.family == pattern.family for tool in self.books.tools.values())
            own = sum(work.family == pattern.family for work in self.books.works.values())
            promise = self.books.earnings.get(pattern.family, HOPE_MILLI) // (1 + rivals + 2 * own)
            turn = (place + view.ordinal) % len(PATTERNS)  # among equals each smith begins with another
            if best is None or (promise, turn) > best:
                best, chosen, chosen_base = (promise, turn), pattern, base
        return chosen, chosen_base

    def cheapest(self, family: str) -> str:
        """Somebody else's tool of a kind that costs least, or nothing."""
        tools = self.books.tools
        known = [name for name, tool in tools.items() if tool.family == family]
        return min(known, key=lambda name: (tools[name].cost_milli, name)) if known else ""

    def written(self, name: str, work: Work, interface: dict[str, object] | None) -> Write:
        """A revision of a tool, priced as its work says; without an interface it keeps the one it has."""
        pattern = PATTERNS[work.family]
        return Write(
            artifact=name,
            content=pattern.program(work.base),
            type=PROGRAM,
            title=pattern.title(work.base),
            contract=f"pay_per_use({work.price})",
            depends_on=[work.base] if work.base else [],
            interface=interface,
        )

    # -- pricing

    def reprice(self, view: Observation) -> Action | None:
        """Try another price after each period; not while the tool is offered or lies before the mint."""
        for name, work in self.books.works.items():
            if view.now_ns - work.priced_ns < PERIOD_NS or self.escrow.lists(name) or self.mint.awaits(name):
                continue
            work.priced_ns = view.now_ns
            income = min(work.uses * work.price, MAX_PRICE)
            earned = self.books.earnings.get(work.family, HOPE_MILLI)
            self.books.earnings[work.family] = drift(earned, income * 1000, 3)
            price = self.better_price(work, income)
            work.idle = 0 if work.uses or price < work.price else work.idle + 1
            work.income, work.uses = income, 0
            if price != work.price:
                work.price = price
                return self.written(name, work, None)
        return None

    def better_price(self, work: Work, income: int) -> int:
        """Go on as long as it pays, turn round when a change brought less; what nobody uses gets cheaper."""
        if not work.uses:
            work.rising = False
        elif income < work.income:
            work.rising = not work.rising
        elif work.uses >= IN_DEMAND and work.price == 1:
            work.rising = True
        step = max(1, work.price // 4)
        if not work.rising:
            return max(1, work.price - step)
        return min(work.price + step, MAX_PRICE) if work.uses >= IN_DEMAND else work.price

    def retire(self, view: Observation) -> Action | None:
        """Offer in escrow a tool that has long been idle; delete it if nobody buys it either."""
        for name, work in self.books.works.items():
            if work.idle < PATIENCE or self.escrow.lists(name) or self.mint.awaits(name):
                continue
            if work.unsold:
                return Delete(artifact=name)
            work.unsold = True
            return self.escrow.offer(Listed(max(1, self.price // 2), view.now_ns, artifact=name))
        return None

    def masterpiece(self) -> str:
        """The tool that others used most, of those that the mint has not seen."""
        works = self.books.works
        fit = [
            name
            for name, work in works.items()
            if work.total and self.mint.may_submit(name) and not self.escrow.lists(name)
        ]
        return max(fit, key=lambda name: (works[name].total, name)) if fit else ""

    # -- hearing and learning

    def hear(self, event: Event, view: Observation) -> None:
        """Each use of a tool arrives as a payment; a tool that was sold is no longer its own."""
        if isinstance(event, TransferPosted) and event.to_id == view.agent_id and event.asset == SCRIP:
            listed = self.sale_of(event, view)
            if listed is not None:
                self.books.works.pop(listed.artifact, None)
            work = self.books.works.get(event.memo.removeprefix(PAID_FOR))
            if work is not None:
                work.uses += 1
                work.total += 1
        super().hear(event, view)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        """A tool that could not be written or was deleted is no work."""
        super().learn(action, outcome)
        works = self.books.works
        if isinstance(action, Delete) or (isinstance(action, Write) and isinstance(outcome, Refused)):
            works.pop(action.artifact, None)
