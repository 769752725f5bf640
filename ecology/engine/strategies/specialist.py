"""Specialists and bidders: authors whose works are as good as the tools that they can afford to call."""

from collections.abc import Iterator

from ecology.core.clock import SECOND_NS
from ecology.engine.observation import Observation
from ecology.engine.strategies.books import Product, Seen, Work
from ecology.engine.strategies.citizen import MAX_PRICE, Step
from ecology.engine.strategies.entrepreneur import Entrepreneur, goods_of
from ecology.engine.strategies.memory import Good
from ecology.engine.strategies.merchant import BEST_QUALITY, SPARE_BYTES
from ecology.engine.strategies.tool_desk import REPORT_BYTES, REPORT_GAIN
from ecology.engine.strategies.toolbox import IMPROVE, MEASURE, PROGRAM
from ecology.engine.strategies.writing import notes
from ecology.kernel.actions import Action, Invoke, Write

NOTES = 8
"""Notes in a draft: under 400 bytes to say, and with what tools add it fits a good."""

MAX_TEXT = 4_000
"""Characters of a tool's text that become a good."""

ACQUIRE_NS = 120 * SECOND_NS
"""How often a bidder looks for tools to buy."""

MAX_TOOLS_BOUGHT = 3
"""How many tools a bidder owns."""

POOR_PERCENT = 35
"""A work with fewer distinct words in a hundred is not worth a bid."""

QUALITY_PRICE = 8
"""A point of quality is worth one part in so many of what such goods usually cost."""


class Specialist(Entrepreneur):
    """Writes drafts, has tools better them, and sells what they return; the quality is what the tool made of it."""

    shop_size = 5

    def steps(self) -> Iterator[Step]:
        """As every entrepreneur, with an eye on what tools there are."""
        for step in super().steps():
            if step == self.make:
                yield self.look_for_tools
            yield step

    def look_for_tools(self, view: Observation) -> Action | None:
        """See now and then which tools there are and what they ask."""
        return self.tools.look(view)

    def make(self, view: Observation) -> Action | None:
        """Write a draft and call a tool with it; what it returns becomes the good, or the draft if none is worth it."""
        mind, books = self.memory, self.books
        if len(mind.shop) >= self.shop_size or view.disk_free < self.good_bytes + SPARE_BYTES:
            return None
        if books.product is not None:
            product, books.product = books.product, None
            return self.publish(view, product)
        text = notes(view.draw, NOTES)
        call = self.tools.call(view, IMPROVE, {"text": text}, self.point_milli())
        return call or self.publish(view, Product(text, view.draw.below(2), ""))

    def point_milli(self) -> int:
        """What a point of quality is worth, in thousandths of a scrip."""
        return min(max(1, self.memory.usual_price), MAX_PRICE) * 1000 // QUALITY_PRICE

    def publish(self, view: Observation, product: Product) -> Write:
        """The product as a good whose title states its quality and price; it depends on the tool that made it."""
        mind = self.memory
        mind.made += 1
        kind = self.specialty(view)
        artifact = f"{view.agent_id}.{kind}.{mind.made}"
        quality = min(BEST_QUALITY, product.quality + mind.quality // 3)
        price = min(MAX_PRICE, mind.ask + quality * self.point_milli() // 2000)
        mind.shop[artifact] = Good(kind, price, quality, view.now_ns)
        inputs, mind.inputs = mind.inputs, []
        return Write(
            artifact=artifact,
            content=product.text,
            type=kind,
            title=f"{kind} quality {quality} price {price}",
            contract="transferable_freeware",
            depends_on=[product.tool] if product.tool else inputs,
            metadata={"author": view.agent_id},
        )

    def used(self, action: Invoke, result: dict[str, object]) -> int:
        """The text that a tool returned is kept until it is published."""
        text, quality = result.get("text"), result.get("quality")
        if action.method != IMPROVE or not isinstance(text, str) or not isinstance(quality, int):
            self.tools.value(action.artifact, 0)
            return 0
        gain = max(0, min(quality, BEST_QUALITY))
        self.tools.value(action.artifact, gain)
        self.books.product = Product(text[:MAX_TEXT], gain, action.artifact)
        return len(text)


class Bidder(Specialist):
    """Lives by the mint: measures its best work and submits it; buys tools that smiths give up, which may yet earn."""

    open_bids = 2
    bid_pause_ns = 30 * SECOND_NS
    shop_size = 5

    def steps(self) -> Iterator[Step]:
        """As a specialist, with a look at each work before it is submitted, and at the tools that are for sale."""
        for step in super().steps():
            if step == self.submit:
                yield self.measure
            if step == self.buy:
                yield self.acquire
            yield step

    def measure(self, view: Observation) -> Action | None:
        """Have a tool look at the work to be submitted, if that is cheap: what is said too often earns little."""
        work = self.masterpiece()
        if not work or work == self.books.measured:
            return None
        self.books.measured = work
        return self.tools.call(view, MEASURE, {"artifact": work}, self.point_milli())

    def acquire(self, view: Observation) -> Action | None:
        """Buy a tool in escrow now and then: whoever calls it from then on pays its new owner."""
        books = self.books
        seen = self.escrow.seen(goods_of(PROGRAM))
        if seen is not None:
            fit = [each for each in seen if each.price <= min(view.scrip // 4, self.price)]
            return self.escrow.buy(min(fit, key=lambda each: (each.price, each.listing))) if fit else None
        if view.now_ns < books.acquire_ns or len(books.works) >= MAX_TOOLS_BOUGHT or books.looking_for:
            return None
        books.acquire_ns = view.now_ns + ACQUIRE_NS + view.draw.below(ACQUIRE_NS)
        return self.escrow.look(goods_of(PROGRAM))

    def acquired(self, bought: Seen) -> None:
        """A tool is kept; goods are used up as by everyone."""
        if bought.goods != goods_of(PROGRAM):
            super().acquired(bought)
            return
        self.books.works[bought.artifact] = Work("", "", 0, self._now_ns)

    def used(self, action: Invoke, result: dict[str, object]) -> int:
        """A work that is found too poor is not submitted."""
        richness = result.get("richness")
        if action.method != MEASURE or not isinstance(richness, int):
            return super().used(action, result)
        self.tools.value(action.artifact, REPORT_GAIN)
        if richness < POOR_PERCENT:
            self.mint.forgo(self.books.measured)
        return REPORT_BYTES
