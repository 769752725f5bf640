"""Random trade among agents and an account: whatever is listed, bought, let, given away or left to time, sums stay.

Beside the world runs a book of what each listing must come to, kept from the outcomes alone.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from ecology.core.clock import MILLISECOND_NS
from ecology.core.outcome import Committed, Refused
from ecology.events.economy import ListingClosed, ListingSold, RightRented, RightReverted
from ecology.events.records import Event
from ecology.kernel.actions import Buy, Cancel, Delete, Edit, List, Query, Transfer, Write
from ecology.kernel.housekeeping import due_ns
from ecology.resources.assets import ASSETS, LLM_BUDGET, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage

AGENTS = ("agent-0001", "agent-0002", "agent-0003")
TILL = "till"
WHO = st.sampled_from(AGENTS)
ANYBODY = st.sampled_from([*AGENTS, TILL])
RIGHTS = st.sampled_from([asset for asset in ASSETS if asset != SCRIP])
THINGS = st.sampled_from(["saw", "map", "axe"])
PRICES = st.integers(1, 40) | st.integers(300, 1_200)
SPANS_MS = st.integers(1_000, 20_000)
SHARES = st.integers(1, 110)
"""Percent of what one has."""


class Market(RuleBasedStateMachine):
    """Three agents, an account, three things, all rights."""

    listings = Bundle("listings")

    @initialize()
    def begin(self) -> None:
        self.stage = Stage.of(len(AGENTS))
        self.stage.do(AGENTS[0], Write(TILL, "x", standing=True))
        for who, thing in zip(AGENTS, ("saw", "map", "axe"), strict=True):
            self.stage.do(who, Write(thing, "x", contract="transferable_freeware"))
        self.stage.events()
        self.closed: set[str] = set()
        self.rents = 0

    def available(self, who: str, asset: str) -> int:
        return self.stage.world.available(self.stage.world.principals[who], asset)

    def note(self) -> list[Event]:
        """Take the events, and keep the books on them."""
        events = self.stage.events()
        for event in events:
            if isinstance(event, RightRented):
                self.rents += 1
            if isinstance(event, RightReverted):
                self.rents -= 1
            if isinstance(event, ListingSold | ListingClosed):
                assert event.listing_id not in self.closed, "a listing ends once"
                self.closed.add(event.listing_id)
        return events

    @rule(who=WHO, thing=THINGS, size=st.integers(0, 25_000), free=st.booleans())
    def write(self, who: str, thing: str, size: int, free: bool) -> None:
        self.stage.act(who, Write(thing, "x" * size, contract="transferable_freeware" if free else None))
        self.note()

    @rule(who=WHO, thing=THINGS)
    def change(self, who: str, thing: str) -> None:
        artifact = self.stage.world.shelf.find(thing)
        text = (
            ""
            if artifact is None or artifact.deleted
            else self.stage.world.shelf.contents.get(thing).decode()
        )
        self.stage.act(who, Edit(thing, text, "y") if text else Delete(thing))
        self.note()

    @rule(who=WHO, to=ANYBODY, asset=st.sampled_from(ASSETS), share=SHARES)
    def give(self, who: str, to: str, asset: str, share: int) -> None:
        self.stage.act(who, Transfer(to, self.available(who, asset) * share // 100, asset))
        self.note()

    @rule(
        target=listings,
        who=WHO,
        asset=RIGHTS,
        share=SHARES,
        price=PRICES,
        rent_ms=st.just(0) | SPANS_MS,
        buyer=st.none() | ANYBODY,
    )
    def offer_right(
        self, who: str, asset: str, share: int, price: int, rent_ms: int, buyer: str | None
    ) -> object:
        amount = self.available(who, asset) * share // 100
        return self._listed(who, List(price, asset=asset, amount=amount, rent_ms=rent_ms, buyer=buyer))

    @rule(target=listings, who=WHO, thing=THINGS, price=PRICES)
    def offer_thing(self, who: str, thing: str, price: int) -> object:
        return self._listed(who, List(price, artifact=thing))

    def _listed(self, who: str, offer: List) -> object:
        outcome = self.stage.act(who, offer)
        self.note()
        return outcome.data["listing"] if isinstance(outcome, Committed) else multiple()

    @rule(
        target=listings,
        seller=WHO,
        buyer=WHO,
        asset=RIGHTS,
        share=st.integers(1, 60),
        price=st.integers(1, 9),
    )
    def trade(self, seller: str, buyer: str, asset: str, share: int, price: int) -> object:
        listing = self.offer_right(seller, asset, share, price, (share % 4) * 1_000, None)
        if isinstance(listing, str):
            self.buy(buyer, listing)
        return listing

    @rule(buyer=WHO, thing=THINGS, price=st.integers(1, 9))
    def deal(self, buyer: str, thing: str, price: int) -> None:
        artifact = self.stage.world.shelf.find(thing)
        assert artifact is not None
        listing = self._listed(artifact.owner, List(price, artifact=thing))
        if isinstance(listing, str):
            self.buy(buyer, listing)

    @rule(who=WHO, listing=listings)
    def buy(self, who: str, listing: str) -> None:
        world = self.stage.world
        found = world.listings.get(listing)
        buyer = world.principals[who]
        before = {name: self.available(name, SCRIP) for name in world.principals}
        outcome = self.stage.act(who, Buy(listing))
        if isinstance(outcome, Refused):
            assert {name: self.available(name, SCRIP) for name in world.principals} == before
            assert listing not in self.closed or outcome.reason in ("listing_closed", "listing_stale")
            assert not any(isinstance(event, ListingSold) for event in self.note())
            return
        assert found is not None
        assert listing not in self.closed, "sold once"
        assert found.seller != who
        assert before[who] - self.available(who, SCRIP) == found.price
        assert self.available(found.seller, SCRIP) - before[found.seller] == found.price
        if found.artifact is not None:
            artifact = world.shelf.find(found.artifact)
            assert artifact is not None
            assert artifact.owner == artifact.bearer == who
            assert world.disk_free(buyer) >= 0
        assert any(isinstance(event, ListingSold) for event in self.note())

    @rule(who=WHO, listing=consumes(listings))
    def cancel(self, who: str, listing: str) -> None:
        outcome = self.stage.act(who, Cancel(listing))
        if isinstance(outcome, Refused):
            assert outcome.reason in ("not_permitted", "listing_closed", "listing_stale")
        self.note()

    @rule(span_ms=st.integers(1, 15_000))
    def wait(self, span_ms: int) -> None:
        self.stage.pass_time(span_ms * MILLISECOND_NS)
        self.note()
        assert due_ns(self.stage.world) > self.stage.now_ns

    @invariant()
    def all_is_in_order(self) -> None:
        world = self.stage.world
        assert broken_laws(world) == []
        for asset in ASSETS:
            granted = GRANTS[asset] * len(AGENTS)
            balances = [world.book.balance(it.accounts[asset]) for it in world.principals.values()]
            assert sum(balances) == world.supply(asset) == granted
            if asset not in (SCRIP, LLM_BUDGET):
                held = sum(it.amount for it in world.listings if it.asset == asset)
                usable = sum(world.usable(it, asset) for it in world.principals.values())
                assert usable == granted - held, "a right that is let is used by exactly one"
        assert len(world.rentals) == self.rents
        assert not any(it.id in self.closed for it in world.listings if not it.stale)

    @invariant()
    def what_is_shown_is_what_is_open(self) -> None:
        world = self.stage.world
        shown = []
        for goods in {it.goods for it in world.listings}:
            page = self.stage.do(AGENTS[0], Query("listings", {"goods": goods, "limit": 50}))["listings"]
            assert isinstance(page, list)
            prices = [each["unit_price_micros"] for each in page]
            assert prices == sorted(prices)
            shown += [each["id"] for each in page]
        assert sorted(shown) == sorted(it.id for it in world.listings if not it.stale)
        self.stage.events()


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=120, stateful_step_count=60)
