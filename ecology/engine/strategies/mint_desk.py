"""Bidding for new money: works are submitted for what they may earn, and never for much more than bids cost lately.

The winners of a resolution all pay the same price, the highest bid that lost, so that a bid says what the work is worth
to its owner and is not a guess at what others bid.
"""

from ecology.core.outcome import Committed, Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.strategies.books import MAX_BIDS, Books, drift
from ecology.engine.strategies.citizen import MAX_PRICE
from ecology.events.economy import BidClosed
from ecology.kernel.actions import Action, Bid, Query

MINT = "mint"
ASK_NS = 60_000_000_000
"""How often it asks what the last resolution cost."""

CLOSED_NS = 3_600_000_000_000
"""How long a world without a mint is taken at its word."""

RAISE = 3
"""A bid is at most so many times the last price, and a little more."""

LEAST_HOPE_MILLI, MOST_HOPE_MILLI = 3_000, 8_000
"""What a mind that has won nothing yet expects of a work: each something else."""

LOST_MILLI = 100
"""By how much hope rises with each loss: else one poor score would end all bidding."""

REMEMBERED = 32
"""Works that were submitted once and are not submitted again."""


class MintDesk:
    """The bids of one mind, and what it has learned from their fate."""

    def __init__(self, books: Books, pause_ns: int) -> None:
        """After a loss it bids no more for `pause_ns`."""
        self._books = books
        self._pause_ns = pause_ns

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
        books = self._books
        if not books.reward_milli:
            books.reward_milli = view.draw.between(LEAST_HOPE_MILLI, MOST_HOPE_MILLI)
        amount = min(books.reward_milli // 1000, RAISE * books.mint_price + 1, view.scrip // 4)
        return amount if amount > 0 else None

    def learn(self, action: Action | None, outcome: Outcome, now_ns: int) -> None:
        """Keep the books on `bid` and `query mint`."""
        books = self._books
        if isinstance(action, Bid):
            if isinstance(outcome, Committed):
                books.bids[action.artifact] = action.amount
            else:
                books.bid_ns = now_ns + ASK_NS
        elif isinstance(action, Query) and action.name == MINT:
            if isinstance(outcome, Refused):  # there is none in this world
                books.bid_ns, books.looking_for = now_ns + CLOSED_NS, ""
            else:
                price = outcome.data.get("last_price")
                books.mint_price = price if isinstance(price, int) else 1

    def hear(self, event: BidClosed) -> None:
        """Won or lost: the price is news either way, and a score says what the next work may earn."""
        books = self._books
        books.bids.pop(event.artifact_id, None)
        if event.how == "minted":
            books.mint_price = max(1, event.price)
            books.reward_milli = drift(books.reward_milli, min(event.minted, MAX_PRICE) * 1000, 4)
        elif event.how == "lost":
            books.reward_milli = min(MOST_HOPE_MILLI, books.reward_milli + LOST_MILLI)
            books.bid_ns = event.time_ns + self._pause_ns
            if event.artifact_id in books.submitted:
                books.submitted.remove(event.artifact_id)  # it may try again
