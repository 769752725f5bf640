"""Scripted toolsmiths: what they make, how they price it, and when they give it up."""

from ecology.engine.strategies.entrepreneur import GOODS_NS
from ecology.engine.strategies.toolbox import IMPROVE, PATTERNS
from ecology.engine.strategies.toolsmith import PATIENCE, PERIOD_NS
from ecology.kernel.actions import (
    Bid,
    Buy,
    Cancel,
    Delete,
    Invoke,
    List,
    Write,
)
from ecology.resources.assets import DISK
from ecology.testing.worlds import Stage
from tests.support.business import FOREVER, Business, publish
from tests.support.citizens import ME, OTHER, THIRD


def test_smiths_build_upon_others_tools_and_fill_their_shop() -> None:
    stage = Stage.of()
    publish(stage, OTHER, "tidy", 2)
    publish(stage, OTHER, "quotes", 2)
    life = Business("toolsmith", stage)
    life.settle()
    made = {work.family: work for work in life.books.works.values()}
    assert len(life.books.works) == 5
    assert made["editor"].base == "tidy" and made["appraiser"].base == "quotes"
    name = next(name for name, work in life.books.works.items() if work.family == "editor")
    artifact = stage.world.shelf.find(name)
    assert artifact is not None and artifact.executable
    assert (artifact.depends_on, artifact.contract) == (("tidy",), "pay_per_use(2)")
    stage.do(THIRD, Invoke(name, IMPROVE, {"text": "amber\namber"}, allowance=10))


def owning(price: int = 4) -> tuple[Business, str]:
    """A smith with one tool and no disk for more, whose name is returned."""
    life = Business("toolsmith")
    written = life.until(Write)
    assert isinstance(written, Write)
    life.settle()
    for name in [name for name in life.books.works if name != written.artifact]:
        del life.books.works[name]
    work = life.books.works[written.artifact]
    work.price = price
    life.books.tools_ns = FOREVER
    life.stage.do(ME, Write("ballast", "x" * (life.look().disk_free - 2_000)))
    return life, written.artifact


ARGUMENTS: dict[str, dict[str, object]] = {
    "improve": {"text": "amber"},
    "measure": {"artifact": "ballast"},
    "quote": {"goods": DISK},
    "appraise": {"goods": DISK},
}


def use(life: Business, tool: str, times: int) -> None:
    """Somebody pays for a tool so many times."""
    method = PATTERNS[life.books.works[tool].family].method
    for _ in range(times):
        life.stage.do(OTHER, Invoke(tool, method, ARGUMENTS[method], allowance=9))


def test_a_tool_in_demand_gets_dearer_and_an_idle_one_cheaper() -> None:
    life, tool = owning()
    use(life, tool, 3)
    life.stage.pass_time(PERIOD_NS)
    dearer = life.rest(1)[0]
    assert isinstance(dearer, Write) and (dearer.artifact, dearer.contract) == (tool, "pay_per_use(5)")
    assert dearer.interface is None, "it keeps the one it has"
    assert life.books.works[tool].total == 3
    life.stage.pass_time(PERIOD_NS)
    cheaper = life.rest(1)[0]
    assert isinstance(cheaper, Write) and cheaper.contract == "pay_per_use(4)"
    assert life.stage.world.shelf.find(tool).executable  # type: ignore[union-attr]


def test_an_idle_tool_is_offered_in_escrow_and_then_given_up() -> None:
    life, tool = owning(price=1)
    life.books.works[tool].idle = PATIENCE
    offered = life.until(List, 3)
    assert isinstance(offered, List) and (offered.artifact, offered.price) == (tool, 5)
    life.stage.pass_time(GOODS_NS)
    assert [type(action) for action in life.rest(2)] == [Cancel, Delete]
    assert tool not in life.books.works


def test_a_tool_that_was_sold_earns_for_its_buyer() -> None:
    life, tool = owning(price=1)
    life.books.works[tool].idle = PATIENCE
    life.until(List, 3)
    life.stage.do(OTHER, Buy(next(iter(life.books.listed))))
    life.rest(1)
    assert tool not in life.books.works and life.books.listed == {}


def test_a_tool_that_others_use_is_submitted_to_the_mint() -> None:
    life, tool = owning()
    life.books.bid_ns = 0
    assert not [action for action in life.rest(3) if isinstance(action, Bid)], "nobody has used it"
    use(life, tool, 1)
    bid = life.until(Bid, 3)
    assert isinstance(bid, Bid) and bid.artifact == tool
    life.stage.pass_time(PERIOD_NS)
    assert not isinstance(life.rest(1)[0], Write), "what lies before the mint is not changed"
