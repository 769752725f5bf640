"""Bidding for new money: works are submitted for what they may earn, and never for much more than bids cost lately.

The winners of a resolution all pay the same price, the highest bid that lost, so that a bid says what the work is worth
to its owner and is not a guess at what others bid.
"""

from collections.abc import Mapping

from ecology.core.outcome import Committed, Outcome
from ecology.engine.observation import Observation
from ecology.engine.strategies.books import MAX_BIDS, Books, drift
from ecology.engine.strategies.citizen import MAX_PRICE
from ecology.events.records import BidClosed
from ecology.kernel.actions import Action, Bid, Query

MINT = "mint"
ASK_NS = 60_000_000_000
"""How often it asks what the last resolution cost."""

RAISE = 3
"""A bid is at most so many times the last price, and a little more."""

REMEMBERED = 32
"""Works that were submitted once and are not submitted again."""


class MintDesk:
    """The bids of one mind, and what it has learned from their fate."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def may_submit(self, artifact: str) -> bool:
        """Whether the mint has not seen this work from it."""
        return artifact not in self._books.submitted

    def forgo(self, artifact: str) -> None:
        """The work is not to be submitted, or not again."""
        submitted = self._books.submitted
        submitted.append(artifact)
        del submitted[:-REMEMBERED]

    def awaits(self, artifact: str) -> bool:
        """Whether the work lies before the mint: until then it is not to be changed or sold."""
        return artifact in self._books.bids

    def step(self, view: Observation, work: str, open_bids: int) -> Action | None:
        """Submit `work` if the mint may be worth it; `open_bids` is how many may lie there at once."""
        books = self._books
        if not work or len(books.bids) >= min(open_bids, MAX_BIDS) or view.now_ns < books.bid_ns:
            return None
        if books.looking_for != MINT:
            books.looking_for = MINT
            return Query(MINT)
        books.looking_for = ""
        amount = self.amount(view)
        if amount is None:
            books.bid_ns = view.now_ns + ASK_NS
            return None
        self.forgo(work)  # once is enough
        return Bid(artifact=work, amount=amount)

    def amount(self, view: Observation) -> int | None:
        """What to bid: the expected reward, within reach of the last price and a quarter of one's scrip."""
        reward = self._books.reward_milli // 1000
        if reward <= self._books.mint_price:
            return None
        amount = min(reward, RAISE * self._books.mint_price + 1, view.scrip // 4)
        return amount if amount > 0 else None

    def learn(self, action: Action | None, outcome: Outcome, now_ns: int) -> None:
        """Keep the books on `bid` and `query mint`."""
        books = self._books
        if isinstance(action, Bid):
            if isinstance(outcome, Committed):
                books.bids[action.artifact] = action.amount
            else:
                books.bid_ns = now_ns + ASK_NS
        elif isinstance(action, Query) and action.name == MINT and isinstance(outcome, Committed):
            price = last_price(outcome.data)
            if price is not None:
                books.mint_price = price

    def hear(self, event: BidClosed) -> None:
        """Won or lost: the price is news either way, and a score says what the next work may earn."""
        books = self._books
        books.bids.pop(event.artifact_id, None)
        if event.how == "minted":
            books.mint_price = max(1, event.price)
            books.reward_milli = drift(books.reward_milli, min(event.minted, MAX_PRICE) * 1000, 4)
        elif event.how == "lost":
            # Hope returns slowly: else one poor score would end all bidding, and nothing more would be learned.
            books.reward_milli = min(10_000, books.reward_milli + 100)


def last_price(data: Mapping[str, object]) -> int | None:
    """The price of the last resolution in an answer to `query mint`."""
    price = data.get("last_price")
    return price if isinstance(price, int) and not isinstance(price, bool) else None
