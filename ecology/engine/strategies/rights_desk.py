"""The market in rights: who waits for tokens rents them, who sleeps beside a full bucket lets them, and so with disk.

What a right is worth to a mind is its value of time: what a turn earns it, times the turns that the right would pay
for. It buys below that, and offers what lies idle near the running price, which rises with sales and falls in vain.
"""

from ecology.engine.observation import Observation
from ecology.engine.strategies.books import Books, Listed, Seen, drift
from ecology.engine.strategies.citizen import MAX_PRICE
from ecology.engine.strategies.escrow_desk import LOTS, RENT_MS, EscrowDesk, rights_goods
from ecology.kernel.actions import Action
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK, LLM_CAPACITY, LLM_RATE

TURN_MILLITOKENS = 17_000
"""About what a scripted turn costs to think."""

LOOK_NS = 30_000_000_000
"""How often it looks at one of the markets in rights."""

WAITING, IDLE = 700, 300
"""Above this many turns in a thousand with an empty bucket tokens are what it lacks, below that they lie idle."""

TRADED = (LLM_RATE, LLM_CAPACITY, CPU_RATE, DISK)
"""The rights that a mind at work may lack or have too much of."""

RENT_PERCENT = 65
"""How often it thinks of a rent rather than of a sale."""

LEAST_LOTS = {LLM_RATE: 3, LLM_CAPACITY: 3, CPU_RATE: 1}
"""What it never parts with: a few thoughts a minute, room for two, and turns that handle something."""

LOW_CPU, HIGH_CPU = 8, 3
"""With less than an eighth of the CPU bucket full it is short of CPU; with more than a third it has plenty."""

SALES_PER_RENT = 4
"""A right for good is worth so many rents."""


class RightsDesk:
    """Buying, selling and letting what one has too little or too much of. `price` is the world's reference price."""

    def __init__(self, books: Books, escrow: EscrowDesk, price: int, good_bytes: int) -> None:
        self._books = books
        self._escrow = escrow
        self._price = price
        self._good_bytes = good_bytes

    def note(self, view: Observation, earned: int) -> None:
        """Once a turn: was the bucket empty, and what came in?"""
        books = self._books
        waited = view.llm_level < TURN_MILLITOKENS
        books.busy = drift(books.busy, 1_000 if waited else 0, 32)
        books.income_milli = drift(books.income_milli, min(earned, MAX_PRICE) * 1000, 64)

    def step(self, view: Observation) -> Action | None:
        """Look at one market now and then; at what was seen, buy what is short or offer what lies idle."""
        for asset in TRADED:
            for rent_ms in (0, RENT_MS):
                seen = self._escrow.seen(rights_goods(asset, rent_ms))
                if seen is not None:
                    return self._trade(view, asset, rent_ms, seen)
        if view.now_ns < self._books.look_ns:
            return None
        self._books.look_ns = view.now_ns + LOOK_NS + view.draw.below(LOOK_NS)
        wanted = [asset for asset in TRADED if self.balance(view, asset)]
        if not wanted:
            return None
        rent_ms = RENT_MS if view.draw.chance(RENT_PERCENT) else 0
        return self._escrow.look(rights_goods(view.draw.choice(wanted), rent_ms))

    def balance(self, view: Observation, asset: str) -> int:
        """1 if it has too little of a right, -1 if more than it uses, else 0."""
        busy = self._books.busy
        if asset == DISK:
            if view.disk_free < 3 * self._good_bytes:
                return 1
            return -1 if view.disk_free > max(view.disk_quota // 2, 2 * LOTS[DISK]) else 0
        spare = view.right(asset) >= (LEAST_LOTS[asset] + 1) * LOTS[asset]
        if asset == CPU_RATE:
            capacity = view.right(CPU_CAPACITY)
            return (
                1
                if view.cpu_level * LOW_CPU < capacity
                else -int(spare and view.cpu_level * HIGH_CPU > capacity)
            )
        if asset == LLM_RATE:
            return 1 if busy > WAITING else -int(spare and busy < IDLE)
        return -int(spare) if busy > WAITING else int(busy < IDLE)

    def worth_milli(self, view: Observation, asset: str, rent_ms: int) -> int:
        """The most it would pay for a lot, in thousandths of a scrip: its value of time; for what saves none, a guess.

        A token/s for `RENT_MS` pays for `RENT_MS × rate ÷ turn` more turns, each worth what a turn earns.
        """
        if asset == LLM_RATE:
            turns_milli = LOTS[LLM_RATE] * RENT_MS // TURN_MILLITOKENS
            worth = self._books.income_milli * turns_milli // 1000
            return worth if rent_ms else worth * SALES_PER_RENT
        guess = self.guess_milli(view, asset, rent_ms)
        return self._escrow.price(rights_goods(asset, rent_ms), guess) * 6 // 5

    def guess_milli(self, view: Observation, asset: str, rent_ms: int) -> int:
        """What a mind that has seen no price thinks of a lot: somewhere between half the usual and half above."""
        usual = self._price * (1000 if asset == LLM_RATE else 500)
        guess = usual * view.draw.between(50, 150) // 100
        return guess // SALES_PER_RENT if rent_ms else guess

    def _trade(self, view: Observation, asset: str, rent_ms: int, seen: list[Seen]) -> Action | None:
        balance = self.balance(view, asset)
        if balance > 0:
            return self._take(view, asset, seen)
        return self._offer(view, asset, rent_ms) if balance < 0 else None

    def _take(self, view: Observation, asset: str, seen: list[Seen]) -> Action | None:
        """The offer that is furthest below its worth, if any is, for at most a third of what it has."""
        best, gain = None, 0
        for each in seen:
            worth = self.worth_milli(view, asset, each.rent_ms) * each.amount // LOTS[asset]
            if each.rent_ms:
                worth = worth * each.rent_ms // RENT_MS
            if each.price <= view.scrip // 3 and worth - each.price * 1000 > gain:
                best, gain = each, worth - each.price * 1000
        return self._escrow.buy(best) if best is not None else None

    def _offer(self, view: Observation, asset: str, rent_ms: int) -> Action | None:
        """A lot of what lies idle, at its running price; one lot at a time."""
        if any(each.asset == asset for each in self._books.listed.values()):
            return None
        guess = self.guess_milli(view, asset, rent_ms)
        price_milli = self._escrow.price(rights_goods(asset, rent_ms), guess)
        price = max(1, min((price_milli + 500) // 1000, MAX_PRICE))
        return self._escrow.offer(
            Listed(price, view.now_ns, asset=asset, amount=LOTS[asset], rent_ms=rent_ms)
        )
