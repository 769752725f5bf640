"""The market in rights: what a right is worth to a mind is what it earns it, and whoever earns more with it buys it.

A right that binds in a share of the turns holds back that share of the income: one part in ten more of it is worth one
part in ten of that (the marginal product, where nothing else binds). Buyers pay less than that. Who has a lot to spare
offers it near the running price, unless it is worth more to itself: prices are learned, reservations are earned.
"""

from ecology.core.clock import MILLISECOND_NS, SECOND_NS
from ecology.engine.observation import Observation
from ecology.engine.strategies.books import Books, Listed, Seen, drift
from ecology.engine.strategies.citizen import MAX_PRICE
from ecology.engine.strategies.escrow_desk import LOTS, RENT_MS, EscrowDesk, rights_goods
from ecology.kernel.actions import Action
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK, LLM_CAPACITY, LLM_RATE

TURN_MILLITOKENS = 17_000
"""About what a scripted turn costs to think."""

LOOK_NS = 30 * SECOND_NS
"""How often it looks at one of the markets in rights."""

TRADED = (LLM_RATE, LLM_CAPACITY, CPU_RATE, DISK)
"""The rights that a mind at work may lack or have too much of."""

MARKET_DAYS = (*(LLM_RATE,) * 5, LLM_CAPACITY, CPU_RATE, DISK)
"""How often each market is looked at: most thoughts are of tokens."""

RENT_PERCENT = 75
"""How often it thinks of a rent rather than of a sale."""

LEAST_LOTS = {LLM_RATE: 2, LLM_CAPACITY: 3, CPU_RATE: 1}
"""What it never parts with: a few thoughts a minute, room for two, and turns that handle something."""

LOW_CPU = 8
"""With less than an eighth of the CPU bucket full it is short of CPU."""

CAUTION = 100
"""So many turns in a thousand more it thinks a right would bind if it had a lot less."""

MEMORY = 32
"""A turn counts for one part in so many of how often a right binds."""

SALES_PER_RENT = 2
"""A right for good is worth so many rents."""


class RightsDesk:
    """Buying, selling and letting what one has too little or too much of. `price` is the world's reference price."""

    def __init__(self, books: Books, escrow: EscrowDesk, price: int, good_bytes: int) -> None:
        self._books = books
        self._escrow = escrow
        self._price = price
        self._good_bytes = good_bytes

    def note(self, view: Observation, earned: int) -> None:
        """Once a turn: what did it earn, and which rights did it feel the end of?"""
        books = self._books
        passed_ms = min((view.now_ns - books.noted_ns) // MILLISECOND_NS, RENT_MS)
        books.noted_ns = view.now_ns
        faded = books.income_milli - books.income_milli * passed_ms // RENT_MS
        books.income_milli = max(0, min(faded + earned * 1000, MAX_PRICE * 1000))
        for asset in TRADED:
            felt = 1000 if self.binds(view, asset) else 0
            books.pressure[asset] = drift(books.pressure.get(asset, 0), felt, MEMORY)

    def binds(self, view: Observation, asset: str) -> bool:
        """Whether more of a right would help this turn. More room for tokens helps if some were lost."""
        if asset == LLM_RATE:
            return view.llm_level < TURN_MILLITOKENS
        if asset == LLM_CAPACITY:
            return view.llm_level + 2 * TURN_MILLITOKENS > view.llm_capacity
        if asset == CPU_RATE:
            return view.cpu_level * LOW_CPU < view.usable(CPU_CAPACITY)
        return view.disk_free < 2 * self._good_bytes

    def step(self, view: Observation) -> Action | None:
        """Look at one market now and then; buy what was seen if it earns more than it costs, else offer a lot."""
        for asset in TRADED:
            for rent_ms in (0, RENT_MS):
                seen = self._escrow.seen(rights_goods(asset, rent_ms))
                if seen is not None:
                    return self._take(view, asset, seen) or self.offer(view, asset, rent_ms)
        if view.now_ns < self._books.look_ns:
            return None
        self._books.look_ns = view.now_ns + LOOK_NS + view.draw.below(LOOK_NS)
        rent_ms = RENT_MS if view.draw.chance(RENT_PERCENT) else 0
        asset = view.draw.choice(MARKET_DAYS)
        return self._escrow.look(rights_goods(asset, rent_ms))

    def pressure(self, asset: str) -> int:
        """How often a right binds, in thousandths; tokens that were lost are missed when there are none."""
        pressure = self._books.pressure.get(asset, 0)
        if asset == LLM_CAPACITY:
            return pressure * self._books.pressure.get(LLM_RATE, 0) // 1000
        return pressure

    def worth_milli(self, view: Observation, asset: str, rent_ms: int, caution: int = 0) -> int:
        """What a lot earns in `RENT_MS`, in thousandths of a scrip, and several times that if it is for good.

        Income × how often the right binds (`caution` thousandths more) × the lot's share of the right.
        """
        lot = LOTS[asset]
        bound = min(1000, self.pressure(asset) + caution)
        worth = self._books.income_milli * bound * lot // (1000 * max(lot, view.usable(asset)))
        return worth if rent_ms else worth * SALES_PER_RENT

    def guess_milli(self, view: Observation, asset: str, rent_ms: int) -> int:
        """What a mind that has seen no price thinks of a lot: somewhere between half the usual and half above."""
        usual = self._price * (1000 if asset == LLM_RATE else 500)
        guess = usual * view.draw.between(50, 150) // 100
        return guess // SALES_PER_RENT if rent_ms else guess

    def spares(self, view: Observation, asset: str) -> bool:
        """Whether it can do without a lot."""
        if asset == DISK:
            return view.disk_free > max(view.disk_quota // 2, 2 * LOTS[DISK])
        return view.right(asset) >= (LEAST_LOTS[asset] + 1) * LOTS[asset]

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

    def offer(self, view: Observation, asset: str, rent_ms: int) -> Action | None:
        """A lot that it can spare at its running price, if it earns less than that; one lot at a time."""
        if not self.spares(view, asset) or any(each.asset == asset for each in self._books.listed.values()):
            return None
        guess = self.guess_milli(view, asset, rent_ms)
        price_milli = self._escrow.price(rights_goods(asset, rent_ms), guess)
        if self.worth_milli(view, asset, rent_ms, CAUTION) > price_milli:
            return None
        price = max(1, min((price_milli + 500) // 1000, MAX_PRICE))
        return self._escrow.offer(
            Listed(price, view.now_ns, asset=asset, amount=LOTS[asset], rent_ms=rent_ms)
        )
