"""Speculators: they hear of every sale, buy rights below their running price and sell or let them above it."""

from collections.abc import Iterator

from ecology.core.clock import MILLISECOND_NS, SECOND_NS
from ecology.core.outcome import Committed, Outcome
from ecology.engine.observation import Observation
from ecology.engine.strategies.books import MAX_POSITIONS, Listed, Position, Seen
from ecology.engine.strategies.citizen import MAX_PRICE, Step
from ecology.engine.strategies.entrepreneur import Entrepreneur
from ecology.engine.strategies.escrow_desk import LOTS, RENT_MS, lot_price_milli, rights_goods
from ecology.engine.strategies.rights_desk import SALES_PER_RENT
from ecology.engine.strategies.tool_desk import REPORT_BYTES, REPORT_GAIN
from ecology.engine.strategies.toolbox import APPRAISE
from ecology.events.economy import ListingSold
from ecology.events.records import Event, TransferPosted
from ecology.events.subscriptions import Predicate
from ecology.kernel.actions import Action, Buy, Cancel, Invoke, List, Sleep, Subscribe
from ecology.resources.assets import CPU_RATE, DISK, LLM_CAPACITY, LLM_RATE

MARKETS = (LLM_RATE, DISK, LLM_CAPACITY, CPU_RATE)

LOOK_NS = 12 * SECOND_NS
"""How often it looks at a market."""

CONSULT_PERCENT = 15
"""How often it asks a tool what goods are worth instead of looking itself."""

HOLD_NS = 240 * SECOND_NS
"""How long it waits for its price. After that it sells for what it gets, at a loss if need be."""

EDGE_PERCENT = 8
"""How far below the running price it buys, and how far above it sells."""

LET_PERCENT = 40
"""How often tokens are let rather than sold."""


class Speculator(Entrepreneur):
    """Trades rights for profit; its inventory is bounded and closed in time."""

    def steps(self) -> Iterator[Step]:
        """It makes nothing and wants nothing but money."""
        yield self.introduce
        yield self.answer_orders
        yield self.answer_pleas
        yield self.watch
        yield self.withdraw
        yield self.take
        yield self.sell
        yield self.look_for_tools
        yield self.study

    def watch(self, view: Observation) -> Action | None:
        """Be told of every sale of a right."""
        if self.books.subscribed:
            return None
        self.books.subscribed = True
        return Subscribe("escrow.sold", [Predicate("asset", "exists", True)])

    def look_for_tools(self, view: Observation) -> Action | None:
        """See now and then who appraises."""
        return self.tools.look(view)

    def study(self, view: Observation) -> Action | None:
        """Look at one of the markets, or have a tool say what its goods are worth."""
        books = self.books
        if view.now_ns < books.look_ns or len(books.positions) >= MAX_POSITIONS:
            return None
        books.look_ns = view.now_ns + LOOK_NS + view.draw.below(LOOK_NS)
        asset = view.draw.choice(MARKETS)
        if view.draw.chance(CONSULT_PERCENT):
            call = self.tools.call(view, APPRAISE, {"goods": asset}, self.price * 125)
            if call is not None:
                return call
        return self.escrow.look(asset)

    def take(self, view: Observation) -> Action | None:
        """Buy what was seen below its running price, for at most a quarter of what it has.

        Else sell of the disk it was given: it makes nothing to put there.
        """
        for asset in MARKETS:
            seen = self.escrow.seen(asset)
            if seen is not None:
                best = self.bargain(view, asset, seen)
                if best is not None:
                    return self.escrow.buy(best)
                return self.rights.offer(view, asset, 0) if asset == DISK else None
        return None

    def bargain(self, view: Observation, asset: str, seen: list[Seen]) -> Seen | None:
        """The sale that is cheapest, if it is cheap enough."""
        limit_milli = self.value_milli(view, asset) * (100 - EDGE_PERCENT) // 100
        if len(self.books.positions) >= MAX_POSITIONS:
            return None
        for each in seen:
            price_milli = lot_price_milli(asset, each.price, each.amount, 0)
            if not each.rent_ms and price_milli <= limit_milli and each.price <= view.scrip // 4:
                return each
        return None

    def value_milli(self, view: Observation, asset: str) -> int:
        """What a lot will bring: its running price or, of tokens, half-way from there to what rents come to."""
        value = self.escrow.price(asset, self.rights.guess_milli(view, asset, 0))
        rent = self.books.prices.get(rights_goods(asset, RENT_MS))
        if asset != LLM_RATE or rent is None:
            return value
        return (value + rent * SALES_PER_RENT) // 2

    def sell(self, view: Observation) -> Action | None:
        """Offer a position above its cost while it is young, for what it may bring when it is old."""
        for position in self.books.positions:
            if position.listing or position.let_until_ns > view.now_ns:
                continue
            rent_ms = RENT_MS if position.asset == LLM_RATE and view.draw.chance(LET_PERCENT) else 0
            if view.right(position.asset) < position.amount:
                continue  # let, in use, or given away meanwhile
            price = self.asking(view, position, rent_ms)
            return self.escrow.offer(
                Listed(price, view.now_ns, asset=position.asset, amount=position.amount, rent_ms=rent_ms)
            )
        return None

    def asking(self, view: Observation, position: Position, rent_ms: int) -> int:
        """What to ask for a position."""
        lots_milli = 1000 * position.amount // LOTS[position.asset]
        guess = self.rights.guess_milli(view, position.asset, rent_ms)
        value = self.escrow.price(rights_goods(position.asset, rent_ms), guess) * lots_milli // 1_000_000
        if view.now_ns - position.since_ns > HOLD_NS:
            price = value * (100 - EDGE_PERCENT) // 100
        else:
            price = value * (100 + EDGE_PERCENT) // 100
            price = price if rent_ms else max(position.cost + 1, price)
        return max(1, min(price, MAX_PRICE))

    def rest(self, view: Observation) -> Action:
        """Sleep until there may be something new to see; sales wake nobody, they are read in the morning."""
        wait_ms = max(1_000, (self.books.look_ns - view.now_ns) // MILLISECOND_NS)
        return Sleep(duration_ms=min(30_000, wait_ms))

    # -- hearing and learning

    def hear(self, event: Event, view: Observation) -> None:
        """Others' sales say what rights are worth; its own close a position or say until when it is let."""
        if isinstance(event, ListingSold):
            if event.asset in LOTS and event.seller_id != view.agent_id:
                price_milli = lot_price_milli(event.asset, event.price, event.amount, event.rent_ms)
                self.escrow.sold(rights_goods(event.asset, event.rent_ms), price_milli)
            return
        if isinstance(event, TransferPosted):
            listed = self.sale_of(event, view)
            if listed is not None:
                self._close(event, listed)
        super().hear(event, view)

    def _close(self, event: TransferPosted, listed: Listed) -> None:
        for position in self.books.positions:
            if position.listing != event.memo:
                continue
            position.listing = ""
            if listed.rent_ms:
                position.let_until_ns = event.time_ns + listed.rent_ms * MILLISECOND_NS + SECOND_NS
            else:
                self.books.positions.remove(position)
            return

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        """What was bought is a position; what is offered or withdrawn is noted with it."""
        books = self.books
        bought, offered = books.buying, books.offering
        super().learn(action, outcome)
        if isinstance(action, Cancel):
            for position in books.positions:
                if position.listing == action.listing:
                    position.listing = ""
        elif not isinstance(outcome, Committed):
            return
        elif isinstance(action, Buy) and bought is not None and bought.amount and not bought.rent_ms:
            books.positions.append(Position(bought.asset, bought.amount, bought.price, self._now_ns))
        elif isinstance(action, List) and offered is not None:
            for position in books.positions:
                if not position.listing and (position.asset, position.amount) == (
                    offered.asset,
                    offered.amount,
                ):
                    position.listing = str(outcome.data["listing"])
                    break

    def used(self, action: Invoke, result: dict[str, object]) -> int:
        """An appraisal counts as much as a sale that was heard of."""
        bid, ask = result.get("bid"), result.get("ask")
        asset = str(action.args.get("goods"))
        if not isinstance(bid, int) or not isinstance(ask, int) or asset not in LOTS:
            self.tools.value(action.artifact, 0)
            return REPORT_BYTES
        self.tools.value(
            action.artifact, REPORT_GAIN if ask > 0 else 1
        )  # that nothing is for sale is news too
        if ask > 0:
            fair = min(max(0, bid + ask) // 2, MAX_PRICE * 1000) * LOTS[asset] // 1000
            self.escrow.sold(asset, fair)
        return REPORT_BYTES
