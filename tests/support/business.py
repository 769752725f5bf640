"""Scripted businesses on a stage: their lives, and the tools and offers that they find there."""

from typing import cast

from ecology.core.outcome import Committed
from ecology.engine.strategies.entrepreneur import Entrepreneur
from ecology.engine.strategies.toolbox import PATTERNS, PROGRAM
from ecology.kernel.actions import (
    Action,
    List,
    Query,
    Sleep,
    Write,
)
from ecology.testing.worlds import Stage
from tests.support.citizens import ME, OTHER, THIRD, Life

FOREVER = 10**18


class Business(Life):
    """The life of an entrepreneur who wants no goods and looks at no market in rights unless a test lets it."""

    def __init__(self, strategy: str, stage: Stage | None = None, /, **traits: int) -> None:
        super().__init__(strategy, stage, **traits)
        self.books = cast(Entrepreneur, self.policy).books
        self.books.look_ns = FOREVER
        self.books.bid_ns = FOREVER

    def until(self, kind: type[Action], turns: int = 20) -> Action:
        """Live on real news until it does something of that kind."""
        for _ in range(turns):
            action = self.turn(*self.stage.news(ME))
            if isinstance(action, kind):
                return action
        raise AssertionError(f"no {kind.__name__} in {turns} turns")

    def rest(self, turns: int) -> list[Action]:
        """Live so many turns on real news."""
        return [self.turn(*self.stage.news(ME)) for _ in range(turns)]

    def settle(self) -> None:
        """Live until there is nothing to do."""
        self.until(Sleep, 60)


def selling(stage: Stage, name: str, price: int, quality: int = 3, who: str = OTHER) -> str:
    """Somebody lists a tool of the scripted kind `tool`; the listing's name."""
    title = f"tool quality {quality} price {price}"
    stage.do(who, Write(name, "x", type="tool", title=title, contract="transferable_freeware"))
    return str(stage.do(who, List(price=price, artifact=name))["listing"])


def publish(stage: Stage, maker: str, family: str, price: int, base: str = "") -> str:
    """A tool of that kind, as a smith would write it; its name is its family's."""
    pattern = PATTERNS[family]
    stage.do(
        maker,
        Write(
            family,
            pattern.program(base),
            type=PROGRAM,
            title=pattern.title(base),
            contract=f"pay_per_use({price})",
            depends_on=[base] if base else [],
            interface=pattern.interface,
        ),
    )
    return family


def looked(life: Business, goods: str) -> None:
    """It looks at one market and at no other."""
    life.books.look_ns = FOREVER
    life.books.looking_for = goods
    outcome = life.stage.do(ME, Query("listings", {"goods": goods, "limit": 10}))
    cast(Entrepreneur, life.policy).escrow.learn(
        Query("listings", {"goods": goods}), Committed(outcome), ME, life.stage.now_ns
    )


def smithy(press: int = 1) -> Stage:
    """A world with three tools that improve, one upon the other."""
    stage = Stage.of()
    publish(stage, OTHER, "tidy", 1)
    publish(stage, THIRD, "editor", 1, base="tidy")
    publish(stage, OTHER, "press", press, base="editor")
    return stage
