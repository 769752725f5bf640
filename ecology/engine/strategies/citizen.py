"""What all scripted minds have in common: a routine of steps, news that is taken in, outcomes that are learned from.

Each turn takes the first step of the routine that has something to do. What the steps are is for subclasses.
"""

import re
from collections.abc import Callable, Iterator
from typing import cast

from ecology.core.clock import SECOND_NS
from ecology.core.ids import is_id
from ecology.core.limits import MAX_CONTENT_BYTES, MAX_ID_BYTES
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.policy import Thought
from ecology.engine.strategies import memory as memories
from ecology.engine.strategies.memory import Good, Memory, Offer, Order, judge
from ecology.events.records import Event, MessageSent, OwnershipMoved, TransferPosted
from ecology.kernel import refusals
from ecology.kernel.actions import Action, AgentConfig, Delete, Query, Transfer, Write, said_bytes
from ecology.resources.assets import SCRIP
from ecology.resources.costs import tokens_of

PROMPT_TOKENS = 400
NEWS_TOKENS = 40
WORST_TRUST = -2
MAX_PRICE = 999_999_999
"""What a label can state."""
MAX_APPETITE_S = 86_400

PLEA = "please help: "
WARNING = "beware of "

LABEL = re.compile(r"quality (\d{1,9}) price (\d{1,9})$")

Step = Callable[[Observation], Action | None]


class Citizen:
    """A scripted mind without a character. `price` is scrip, `appetite_ns` the usual time between wants."""

    slow = False

    def __init__(self, config: AgentConfig, dumped: bytes) -> None:
        self.config = config
        traits = config.traits  # anyone whom the agent's contract lets may have set them, to anything
        self.price = max(1, min(traits.get("price", 10), MAX_PRICE))
        self.appetite_ns = max(1, min(traits.get("appetite_s", 60), MAX_APPETITE_S)) * SECOND_NS
        self.good_bytes = max(64, min(traits.get("good_bytes", 1200), MAX_CONTENT_BYTES))
        self.goods = config.goods or ["good"]
        self.memory: Memory = (
            memories.load(dumped) if dumped else Memory(ask=self.price, usual_price=self.price)
        )
        self.routine: tuple[Step, ...] = tuple(self.steps())

    # -- the policy protocol

    async def decide(self, view: Observation) -> Thought:
        """The first step of the routine that has something to do."""
        for event in view.news:
            self.hear(event, view)
        for step in self.routine:
            action = step(view)
            if action is not None:
                break
        else:
            action = self.rest(view)
        heard_tokens = NEWS_TOKENS * len(view.news) + tokens_of(self.memory.heard_bytes)
        return Thought(action, PROMPT_TOKENS + heard_tokens, tokens_of(said_bytes(action)))

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        """Remember what matters of an outcome."""
        mind = self.memory
        mind.heard_bytes = 0
        if isinstance(outcome, Committed):
            if isinstance(action, Query) and action.name == "artifacts":
                self._learn_offers(outcome.data)
            elif isinstance(action, Write):
                mind.draft = 0
            elif isinstance(action, Transfer):
                mind.delivery = None
        elif isinstance(action, Transfer):
            self._learn_refused_transfer(action, outcome)
        elif isinstance(action, Write):
            self.learn_refused_write(action, outcome)
        elif isinstance(action, Delete):
            mind.pantry.pop(action.artifact, None)

    def dump(self) -> bytes:
        return memories.dump(self.memory)

    # -- what a subclass is

    def steps(self) -> Iterator[Step]:
        """The routine, most urgent first."""
        raise NotImplementedError

    def rest(self, view: Observation) -> Action:
        """What to do when there is nothing to do."""
        raise NotImplementedError

    # -- hearing

    def hear(self, event: Event, view: Observation) -> None:
        """Take in one piece of news."""
        mind = self.memory
        if isinstance(event, TransferPosted):
            if event.to_id != view.agent_id:
                return  # somebody else's affair, which it happens to be told
            if event.asset == SCRIP and event.memo.startswith("buy "):
                if len(mind.orders) < memories.MAX_QUEUE:
                    artifact = event.memo[4 : 4 + MAX_ID_BYTES]
                    mind.orders.append(Order(event.from_id, artifact, event.amount))
            elif event.memo == "gift":
                judge(mind, event.from_id, 2)
            elif event.memo.startswith("refund ") and mind.purchase is not None:
                if event.from_id == mind.purchase.seller:
                    mind.purchase = None
        elif isinstance(event, OwnershipMoved) and event.to_id == view.agent_id:
            self.receive(event, view)
        elif isinstance(event, MessageSent) and event.principal_id is not None:
            self.listen(event.principal_id, event.text, view)

    def listen(self, speaker: str, text: str, view: Observation) -> None:
        """Take in what somebody said: a plea is for later, a warning counts if it comes from a friend."""
        mind = self.memory
        if text.startswith(PLEA) and len(mind.pleas) < memories.MAX_QUEUE:
            mind.pleas.append(speaker)
        elif text.startswith(WARNING) and mind.trust.get(speaker, 0) > 0:
            cheat = text.removeprefix(WARNING)
            if is_id(cheat) and cheat != view.agent_id:
                judge(mind, cheat, -2)

    def receive(self, event: OwnershipMoved, view: Observation) -> None:
        """A good arrived: what was wanted is satisfied."""
        mind = self.memory
        good = Good(mind.wanted or self.goods[0], self.price, 1, view.now_ns)
        if mind.purchase is not None and mind.purchase.artifact == event.artifact_id:
            good.price, good.quality = mind.purchase.price, mind.purchase.quality
            mind.purchase = None
            self.satisfied(view)
        judge(mind, event.from_id, 1)
        if len(mind.pantry) < memories.MAX_PANTRY:
            mind.pantry[event.artifact_id] = good

    # -- learning

    def learn_refused_write(self, action: Write, outcome: Refused) -> None:
        """The draft is lost, and so is its place in the shop: there is no room, or the name is somebody else's."""
        mind = self.memory
        mind.draft = 0
        good = mind.shop.pop(action.artifact, None)
        if outcome.reason == refusals.DISK_QUOTA and good is not None:
            mind.pantry[action.artifact] = good  # if there was an earlier revision, using it up makes room

    def satisfied(self, view: Observation) -> None:
        """What was wanted came, or was given up: the appetite returns later."""
        mind = self.memory
        mind.wanted = ""
        mind.searches = 0
        mind.offers = []
        mind.want_ns = view.now_ns + self.appetite_ns // 2 + view.draw.below(self.appetite_ns)

    def _learn_offers(self, data: dict[str, object]) -> None:
        """Offers and prices from a page of search results; only strangers' goods count as offers."""
        mind = self.memory
        cards = cast("list[dict[str, object]]", data["artifacts"])
        mind.heard_bytes = 160 * len(cards)
        before = data.get("before")
        mind.cursor = before if isinstance(before, int) else 0
        prices: list[int] = []
        offers: list[Offer] = []
        for card in cards:
            label = LABEL.search(str(card["title"]))
            if label is None:
                continue
            price, contract = int(label[2]), str(card["contract"])
            if contract != "public":
                prices.append(price)
            if card["type"] != mind.wanted:
                continue
            artifact, owner = str(card["id"]), str(card["owner"])
            mine = artifact in mind.shop or artifact in mind.pantry
            if not mine and mind.trust.get(owner, 0) > WORST_TRUST:
                offers.append(Offer(artifact, owner, contract, price, int(label[1])))
        if prices:
            mind.usual_price = (3 * mind.usual_price + sum(prices) // len(prices) + 3) // 4
        if mind.wanted:
            mind.offers = offers

    def _learn_refused_transfer(self, action: Transfer, outcome: Refused) -> None:
        """A payment that did not go through buys nothing; a good that cannot be delivered is paid back."""
        mind = self.memory
        delivery, mind.delivery = mind.delivery, None
        if action.artifact is None:
            if mind.purchase is not None and action.memo == f"buy {mind.purchase.artifact}":
                mind.purchase = None
        elif delivery is not None:
            mind.orders.append(Order(action.to, "", delivery.order.paid))
            if outcome.reason in (refusals.DISK_QUOTA, refusals.NOT_ACCEPTED):
                mind.shop[action.artifact] = delivery.good  # it is still the seller's
