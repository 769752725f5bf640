"""The market habit that all scripted strategies share: make, price, sell, want, search, buy, consume, rest.

Characters override single steps.
"""

from collections.abc import Iterator

from ecology.core.clock import SECOND_NS
from ecology.engine.observation import Observation
from ecology.engine.strategies import memory as memories
from ecology.engine.strategies.citizen import MAX_PRICE, PLEA, WARNING, Citizen, Step
from ecology.engine.strategies.memory import Delivery, Good, Offer, Purchase, judge
from ecology.kernel.actions import Action, Configure, Delete, Message, Query, Sleep, Transfer, Write
from ecology.resources.assets import LLM_BUDGET, SCRIP

PATIENCE_NS = 60 * SECOND_NS
SHELF_LIFE_NS = 120 * SECOND_NS
SEARCHES_PER_WANT = 4
BEST_QUALITY = 12
SPARE_BYTES = 512


class Merchant(Citizen):
    """A citizen with the market habit. Subclasses are characters; see `characters`."""

    draft_turns = 2
    shop_size = 8
    polish_ns = 0

    # -- character: what subclasses change

    def steps(self) -> Iterator[Step]:
        """The routine, most urgent first."""
        yield self.introduce
        yield self.answer_orders
        yield self.answer_pleas
        yield self.warn
        yield self.plead
        yield self.buy
        yield self.search
        yield self.consume
        yield self.reprice
        yield self.make
        yield self.polish

    def specialty(self, view: Observation) -> str:
        """The kind of good it makes."""
        return self.goods[self.config.traits.get("good", view.ordinal) % len(self.goods)]

    def answer_pleas(self, view: Observation) -> Action | None:
        """Most have no ear for those in need."""
        self.memory.pleas.clear()
        return None

    def worth(self, view: Observation, offer: Offer) -> int:
        """How much it likes an offer; below 1 not at all. Strangers are bought from with caution."""
        if offer.price > view.scrip // 2:
            return 0
        return offer.quality * 3 - offer.price + self.price + self.confidence(offer.owner)

    def confidence(self, seller: str) -> int:
        """What a seller's name is worth to it, in scrip."""
        trust = self.memory.trust.get(seller, 0)
        return 2 * trust if trust > 0 else trust * self.price // 2 - self.price // 3

    # -- steps

    def introduce(self, view: Observation) -> Action | None:
        """First of all agree to receive goods, or nobody could deliver any."""
        mind = self.memory
        if mind.introduced:
            return None
        mind.introduced = True
        mind.want_ns = view.now_ns + view.draw.below(self.appetite_ns)
        mind.sold_ns = view.now_ns
        return Configure(accepts_from=["*"])

    def answer_orders(self, view: Observation) -> Action | None:
        """Deliver what was paid for; pay back what cannot be delivered."""
        mind = self.memory
        while mind.orders:
            order = mind.orders.pop(0)
            good = mind.shop.get(order.artifact)
            if good is not None and order.paid >= good.price:
                del mind.shop[order.artifact]
                mind.delivery = Delivery(order, good)
                mind.sold_ns = view.now_ns
                mind.ask = min(good.price + max(1, good.price // 10), MAX_PRICE)
                judge(mind, order.buyer, 1)
                return Transfer(to=order.buyer, artifact=order.artifact, memo=f"sold {order.artifact}")
            if order.paid <= view.scrip:
                return Transfer(to=order.buyer, amount=order.paid, memo=f"refund {order.artifact}")
        return None

    def warn(self, view: Observation) -> Action | None:
        """Tell a friend who did not deliver."""
        mind = self.memory
        if not mind.cheats:
            return None
        cheat = mind.cheats.pop()
        friends = [name for name, trust in mind.trust.items() if trust > 0]
        return Message(to=view.draw.choice(friends), text=WARNING + cheat) if friends else None

    def plead(self, view: Observation) -> Action | None:
        """In need, ask the most trusted acquaintance for help."""
        mind = self.memory
        need = self.need(view)
        if need is None or not mind.trust or view.now_ns - mind.asked_ns < self.appetite_ns:
            return None
        friend = max(mind.trust, key=lambda name: (mind.trust[name], name))
        if mind.trust[friend] < 1:
            return None
        mind.asked_ns = view.now_ns
        return Message(to=friend, text=PLEA + need)

    def need(self, view: Observation) -> str | None:
        """The asset it is about to run out of."""
        if view.scrip < self.price // 2:
            return SCRIP
        budget = self.config.traits.get("budget_usd_micros", 0)
        return LLM_BUDGET if budget and view.llm_budget < budget // 5 else None

    def buy(self, view: Observation) -> Action | None:
        """Pay for the best offer seen; write off a seller who does not deliver."""
        mind = self.memory
        if mind.purchase is not None:
            if view.now_ns - mind.purchase.paid_ns <= PATIENCE_NS:
                return None
            judge(mind, mind.purchase.seller, -3)
            mind.cheats.append(mind.purchase.seller)
            del mind.cheats[: -memories.MAX_QUEUE]
            mind.purchase = None
        if not mind.wanted or not mind.offers:
            return None
        if view.disk_free < self.good_bytes + SPARE_BYTES:
            return self.clear_out(view)
        offers, mind.offers = mind.offers, []
        worths = [(self.worth(view, offer), -place) for place, offer in enumerate(offers)]
        best, place = max(worths)
        if best < 1:
            return None
        offer = offers[-place]
        if offer.contract == "public":
            self.satisfied(view)
            return Delete(artifact=offer.artifact)  # a gift to whoever takes it: taking it is using it up
        mind.purchase = Purchase(offer.artifact, offer.owner, offer.price, offer.quality, view.now_ns)
        return Transfer(to=offer.owner, amount=offer.price, memo=f"buy {offer.artifact}")

    def search(self, view: Observation) -> Action | None:
        """When appetite comes, look for a kind of good that it does not make."""
        mind = self.memory
        if mind.purchase is not None or view.now_ns < mind.want_ns:
            return None
        if not mind.wanted:
            others = [kind for kind in self.goods if kind != self.specialty(view)] or self.goods
            mind.wanted = view.draw.choice(others)
            mind.cursor = 0
        mind.searches += 1
        if mind.searches > SEARCHES_PER_WANT:
            self.satisfied(view)  # in vain; the appetite comes back
            return None
        args: dict[str, str | int] = {"type": mind.wanted, "limit": 10}
        if mind.cursor:
            args["before"] = mind.cursor
        return Query("artifacts", args)

    def consume(self, view: Observation) -> Action | None:
        """Use up what was bought: it occupies the disk for nothing."""
        if not self.memory.pantry:
            return None
        artifact = next(iter(self.memory.pantry))
        good = self.memory.pantry.pop(artifact)
        self.memory.inputs = [artifact]
        self.memory.quality = min(
            9, self.memory.quality + 1 + good.quality // 4
        )  # what one uses, one learns from
        return Delete(artifact=artifact)

    def clear_out(self, view: Observation) -> Action | None:
        """Make room: use something up, or give up the good that is worth least."""
        mind = self.memory
        if mind.pantry:
            return Merchant.consume(self, view)
        if not mind.shop:
            mind.offers = []
            return None
        artifact = min(mind.shop, key=lambda name: (mind.shop[name].price, name))
        del mind.shop[artifact]
        return Delete(artifact=artifact)

    def reprice(self, view: Observation) -> Action | None:
        """What lies too long gets cheaper."""
        mind = self.memory
        if view.now_ns < mind.reprice_ns:
            return None
        for artifact, good in mind.shop.items():
            if view.now_ns - good.priced_ns > SHELF_LIFE_NS and good.price > 1:
                good.price = max(1, min(mind.usual_price, good.price - max(1, good.price // 10)))
                good.priced_ns = view.now_ns
                mind.ask = max(1, min(mind.ask, good.price))
                del mind.shop[artifact]
                mind.shop[artifact] = good
                return self.label(artifact, good, good.kind, [])
        mind.reprice_ns = view.now_ns + SHELF_LIFE_NS // 8  # nothing is due: look again later
        return None

    def make(self, view: Observation) -> Action | None:
        """Work on a draft for some turns, then put the good on the shelf."""
        mind = self.memory
        if len(mind.shop) >= self.shop_size or view.disk_free < self.good_bytes + SPARE_BYTES:
            return None
        if mind.draft < self.draft_turns:
            mind.draft += 1
            return Query("artifacts", {"type": self.specialty(view), "limit": 3})  # see what others make
        mind.made += 1
        artifact = f"{view.agent_id}.{self.specialty(view)}.{mind.made}"
        good = Good(self.specialty(view), mind.ask, 1 + mind.quality // 2 + view.draw.below(3), view.now_ns)
        mind.shop[artifact] = good
        inputs, mind.inputs = mind.inputs, []
        return self.label(artifact, good, good.kind, inputs)

    def polish(self, view: Observation) -> Action | None:
        """With nothing better to do, work on the poorest good: compute becomes quality, quality becomes price."""
        mind = self.memory
        if not mind.shop or view.now_ns - mind.polished_ns < self.polish_ns:
            return None
        artifact = min(mind.shop, key=lambda name: (mind.shop[name].quality, name))
        good = mind.shop[artifact]
        if good.quality >= BEST_QUALITY:
            return None
        mind.polished_ns = view.now_ns
        good.quality += 1
        if good.price < mind.usual_price:
            good.price += 1
        return self.label(artifact, good, good.kind, [])

    def rest(self, view: Observation) -> Action:
        """Nothing to do: sleep until appetite comes, news arrives, or the goods have lain too long."""
        until_ns = self.memory.want_ns
        if self.memory.purchase is not None:
            until_ns = self.memory.purchase.paid_ns + PATIENCE_NS + SECOND_NS
        wait_ms = max(1_000, min(30_000, (until_ns - view.now_ns) // 1_000_000))
        return Sleep(duration_ms=wait_ms + view.draw.below(500))

    # -- parts

    def label(self, artifact: str, good: Good, kind: str, inputs: list[str]) -> Write:
        """The good as an artifact whose title states what it is and costs."""
        line = f"{kind} of quality {good.quality}, the work of {artifact.partition('.')[0]}.\n"
        return Write(
            artifact=artifact,
            content=(line * (self.good_bytes // len(line) + 1))[: self.good_bytes],
            type=kind,
            title=f"{kind} quality {good.quality} price {good.price}",
            contract="transferable_freeware",
            depends_on=inputs,
        )
