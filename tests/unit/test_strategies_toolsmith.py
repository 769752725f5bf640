"""Scripted toolsmiths: what they make, how they price it, and when they give it up."""

from ecology.engine.strategies.books import Tool, Work
from ecology.engine.strategies.entrepreneur import GOODS_NS
from ecology.engine.strategies.toolbox import IMPROVE, PATTERNS, PROGRAM
from ecology.engine.strategies.toolsmith import PATIENCE, PERIOD_NS, Toolsmith
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
    assert len(life.books.works) == 4
    assert made["editor"].base == "tidy" and made["appraiser"].base == "quotes"
    name = next(name for name, work in life.books.works.items() if work.family == "editor")
    artifact = stage.world.shelf.find(name)
    assert artifact is not None and artifact.executable
    assert (artifact.depends_on, artifact.contract) == (("tidy",), "pay_per_use(2)")
    assert artifact.title.endswith("(upon tidy)"), "so that callers can add up what it costs"
    stage.do(THIRD, Invoke(name, IMPROVE, {"text": "amber\namber"}, allowance=10))


def built() -> tuple[Business, str]:
    """A smith with an editor built upon `tidy`, whose name is returned."""
    stage = Stage.of()
    publish(stage, OTHER, "tidy", 2)
    life = Business("toolsmith", stage)
    life.settle()
    return life, next(name for name, work in life.books.works.items() if work.family == "editor")


def base(life: Business, name: str) -> tuple[str, ...]:
    """What a tool is built upon in the world."""
    artifact = life.stage.world.shelf.find(name)
    assert artifact is not None and artifact.executable
    return artifact.depends_on


def test_a_tool_whose_base_is_gone_is_built_upon_another() -> None:
    life, name = built()
    life.stage.do(OTHER, Delete("tidy"))
    another = Write(
        "another",
        PATTERNS["tidy"].program(""),
        type=PROGRAM,
        title=PATTERNS["tidy"].title(""),
        contract="pay_per_use(3)",
        interface=PATTERNS["tidy"].interface,
    )
    life.stage.do(THIRD, another)
    life.books.tools_ns = 0
    mended = life.until(Write, 4)
    assert isinstance(mended, Write) and mended.artifact == name
    assert base(life, name) == ("another",)
    life.stage.do(THIRD, Invoke(name, IMPROVE, {"text": "amber"}, allowance=10))


def test_a_tool_is_built_anew_when_its_base_has_become_dear() -> None:
    life, name = built()
    tools = life.books.tools
    tools["cheaper"] = Tool("tidy", THIRD, 2, 2_000, 3_000)
    life.books.tools_ns = FOREVER
    tools["tidy"].cost_milli = 2_800
    assert not isinstance(life.rest(1)[0], Write), "for so little nobody rebuilds"
    tools["tidy"].cost_milli = 3_000
    mended = life.rest(1)[0]
    assert isinstance(mended, Write) and mended.depends_on == ["cheaper"]
    assert base(life, name) == ("cheaper",)


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


def test_a_price_is_sought_that_brings_most() -> None:
    """Uses that fall by one for each scrip more than four: eight uses for four, none for twelve; best is six."""
    life, _ = owning()
    smith = life.policy
    assert isinstance(smith, Toolsmith)
    work, asked = Work("tidy", "", 1, 0), []
    for _ in range(40):
        work.uses = max(0, 12 - work.price)
        income = work.uses * work.price
        price = smith.better_price(work, income)
        work.income, work.price = income, price
        asked.append(price)
    assert max(asked) <= 9
    assert set(asked[10:]) <= {4, 5, 6, 7, 8}, "it stays about the best"


def test_a_dear_tool_that_nobody_uses_gets_cheaper_before_it_counts_as_idle() -> None:
    life, tool = owning(price=3)
    work = life.books.works[tool]
    for price, idle in ((2, 0), (1, 0), (1, 1), (1, 2)):
        life.stage.pass_time(PERIOD_NS)
        life.rest(1)
        assert (work.price, work.idle) == (price, idle)


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
