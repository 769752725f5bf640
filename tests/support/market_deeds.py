"""Random deeds in an economy: all that `deeds` knows, and code, contracts, escrow, rents, bids, delegations."""

from collections.abc import Callable, Iterator, Sequence

from ecology.core.seeds import Draw
from ecology.kernel.actions import (
    Action,
    Bid,
    Buy,
    Cancel,
    Delegate,
    Delete,
    Edit,
    Invoke,
    List,
    Query,
    Read,
    Revoke,
    Transfer,
    Write,
)
from ecology.resources.assets import ASSETS, SCRIP
from tests.support.deeds import UNDER, Doer
from tests.support.programs import SOURCES

PRICES = (1, 1, 2, 5, 20, 90, 2_000, 2**63 - 1)
LIMITS = (None, None, None, None, 0, 3, 50)
FIRST_TOOLS = (
    *(
        "adds",
        "calls",
        "calls with money",
        "pays",
        "says",
        "asks",
        "writes",
        "tries",
        "spends its caller's money",
    ),
    *("contract: counts", "contract: has its maker bear", "contract: has its maker pay"),
    *("contract: asks for scrip", "self-governing: counts", "calls itself", "writes and loops"),
    *("pays and recurses", "asks too often", "floods", "returns no JSON", "is not Python"),
)
"""What there is from the beginning, besides what is drawn."""

TOOLS = 36
"""How many names there are for executables; few, so that they are called, rewritten and governed by each other."""


def first_tools(draw: Draw, makers: Sequence[str]) -> Iterator[tuple[str, Action]]:
    """Who writes what, so that a world begins with tools, some of them priced, and some contracts with delegations."""
    others = [draw.choice(sorted(SOURCES)) for _ in range(10)]
    for place, title in enumerate((*FIRST_TOOLS, *others)):
        source, interface = SOURCES[title]
        name, maker = f"tool-{place}", makers[place % len(makers)]
        contract = (None, "pay_per_use(4)", "public", "transferable_freeware")[place % 4]
        standing = title in ("pays", "tries")
        yield maker, Write(name, source, "tool", contract=contract, interface=interface, standing=standing)
        if standing:
            yield maker, Transfer(name, 60)
        if title.startswith("contract") and place < len(FIRST_TOOLS):
            yield makers[0], Delegate(name, 50, 5_000, 5_000)
            yield makers[0], Delegate(name, 50_000, 500_000, 5_000, "cpu")
            yield makers[0], Write(f"thing-{place}", "governed", contract=name)
            yield makers[1], Write(f"thing-{20 + place}", "governed, and nothing delegated", contract=name)


class MarketDoer(Doer):
    """Draws deeds for the agents of an economy."""

    def deed(self) -> tuple[str, Action]:
        """Mostly the first agents act: later ones are children who have little to act with."""
        who, action = super().deed()
        rich = self._world.roster[self._draw.below(4)]
        if rich.status == "asleep" or self._draw.chance(25):
            return who, action
        return rich.id, self.deed_of(rich.id)

    def deed_of(self, who: str) -> Action:
        return self._draw.choice(_KINDS)(self, who)

    def _tool(self) -> str:
        """Mostly one that there is."""
        page, _ = self._world.shelf.page(type="tool", owner=None, words=(), before=None, limit=40)
        tools = [it.id for it in page if it.executable]
        return self._draw.choice(tools) if tools and self._draw.chance(90) else self._new_tool()

    def _new_tool(self) -> str:
        return f"tool-{self._draw.below(TOOLS)}"

    def _somebody(self) -> str:
        """A principal, accounts included."""
        names = sorted(self._world.principals)
        return self._draw.choice(names)

    def _limit(self) -> int | None:
        return self._draw.choice(LIMITS)

    def _contract(self) -> str | None:
        draw = self._draw
        if draw.chance(40):
            return self._tool()
        priced = f"pay_per_use({draw.choice((1, 4, 4, 30))})"
        return draw.choice((None, priced, priced, priced, *UNDER))

    def _law(self) -> str | None:
        """A contract in code, if somebody has written one."""
        page, _ = self._world.shelf.page(type="tool", owner=None, words=(), before=None, limit=40)
        laws = [it.id for it in page if self._world.contracts.exists(it.id)]
        return self._draw.choice(laws) if laws else None

    def _program(self, who: str) -> Action:
        draw = self._draw
        source, interface = SOURCES[draw.choice(sorted(SOURCES))]
        name = self._new_tool() if draw.chance(70) else self._tool()
        contract = name if draw.chance(10) else self._contract()
        if contract is not None and not self._world.contracts.exists(contract) and draw.chance(95):
            contract = draw.choice((self._law(), None))
        return Write(
            name,
            source,
            "tool",
            title=self._title(),
            contract=contract,
            depends_on=[self._tool()] if draw.chance(30) else [],
            interface=interface,
            standing=draw.chance(25) and self._world.shelf.find(name) is None,
            max_price=self._limit(),
        )

    def _invoke(self, who: str) -> Action:
        draw = self._draw
        arguments: dict[str, object] = {
            "a": draw.choice((self._anything, self._tool, self._somebody, self._somebody, self._somebody))(),
            "b": draw.choice((self._anything, self._tool, self._somebody, self._somebody))(),
            "n": draw.below(400),
        }
        name = self._tool() if draw.chance(92) else self._anything()
        artifact = self._world.shelf.find(name)
        methods = (artifact.interface or {}).get("methods") if artifact is not None else None
        if isinstance(methods, dict) and "run" not in methods and draw.chance(90):
            return Read(name, max_price=self._limit())
        return Invoke(name, "run", arguments, self._limit(), draw.choice((0, 3, 25, 10_000)))

    def _govern(self, who: str) -> Action:
        """Something of one's own under a contract that may be code."""
        contract = self._contract()
        if contract is not None and not self._world.contracts.exists(contract):
            contract = self._law()
        return Write(
            f"thing-{self._draw.below(40)}", self._text(), contract=contract, standing=self._draw.chance(5)
        )

    def _access(self, who: str) -> Action:
        """Read or write what may have its price."""
        draw = self._draw
        name = draw.choice((f"thing-{draw.below(40)}", self._tool()))
        if draw.chance(60):
            return Read(name, max_price=self._limit())
        if draw.chance(50):
            return Write(name, self._text(), max_price=self._limit())
        return Edit(name, "x", self._text(), max_price=self._limit()) if draw.chance(50) else Delete(name)

    def _pay(self, who: str) -> Action:
        draw = self._draw
        asset = draw.choice((SCRIP, SCRIP, *ASSETS))
        has = self._world.available(self._world.agents[who], asset)
        return Transfer(self._somebody(), 1 + draw.below(max(1, has // draw.choice((2, 10)))), asset)

    def _offer(self, who: str) -> Action:
        draw = self._draw
        price, buyer = draw.choice(PRICES), self._somebody() if draw.chance(15) else None
        if draw.chance(35):
            page, _ = self._world.shelf.page(type=None, owner=who, words=(), before=None, limit=10)
            mine = [it.id for it in page if it.contract in ("transferable_freeware", it.id)]
            return List(price, artifact=draw.choice(mine) if mine else self._anything(), buyer=buyer)
        asset = draw.choice(ASSETS)
        has = self._world.available(self._world.agents[who], asset)
        rent_ms = draw.choice((0, 1_000, 2_500, 30_000, 100_000))
        return List(price, None, asset, 1 + draw.below(max(1, has // draw.choice((2, 6)))), rent_ms, buyer)

    def _buy(self, who: str) -> Action:
        listings = list(self._world.listings)
        if not listings or self._draw.chance(5):
            return Buy(f"listing-{self._draw.below(60)}")
        open_to = [it for it in listings if it.seller != who and it.buyer in (None, who)]
        return Buy(
            self._draw.choice(open_to or listings).id, self._limit() if self._draw.chance(20) else None
        )

    def _cancel(self, who: str) -> Action:
        mine = self._world.listings.of_seller(who)
        return Cancel(self._draw.choice(mine).id if mine else f"listing-{self._draw.below(60)}")

    def _submit(self, who: str) -> Action:
        page, _ = self._world.shelf.page(type=None, owner=who, words=(), before=None, limit=12)
        mine = [it.id for it in page if it.type != "agent"]
        name = self._draw.choice(mine) if mine and self._draw.chance(90) else self._anything()
        return Bid(name, self._draw.choice((1, 1, 2, 7, 30, 400, 10**9)))

    def _delegate(self, who: str) -> Action:
        draw = self._draw
        per_call, windows = draw.choice((1, 5, 2_000, 10**6)), draw.choice((1, 2, 50))
        charger, asset = self._tool(), draw.choice((SCRIP, SCRIP, "cpu", "cpu", "disk"))
        return Delegate(charger, per_call, per_call * windows, draw.choice((1_000, 60_000)), asset)

    def _revoke(self, who: str) -> Action:
        mine = self._world.delegations.of_payer(who)
        if not mine:
            return Revoke(self._tool())
        it = self._draw.choice(mine)
        return Revoke(it.charger, it.asset)

    def _ask(self, who: str) -> Action:
        draw = self._draw
        name = draw.choice(("listings", "mint", "delegations", "self", "listing", "principals"))
        if name == "listing":
            return Query(name, {"id": f"listing-{draw.below(40)}"})
        return Query(name, {"limit": 3} if name == "listings" else {})


_MARKET: tuple[Callable[[MarketDoer, str], Action], ...] = (
    *[MarketDoer._program] * 5,
    *[MarketDoer._invoke] * 6,
    *[MarketDoer._govern] * 3,
    *[MarketDoer._access] * 4,
    *[MarketDoer._pay] * 3,
    *[MarketDoer._offer] * 5,
    *[MarketDoer._buy] * 5,
    MarketDoer._cancel,
    *[MarketDoer._submit] * 3,
    *[MarketDoer._delegate] * 3,
    MarketDoer._revoke,
    MarketDoer._ask,
)
_KINDS = (*[Doer.deed_of] * 20, *_MARKET)
