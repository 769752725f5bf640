"""Attacks on the mint: others' works, copies, applause from oneself, a work that is swapped, scores on demand."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.seeds import Draw
from ecology.events.economy import BidClosed
from ecology.kernel import refusals as why
from ecology.kernel.actions import AgentConfig, Bid, Invoke, Read, Spawn, Transfer, Write
from ecology.kernel.economy.rubric import Rubric, interface_points
from ecology.kernel.economy.scoring import HIGHEST, Submission
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import DISK, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import Stage
from tests.support.market import FREE, has
from tests.support.tools import make

AUTHOR, PIRATE, THIRD = "agent-0001", "agent-0002", "agent-0003"
WORK = " ".join(f"word{n * n % 97}{n}" for n in range(300))


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3, laws=Laws(mint=MintLaw(slots=1)))


def minted(stage: Stage, who: str, name: str, amount: int = 1) -> BidClosed:
    """Submit something and await how it ends."""
    stage.events()
    stage.do(who, Bid(name, amount))
    stage.pass_time(60 * SECOND_NS)
    assert broken_laws(stage.world) == []
    (closed,) = (event for event in stage.events() if isinstance(event, BidClosed))
    return closed


@pytest.mark.parametrize(
    "copy",
    [
        WORK,
        WORK.upper(),
        WORK.replace(" ", ",\n  "),
        "Foreword by the pirate. " + WORK,
        WORK + " The end, says the pirate.",
        " ".join(reversed([WORK[: len(WORK) // 2], WORK[len(WORK) // 2 :]])),
    ],
)
def test_a_copy_is_worth_next_to_nothing(stage: Stage, copy: str) -> None:
    stage.do(AUTHOR, Write("work", WORK, title="a work of words"))
    assert stage.refused(PIRATE, Bid("work", 1)) == why.NOT_PERMITTED
    assert minted(stage, AUTHOR, "work").minted >= 4
    stage.do(PIRATE, Write("copy", copy, title="a work of words"))
    closed = minted(stage, PIRATE, "copy")
    assert closed.score <= 4 and closed.minted == 0, closed.detail


def test_a_work_is_minted_once_whoever_has_it(stage: Stage) -> None:
    stage.do(AUTHOR, Write("work", WORK, contract=FREE))
    minted(stage, AUTHOR, "work")
    assert minted(stage, AUTHOR, "work").minted == 0


@pytest.mark.parametrize("after", ["another", WORK])
def test_what_is_scored_is_what_was_submitted(stage: Stage, after: str) -> None:
    stage.do(AUTHOR, Write("work", WORK, contract="public"))
    stage.events()
    stage.do(AUTHOR, Bid("work", 500))
    stage.do(AUTHOR, Write("work", after))
    supply = stage.world.supply(SCRIP)
    stage.pass_time(60 * SECOND_NS)
    (closed,) = (event for event in stage.events() if isinstance(event, BidClosed))
    assert (closed.how, closed.price, has(stage, AUTHOR)) == ("lost", 0, 1_000)
    assert stage.world.supply(SCRIP) == supply


def test_ones_own_applause_is_not_heard(stage: Stage) -> None:
    """Not by hand, not through one's tools, not through accounts of one's own, and of another's only once."""
    make(stage, "work", "def run():\n    return 1\n", who=AUTHOR, contract=FREE)
    make(stage, "clap", "def run():\n    read('work')\n    return invoke('work')\n", who=AUTHOR)
    for n in range(5):
        name = f"claque-{n}"
        make(
            stage,
            name,
            "def run():\n    read('work')\n    return invoke('work')\n",
            who=AUTHOR,
            standing=True,
        )
        stage.do(AUTHOR, Invoke(name))
        stage.do(AUTHOR, Write(f"heir-{n}", "x", depends_on=["work"]))
    stage.do(AUTHOR, Invoke("clap"))
    assert stage.world.uses.others("work", AUTHOR) == 0
    for _ in range(3):
        stage.do(PIRATE, Invoke("claque-1"))
        stage.do(PIRATE, Read("work"))
    assert stage.world.uses.others("work", AUTHOR) == 1


def test_a_popular_tool_makes_nobody_applaud_what_it_reads(stage: Stage) -> None:
    stage.do(AUTHOR, Write("work", WORK))
    make(stage, "popular", "def run():\n    return read('work')['size_bytes']\n", who=AUTHOR)
    stage.do(PIRATE, Invoke("popular"))
    assert stage.world.uses.others("popular", AUTHOR) == 1
    assert stage.world.uses.others("work", AUTHOR) == 0


def test_a_looked_at_work_is_not_a_used_one(stage: Stage) -> None:
    """A check that reads the work on every access makes nobody its user."""
    stage.do(AUTHOR, Write("work", WORK))
    code = "def check(caller, action, target, context, state):\n    read('work')\n    return True\n"
    make(stage, "law", code, "check", who=AUTHOR)
    stage.do(AUTHOR, Write("bait", "x", contract="law"))
    stage.do(PIRATE, Read("bait"))
    assert stage.world.uses.others("work", AUTHOR) == 0


def test_a_failed_call_is_no_use(stage: Stage) -> None:
    make(stage, "work", "def run():\n    return 1 // 0\n", who=AUTHOR)
    assert stage.refused(PIRATE, Invoke("work")) == why.CODE_RAISED
    assert stage.world.uses.others("work", AUTHOR) == 0


def test_what_is_bid_is_set_aside(stage: Stage) -> None:
    """Nobody outbids others with money that it spends before the resolution."""
    stage.do(AUTHOR, Write("work", WORK))
    stage.do(PIRATE, Write("junk", "junk"))
    stage.do(PIRATE, Bid("junk", 1_000))
    assert stage.refused(PIRATE, Transfer(THIRD, 1)) == why.INSUFFICIENT
    stage.do(AUTHOR, Bid("work", 10))
    stage.pass_time(60 * SECOND_NS)
    assert has(stage, PIRATE) == 1_000 - 10 + 4, "it won, and pays what its rival bid"
    assert has(stage, AUTHOR) == 1_000 + 5 and has(stage, THIRD) == 1_000 + 5


def test_neither_children_nor_accounts_bring_a_family_anything_of_a_price(stage: Stage) -> None:
    for n in range(20):
        stage.do(AUTHOR, Spawn(f"child-{n}", AgentConfig("maker"), {DISK: 100}))
    for n in range(2):
        stage.do(AUTHOR, Write(f"account-{n}", "", standing=True))
    stage.do(AUTHOR, Write("work", WORK))
    stage.do(PIRATE, Write("junk", "junk"))
    stage.do(PIRATE, Bid("junk", 100))
    stage.do(AUTHOR, Bid("work", 200))
    stage.pass_time(60 * SECOND_NS)
    assert {has(stage, f"child-{n}") for n in range(20)} == {0}
    assert [has(stage, f"account-{n}") for n in range(2)] == [0, 0]
    assert (has(stage, PIRATE), has(stage, THIRD)) == (1_050, 1_050)


def _junk(draw: Draw, depth: int = 0) -> object:
    kinds: tuple[object, ...] = (None, True, -1, 2**70, 1e308, "", "description", "x" * 20, [], {})
    if depth == 4 or draw.chance(40):
        return draw.choice(kinds)
    names = ("methods", "args", "properties", "examples", "returns", "description", "x")
    if draw.chance(20):
        return [_junk(draw, depth + 1) for _ in range(draw.below(3))]
    return {draw.choice(names): _junk(draw, depth + 1) for _ in range(draw.below(5))}


def test_no_interface_breaks_the_rubric_or_earns_more_than_all() -> None:
    draw = Draw(7)
    for _ in range(2_000):
        said = _junk(draw)
        submission = Submission(
            artifact="work",
            revision=1,
            bidder=PIRATE,
            type="tool",
            format="text",
            title="x" * draw.below(20),
            depends_on=(),
            metadata={},
            interface=said if isinstance(said, dict) else None,
            content=b"x" * draw.below(300),
            users=draw.below(64),
            similarity=draw.below(101),
            similar_to="other",
        )
        assert 0 <= Rubric().score(submission).value <= HIGHEST
        assert 0 <= interface_points(submission) <= 30
