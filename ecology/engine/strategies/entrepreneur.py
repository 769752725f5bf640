"""A merchant with a business: it sells and buys in escrow, trades rights, calls tools and bids at the mint.

Institutions spare it trust, and it still answers those who know no other way than to pay and hope. What it does at each
institution is a desk of its own (`escrow_desk`, `rights_desk`, `tool_desk`, `mint_desk`).
"""

from collections.abc import Iterator

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.policy import Thought
from ecology.engine.strategies import books as bookkeeping
from ecology.engine.strategies.books import Books, Listed, Mind, Seen
from ecology.engine.strategies.citizen import MAX_PRICE, Step
from ecology.engine.strategies.escrow_desk import EscrowDesk
from ecology.engine.strategies.memory import MAX_PANTRY, Good, judge
from ecology.engine.strategies.merchant import SPARE_BYTES, Merchant
from ecology.engine.strategies.mint_desk import MintDesk
from ecology.engine.strategies.rights_desk import RightsDesk
from ecology.engine.strategies.tool_desk import ToolDesk
from ecology.engine.strategies.toolbox import PROGRAM
from ecology.events.economy import BidClosed, ListingClosed
from ecology.events.records import Event, OwnershipMoved, TransferPosted
from ecology.kernel import refusals
from ecology.kernel.actions import Action, AgentConfig, Cancel, Delete, Invoke, Query, Transfer
from ecology.resources.assets import SCRIP

GOODS_NS = 90 * SECOND_NS
RIGHTS_NS = 60 * SECOND_NS
"""How long a good and a right are offered before the price was too high."""

THRIFT = 4
"""It spends at most such a part of its scrip on one good."""

TRUST_PERCENT = 10
"""How often it looks among what is sold on trust when escrow had nothing."""


class Entrepreneur(Merchant):
    """A merchant with books and desks. Subclasses are characters: what they make, and what they live by."""

    shop_size = 6
    open_bids = 1
    bid_pause_ns = 240 * SECOND_NS

    def __init__(self, config: AgentConfig, dumped: bytes) -> None:
        super().__init__(config, b"")
        mind = bookkeeping.load(dumped) if dumped else Mind(self.memory, Books())
        self.memory, self.books = mind.memory, mind.books
        self.escrow = EscrowDesk(self.books)
        self.rights = RightsDesk(self.books, self.escrow, self.price, self.good_bytes)
        self.tools = ToolDesk(self.books)
        self.mint = MintDesk(self.books, self.bid_pause_ns)
        self._me, self._now_ns = "", 0

    def dump(self) -> bytes:
        return bookkeeping.dump(Mind(self.memory, self.books))

    def steps(self) -> Iterator[Step]:
        """The routine, most urgent first."""
        yield self.introduce
        yield self.answer_orders
        yield self.answer_pleas
        yield self.withdraw
        yield self.submit
        yield self.offer
        yield self.trade_rights
        yield self.buy
        yield self.search
        yield self.consume
        yield self.make

    async def decide(self, view: Observation) -> Thought:
        """Keep the books, then decide as every citizen does."""
        received = traded = 0
        for event in view.news:
            if isinstance(event, TransferPosted) and event.asset == SCRIP and event.to_id == view.agent_id:
                received += event.amount
                listed = self.sale_of(event, view)
                if listed is not None and listed.asset:
                    traded += event.amount  # what rights bring says nothing of what they earn when used
        called = self.tools.note(view, received)
        self.rights.note(view, received - traded - called)
        self.books.scrip = view.scrip
        self._me, self._now_ns = view.agent_id, view.now_ns
        return await super().decide(view)

    # -- steps

    def withdraw(self, view: Observation) -> Action | None:
        """What nobody wants at its price is taken back, and is cheaper next time."""
        stale = self.escrow.stale(view.now_ns, GOODS_NS, RIGHTS_NS)
        return Cancel(stale) if stale is not None else None

    def submit(self, view: Observation) -> Action | None:
        """Bid for new money with the best work that the mint has not seen."""
        return self.mint.step(view, self.masterpiece(), self.open_bids)

    def masterpiece(self) -> str:
        """The work to submit next, or nothing: the best of what is finished and not yet offered."""
        shop = self.memory.shop
        fit = [name for name in shop if self.mint.may_submit(name) and not self.escrow.lists(name)]
        return max(fit, key=lambda name: (shop[name].quality, name)) if fit else ""

    def offer(self, view: Observation) -> Action | None:
        """Put a finished good up for sale."""
        for artifact, good in self.memory.shop.items():
            if not self.mint.awaits(artifact) and not self.escrow.lists(artifact):
                return self.escrow.offer(Listed(good.price, view.now_ns, artifact=artifact))
        return None

    def trade_rights(self, view: Observation) -> Action | None:
        """Buy the rights it is short of; offer those that lie idle."""
        return self.rights.step(view)

    def search(self, view: Observation) -> Action | None:
        """A want is looked for in escrow first, then among what is sold on trust."""
        mind = self.memory
        if mind.purchase is None and not mind.wanted and view.now_ns >= mind.want_ns:
            others = [kind for kind in self.goods if kind != self.specialty(view)] or self.goods
            mind.wanted, mind.cursor = view.draw.choice(others), 0
            return self.escrow.look(goods_of(mind.wanted))
        if mind.wanted and not mind.searches and not view.draw.chance(TRUST_PERCENT):
            self.satisfied(view)  # not now; the appetite comes back
            return None
        return super().search(view)

    def buy(self, view: Observation) -> Action | None:
        """Take the best offer in escrow that is worth its price; else do as merchants do."""
        mind = self.memory
        seen = self.escrow.seen(goods_of(mind.wanted)) if mind.wanted else None
        if seen is None:
            return super().buy(view)
        gain, best = 0, None
        for each in seen:
            worth = self.worth_of(view, each)
            if worth > gain:
                gain, best = worth, each
        if best is None:
            return None
        if view.disk_free < self.good_bytes + SPARE_BYTES:
            return self.clear_out(view)
        return self.escrow.buy(best)

    def worth_of(self, view: Observation, seen: Seen) -> int:
        """How much it likes an offer in escrow: as an offer on trust, but without the caution."""
        if seen.price > view.scrip // THRIFT:
            return 0
        return seen.quality * 3 + self.price - seen.price

    def clear_out(self, view: Observation) -> Action | None:
        """Make room as merchants do, but not with what lies before the mint."""
        mind = self.memory
        if mind.pantry:
            return self.consume(view)
        spare = [name for name in mind.shop if not self.mint.awaits(name)]
        if not spare:
            mind.offers = []
            return None
        artifact = min(spare, key=lambda name: (mind.shop[name].price, name))
        del mind.shop[artifact]
        return Delete(artifact=artifact)

    # -- hearing

    def hear(self, event: Event, view: Observation) -> None:
        """News of its listings and bids, and all that citizens hear."""
        if isinstance(event, TransferPosted) and self.sale_of(event, view) is not None:
            self._sold(event, view)
        elif isinstance(event, ListingClosed):
            if event.seller_id == view.agent_id:
                self.escrow.close(event.listing_id, sold=False)
        elif isinstance(event, BidClosed):
            if event.bidder_id == view.agent_id:
                self.mint.hear(event)
        else:
            super().hear(event, view)

    def sale_of(self, event: TransferPosted, view: Observation) -> Listed | None:
        """Which of its listings a payment is for: the payment has its name, and anybody's memo may say that name."""
        listed = self.books.listed.get(event.memo)
        if listed is None or event.to_id != view.agent_id or event.asset != SCRIP:
            return None
        return listed if event.amount >= listed.price else None

    def _sold(self, event: TransferPosted, view: Observation) -> None:
        mind = self.memory
        listed = self.escrow.close(event.memo, sold=True)
        good = mind.shop.pop(listed.artifact, None) if listed is not None else None
        if good is not None:
            mind.sold_ns = view.now_ns
            mind.ask = min(mind.ask + max(1, mind.ask // 10), MAX_PRICE)
            judge(mind, event.from_id, 1)

    def receive(self, event: OwnershipMoved, view: Observation) -> None:
        """A gift or a delivery on trust; what it bought in escrow it knows of."""
        if event.artifact_id not in self.memory.pantry and event.artifact_id not in self.books.works:
            super().receive(event, view)

    # -- learning

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        """Remember what matters of an outcome, at the desk it belongs to."""
        mind = self.memory
        if isinstance(action, Query) and action.args.get("type") == PROGRAM:
            mind.heard_bytes = self.tools.learn_cards(outcome, self._me)
            return
        bought = self.books.buying
        listed = self.books.listed.get(action.listing) if isinstance(action, Cancel) else None
        offered = self.books.offering
        super().learn(action, outcome)
        mind.heard_bytes += self.escrow.learn(action, outcome, self._me, self._now_ns)
        self.mint.learn(action, outcome, self._now_ns)
        if isinstance(action, Invoke):
            result = self.tools.learn_call(action, outcome)
            if result is not None:
                mind.heard_bytes += self.used(action, result)
        elif isinstance(action, Delete | Transfer) and action.artifact is not None:
            if isinstance(outcome, Committed):
                self.escrow.forget(action.artifact)  # given up, or delivered on trust: its listing is stale
        elif listed is not None and listed.artifact in mind.shop:
            self._lower(mind.shop[listed.artifact])
        elif bought is not None and bought.artifact and isinstance(outcome, Committed):
            self.acquired(bought)
        elif offered is not None and isinstance(outcome, Refused) and outcome.reason != refusals.TOO_MANY:
            mind.shop.pop(offered.artifact, None)  # it is gone, or no longer its own to sell

    def _lower(self, good: Good) -> None:
        good.price = max(1, good.price - max(1, good.price // 10))
        self.memory.ask = max(1, min(self.memory.ask, good.price))

    def acquired(self, bought: Seen) -> None:
        """A good from escrow is there: what was wanted is satisfied."""
        mind = self.memory
        if len(mind.pantry) < MAX_PANTRY:
            mind.pantry[bought.artifact] = Good(
                mind.wanted or self.goods[0], bought.price, bought.quality, self._now_ns
            )
        mind.wanted, mind.searches, mind.offers = "", 0, []
        mind.want_ns = self._now_ns + self.appetite_ns

    def used(self, action: Invoke, result: dict[str, object]) -> int:
        """What a tool returned; the bytes that reading it takes. Most have no use for results."""
        return 0


def goods_of(kind: str) -> str:
    """The name under which artifacts of a kind are found in escrow."""
    return f"artifact/{kind}"
