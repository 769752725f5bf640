"""Five characters. Each differs from the common market habit in what it makes, whom it helps and whom it cheats."""

from collections.abc import Iterator

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed, Outcome
from ecology.engine.observation import Observation
from ecology.engine.strategies.citizen import MAX_PRICE, Step
from ecology.engine.strategies.memory import Good, Offer, judge
from ecology.engine.strategies.merchant import SPARE_BYTES, Merchant
from ecology.events.records import OwnershipMoved
from ecology.kernel.actions import Action, Delete, Query, Read, Transfer, Write
from ecology.resources.assets import DISK, LLM_BUDGET, LLM_RATE, SCRIP

_RICH = 3
"""Who has this many times its price in scrip can afford to give."""


class Maker(Merchant):
    """Lives by its work: makes one kind of good well, delivers what is paid for, buys what it does not make."""

    draft_turns = 1
    shop_size = 10


class Trader(Merchant):
    """Makes nothing. Buys below the usual price, sells above it, and never uses anything up."""

    shop_size = 12
    margin_percent = 25

    def steps(self) -> Iterator[Step]:
        yield self.introduce
        yield self.answer_orders
        yield self.answer_pleas
        yield self.resell
        yield self.buy
        yield self.search
        yield self.reprice

    def worth(self, view: Observation, offer: Offer) -> int:
        if offer.price > view.scrip // 2 or len(self.memory.shop) >= self.shop_size:
            return 0
        return self.memory.usual_price - offer.price + offer.quality // 3 + self.confidence(offer.owner)

    def specialty(self, view: Observation) -> str:
        return ""

    def search(self, view: Observation) -> Action | None:
        if self.memory.want_ns > view.now_ns + self.appetite_ns // 4:
            self.memory.want_ns = view.now_ns + self.appetite_ns // 4  # its trade is looking
        return super().search(view)

    def resell(self, view: Observation) -> Action | None:
        """Offer what was bought anew, dearer and at the top of everybody's search, and throw the old one away."""
        mind = self.memory
        if mind.discards:
            return Delete(artifact=mind.discards.pop())
        if not mind.pantry or len(mind.shop) >= self.shop_size:
            return None
        if view.disk_free < self.good_bytes + SPARE_BYTES:
            return None
        bought = next(iter(mind.pantry))
        good = mind.pantry.pop(bought)
        mind.discards.append(bought)
        mind.made += 1
        artifact = f"{view.agent_id}.{good.kind}.{mind.made}"
        price = max(good.price + 1, mind.usual_price, good.price * (100 + self.margin_percent) // 100)
        good.price = min(price, MAX_PRICE)
        good.priced_ns = view.now_ns
        mind.shop[artifact] = good
        return self.label(artifact, good, good.kind, [bought])


class Hoarder(Merchant):
    """Keeps what it gets. Sells dear, buys only bargains, collects goods until its disk is full, hurries never."""

    shop_size = 4
    polish_ns = 20 * SECOND_NS

    def worth(self, view: Observation, offer: Offer) -> int:
        if offer.price > view.scrip // 4:
            return 0
        return self.memory.usual_price // 2 + offer.quality - offer.price

    def consume(self, view: Observation) -> Action | None:
        if view.disk_free >= 2 * self.good_bytes:
            return None
        return super().consume(view)

    def make(self, view: Observation) -> Action | None:
        self.memory.ask = max(self.memory.ask, min(2 * self.price, MAX_PRICE))
        return super().make(view)


class Cooperator(Merchant):
    """Works like a maker, sells cheap, gives to those in need it has no reason to distrust, leaves gifts for all."""

    shop_size = 8

    def make(self, view: Observation) -> Action | None:
        mind = self.memory
        mind.ask = max(1, min(mind.ask, self.price * 3 // 4))
        action = super().make(view)
        if isinstance(action, Write) and view.scrip > _RICH * self.price and mind.made % 3 == 0:
            del mind.shop[action.artifact]
            kind = action.type
            return Write(
                artifact=action.artifact,
                content=action.content,
                type=kind,
                title=f"{kind} quality 3 price 0",
                contract="public",
            )
        return action

    def answer_pleas(self, view: Observation) -> Action | None:
        """Give a tenth of what one has of what is scarcest: budget, flow, then scrip."""
        mind = self.memory
        while mind.pleas:
            who = mind.pleas.pop(0)
            if mind.trust.get(who, 0) < 0:
                continue
            judge(mind, who, -1)  # help is not for ever: who gives nothing back is asked for patience
            budget = view.llm_budget
            if budget > self.config.traits.get("budget_usd_micros", 0) // 3 > 0:
                return Transfer(to=who, asset=LLM_BUDGET, amount=budget // 10, memo="gift")
            if view.scrip > _RICH * self.price:
                return Transfer(to=who, asset=SCRIP, amount=max(1, view.scrip // 10), memo="gift")
            if view.llm_level > 60_000 and view.llm_rate > 4_000:
                return Transfer(to=who, asset=LLM_RATE, amount=view.usable(LLM_RATE) // 20, memo="gift")
            if view.disk_free > view.disk_quota // 2:
                return Transfer(to=who, asset=DISK, amount=view.disk_free // 10, memo="gift")
        return None


class FreeRider(Merchant):
    """Makes nothing of its own: copies others' goods, takes money, rarely delivers, begs from who gave before."""

    shop_size = 6
    honesty_percent = 30

    def steps(self) -> Iterator[Step]:
        yield self.introduce
        yield self.answer_orders
        yield self.answer_pleas
        yield self.plead
        yield self.buy
        yield self.search
        yield self.consume
        yield self.copy

    def worth(self, view: Observation, offer: Offer) -> int:
        return 1 if offer.contract == "public" else 0  # what costs nothing

    def need(self, view: Observation) -> str | None:
        return super().need(view) or SCRIP

    def answer_orders(self, view: Observation) -> Action | None:
        """Keep the money; now and then deliver, so that somebody comes back."""
        mind = self.memory
        if mind.orders and not view.draw.chance(self.honesty_percent):
            mind.orders.pop(0)
            return None
        return super().answer_orders(view)

    def copy(self, view: Observation) -> Action | None:
        """See what is dear, read it, offer a copy for less."""
        mind = self.memory
        if len(mind.shop) >= self.shop_size or view.disk_free < self.good_bytes + SPARE_BYTES:
            return None
        mind.draft += 1
        if mind.draft == 1:
            return Query("artifacts", {"type": view.draw.choice(self.goods), "limit": 5})
        if mind.draft == 2 and mind.inputs:
            return Read(artifact=mind.inputs[0])
        mind.draft = 0
        if not mind.inputs:
            return None
        mind.made += 1
        kind = view.draw.choice(self.goods)
        artifact = f"{view.agent_id}.{kind}.{mind.made}"
        good = Good(kind, max(1, mind.usual_price * 2 // 3), 4, view.now_ns)
        mind.shop[artifact] = good
        inputs, mind.inputs = mind.inputs, []
        return self.label(artifact, good, kind, inputs)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        draft = self.memory.draft
        super().learn(action, outcome)
        self.memory.draft = draft if not isinstance(action, Write) else 0
        if isinstance(action, Query) and isinstance(outcome, Committed) and not self.memory.wanted:
            cards = outcome.data.get("artifacts")
            names = (
                [str(card["id"]) for card in cards if isinstance(card, dict)]
                if isinstance(cards, list)
                else []
            )
            self.memory.inputs = [name for name in names if name not in self.memory.shop][:1]

    def receive(self, event: OwnershipMoved, view: Observation) -> None:
        super().receive(event, view)
        self.memory.asked_ns = view.now_ns - 30 * SECOND_NS  # a giver is asked again soon
