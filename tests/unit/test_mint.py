"""The mint by hand: bids and their holds, who wins at which price, who is paid what, and what is issued."""

from collections.abc import Sequence

import pytest

from ecology.core import ids
from ecology.core.clock import NEVER_NS, SECOND_NS
from ecology.core.limits import MAX_AMOUNT
from ecology.events.economy import BidClosed, BidPlaced, MintResolved
from ecology.events.records import Event, HoldClosed, HoldOpened, TransferPosted
from ecology.kernel.actions import AgentConfig, Bid, Configure, Delete, Query, Spawn, Transfer, Write
from ecology.kernel.economy import mint
from ecology.kernel.economy.scoring import Score, Submission
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import DISK, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage

A, B, C, D = (ids.agent_id(ordinal) for ordinal in range(1, 5))


class Always:
    """Gives every work the same score."""

    slow = False

    def __init__(self, value: int) -> None:
        self.value = value
        self.shown: list[Submission] = []

    def score(self, submission: Submission) -> Score:
        self.shown.append(submission)
        return Score(self.value, "as always")


def stage_of(agents: int = 4, *, scrip: int = 1_000, score: int = 70, law: MintLaw | None = None) -> Stage:
    """Agents of whom each owns `work-N`, N its ordinal, before a mint that scores all works alike."""
    stage = Stage.of(agents, {**GRANTS, SCRIP: scrip})
    stage.world.laws = Laws(mint=law or MintLaw())
    stage.world.scorer = Always(score)
    for agent in list(stage.world.roster):
        words = f"all that {agent.id} knows about the number {agent.ordinal} "
        stage.do(agent.id, Write(work(agent.id), words * 4, contract="transferable_freeware"))
    stage.events()
    return stage


def work(agent_id: str) -> str:
    return "work-" + agent_id.removeprefix("agent-")


def scrip(stage: Stage) -> list[int]:
    """What each agent has, holds set aside, by ordinal."""
    return [stage.world.available(agent, SCRIP) for agent in stage.world.roster]


def of(events: Sequence[Event], family: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, family)]


def resolved(stage: Stage, span_ns: int = 60 * SECOND_NS) -> list[BidClosed]:
    """Let a resolution happen; the bids that it closed, in order."""
    stage.pass_time(span_ns)
    assert broken_laws(stage.world) == []
    return [event for event in stage.events() if isinstance(event, BidClosed)]


def test_a_bid_is_a_hold_and_an_event() -> None:
    stage = stage_of()
    told = stage.do(A, Bid(work(A), 300))
    held, placed, taken = stage.events()
    assert isinstance(held, HoldOpened) and isinstance(placed, BidPlaced)
    assert (held.from_id, held.to_id, held.amount, held.memo, held.asset) == (A, "mint", 300, "bid", SCRIP)
    assert (placed.principal_id, placed.artifact_id, placed.revision, placed.amount) == (A, work(A), 1, 300)
    assert told == {"bid": placed.bid_id, "amount": 300, "resolution_ms": 20_000}
    assert scrip(stage) == [700, 1_000, 1_000, 1_000]
    assert stage.world.supply(SCRIP) == 4_000
    assert stage.woken == [0]
    assert getattr(taken, "target", None) == work(A)
    assert broken_laws(stage.world) == []


def test_the_highest_bids_win_and_pay_the_highest_losing_bid() -> None:
    stage = stage_of(law=MintLaw(slots=2))
    for who, amount in ((A, 10), (B, 40), (C, 30), (D, 20)):
        stage.do(who, Bid(work(who), amount))
    stage.events()
    stage.pass_time(20 * SECOND_NS)
    events = stage.events()
    (resolution,) = of(events, MintResolved)
    closed = [event for event in events if isinstance(event, BidClosed)]
    assert isinstance(resolution, MintResolved)
    assert (resolution.number, resolution.bids, resolution.price) == (1, 4, 20)
    assert [(it.bidder_id, it.how, it.price, it.score, it.minted) for it in closed] == [
        (A, "lost", 0, 0, 0),
        (D, "lost", 0, 0, 0),
        (B, "minted", 20, 70, 7),
        (C, "minted", 20, 70, 7),
    ]
    assert resolution.winners == (closed[2].bid_id, closed[3].bid_id)
    # B's 20 go to A, C and D: 7, 7, 6; C's 20 to A, B and D: 7, 7, 6.
    assert scrip(stage) == [1_014, 1_000 - 20 + 7 + 7, 1_000 - 20 + 7 + 7, 1_012]
    assert stage.world.supply(SCRIP) == 4_014
    assert stage.world.book.pending() == []
    assert broken_laws(stage.world) == []


def test_of_equal_bids_the_earliest_wins() -> None:
    stage = stage_of()
    for who in (C, A, B):
        stage.do(who, Bid(work(who), 25))
    closed = resolved(stage)
    assert [(it.bidder_id, it.how, it.price) for it in closed] == [
        (A, "lost", 0),
        (B, "lost", 0),
        (C, "minted", 25),
    ]


@pytest.mark.parametrize("minimum", [1, 5])
def test_a_lone_bidder_pays_the_minimum(minimum: int) -> None:
    stage = stage_of(law=MintLaw(minimum=minimum))
    stage.do(B, Bid(work(B), 400))
    (closed,) = resolved(stage)
    assert (closed.how, closed.price, closed.minted) == ("minted", minimum, 7)
    shares = {1: [1, 0, 0], 5: [2, 2, 1]}[minimum]
    assert scrip(stage) == [1_000 + shares[0], 1_007 - minimum, 1_000 + shares[1], 1_000 + shares[2]]


def test_no_more_bids_than_slots_pay_the_minimum_too() -> None:
    stage = stage_of(law=MintLaw(slots=2))
    stage.do(A, Bid(work(A), 400))
    stage.do(B, Bid(work(B), 200))
    assert [(it.bidder_id, it.price) for it in resolved(stage)] == [(A, 1), (B, 1)]


def test_what_does_not_divide_goes_to_the_earliest_of_the_others() -> None:
    """A price below their number reaches only so many, and makes only so many transfers."""
    stage = stage_of(4, law=MintLaw(minimum=2))
    stage.do(A, Bid(work(A), 2))
    stage.pass_time(60 * SECOND_NS)
    dividends = [
        (event.to_id, event.amount)
        for event in stage.events()
        if isinstance(event, TransferPosted) and event.memo == "mint dividend"
    ]
    assert dividends == [(B, 1), (C, 1)]
    assert scrip(stage) == [1_005, 1_001, 1_001, 1_000]


def test_accounts_get_no_share_of_a_price() -> None:
    """They are free to make: whoever made a thousand of them would get most of every price."""
    stage = stage_of(3)
    for number in range(5):
        stage.do(B, Write(f"purse-{number}", "x", standing=True))
    stage.do(A, Bid(work(A), 90))
    stage.do(C, Bid(work(C), 60))
    resolved(stage)
    assert scrip(stage) == [1_000 - 60 + 7, 1_030, 1_030]
    for number in range(5):
        assert stage.world.available(stage.world.principals[f"purse-{number}"], SCRIP) == 0


def test_children_may_bid_and_their_family_has_one_share() -> None:
    """What a child pays goes to other families, and no family has more of it by having more children."""
    stage = stage_of(2)
    stage.do(A, Spawn("child", AgentConfig("maker"), {SCRIP: 100, DISK: 5_000}))
    stage.do("child", Spawn("grandchild", AgentConfig("maker"), {DISK: 1_000}))
    stage.do(B, Spawn("heir", AgentConfig("maker"), {DISK: 1_000}))
    stage.do("child", Write("first-words", "something that nobody has said before in this world"))
    stage.do("child", Bid("first-words", 50))
    stage.do(B, Bid(work(B), 30))
    closed = resolved(stage)
    assert [(it.bidder_id, it.how, it.price) for it in closed] == [(B, "lost", 0), ("child", "minted", 30)]
    assert scrip(stage) == [900, 1_000 + 30, 100 - 30 + 7, 0, 0]


def test_alone_in_the_world_one_pays_nobody() -> None:
    stage = stage_of(1)
    stage.do(A, Bid(work(A), 500))
    (closed,) = resolved(stage)
    assert (closed.how, closed.price, closed.minted) == ("minted", 0, 7)
    assert scrip(stage) == [1_007]


@pytest.mark.parametrize(("score", "minted"), [(0, 0), (9, 0), (10, 1), (99, 9), (100, 10)])
def test_a_tenth_of_the_score_is_issued(score: int, minted: int) -> None:
    stage = stage_of(2, score=score)
    stage.do(A, Bid(work(A), 50))
    stage.pass_time(60 * SECOND_NS)
    events = stage.events()
    issued = [event for event in events if isinstance(event, TransferPosted) and event.from_id == "world"]
    assert [(it.to_id, it.amount, it.memo) for it in issued] == ([(A, minted, "mint")] if minted else [])
    assert stage.world.supply(SCRIP) == 2_000 + minted
    (closed,) = (event for event in events if isinstance(event, BidClosed))
    assert (closed.how, closed.score, closed.minted, closed.detail) == ("minted", score, minted, "as always")


def test_no_more_is_issued_than_a_ledger_can_hold() -> None:
    stage = stage_of(2, scrip=MAX_AMOUNT // 2, score=100)
    assert stage.world.supply(SCRIP) == MAX_AMOUNT - 1
    stage.do(A, Bid(work(A), MAX_AMOUNT // 2))
    (closed,) = resolved(stage)
    assert closed.minted == 1
    assert stage.world.supply(SCRIP) == MAX_AMOUNT
    stage.do(B, Bid(work(B), 1))
    (closed,) = resolved(stage)
    assert (closed.how, closed.minted) == ("minted", 0)


def _delete(stage: Stage) -> None:
    stage.do(A, Delete(work(A)))


def _rewrite(stage: Stage) -> None:
    stage.do(A, Write(work(A), "something else"))


def _give(stage: Stage) -> None:
    stage.do(A, Transfer(B, artifact=work(A)))


@pytest.mark.parametrize(
    ("change", "why"), [(_delete, "deleted"), (_rewrite, "changed"), (_give, "changed hands")]
)
def test_what_is_no_longer_what_was_submitted_has_lost(change: object, why: str) -> None:
    """It does not even set the price."""
    stage = stage_of()
    stage.do(B, Configure(accepts_from=["*"]))
    stage.do(A, Bid(work(A), 500))
    stage.do(C, Bid(work(C), 20))
    assert callable(change)
    change(stage)
    lost, won = resolved(stage)
    assert (lost.bidder_id, lost.how, lost.price) == (A, "lost", 0) and why in lost.detail
    assert (won.bidder_id, won.how, won.price) == (C, "minted", 1)
    assert scrip(stage) == [1_001, 1_000, 1_006, 1_000]


def test_a_resolution_without_a_valid_bid_is_none() -> None:
    stage = stage_of()
    stage.do(A, Bid(work(A), 500))
    stage.do(A, Delete(work(A)))
    stage.events()
    stage.pass_time(60 * SECOND_NS)
    assert [type(event) for event in stage.events()] == [HoldClosed, BidClosed]
    assert scrip(stage) == [1_000] * 4
    assert stage.do(A, Query("mint"))["resolutions"] == 0


def test_resolutions_lie_on_a_grid() -> None:
    law = MintLaw(first_ns=20, every_ns=60)
    times = (0, 19, 20, 21, 79, 80, 81, 140)
    assert [mint.next_resolution_ns(law, now) for now in times] == [20, 20, 80, 80, 80, 140, 140, 200]


def test_nothing_is_due_where_nobody_bids() -> None:
    stage = stage_of()
    assert mint.due_ns(stage.world) == NEVER_NS
    stage.pass_time(3_600 * SECOND_NS)
    assert stage.events() == []
    stage.do(A, Bid(work(A), 5))
    assert mint.due_ns(stage.world) == 3_620 * SECOND_NS
    assert len(resolved(stage)) == 1
    assert mint.due_ns(stage.world) == NEVER_NS


def test_a_bid_at_the_moment_of_a_resolution_waits_for_the_next() -> None:
    stage = stage_of()
    stage.do(A, Bid(work(A), 5))
    stage.pass_time(20 * SECOND_NS)
    told = stage.do(B, Bid(work(B), 5))
    assert told["resolution_ms"] == 80_000
    stage.events()
    assert resolved(stage, 59 * SECOND_NS) == []
    assert [it.bidder_id for it in resolved(stage, SECOND_NS)] == [B]


def test_an_artifact_may_be_submitted_again() -> None:
    stage = stage_of()
    stage.do(A, Bid(work(A), 5))
    resolved(stage)
    stage.do(A, Bid(work(A), 5))
    assert [it.how for it in resolved(stage)] == ["minted"]


def test_bids_are_sealed_and_the_rest_is_public() -> None:
    stage = stage_of(law=MintLaw(slots=1))
    stage.do(A, Bid(work(A), 30))
    placed = stage.do(B, Bid(work(B), 20))
    before = stage.do(B, Query("mint"))
    assert before == {
        "slots": 1,
        "minimum": 1,
        "divisor": 10,
        "next_resolution_ms": 20_000,
        "resolutions": 0,
        "prices": [],
        "last_price": None,
        "bids": 2,
        "mine": [{"bid": placed["bid"], "artifact": work(B), "amount": 20, "won": False}],
    }
    resolved(stage)
    after = stage.do(B, Query("mint"))
    assert (after["resolutions"], after["prices"], after["last_price"]) == (1, [20], 20)
    assert (after["bids"], after["mine"], after["next_resolution_ms"]) == (0, [], 80_000)


def test_only_the_last_prices_are_kept() -> None:
    stage = stage_of()
    for price in range(1, 12):
        stage.do(A, Bid(work(A), 100))
        stage.do(B, Bid(work(B), price))
        resolved(stage)
    assert stage.do(A, Query("mint"))["prices"] == list(range(4, 12))


def test_a_bidder_hears_how_it_ended() -> None:
    stage = stage_of()
    stage.do(A, Bid(work(A), 30))
    stage.do(B, Bid(work(B), 20))
    for who in (A, B, C):
        stage.news(who)
    resolved(stage)
    assert [getattr(event, "how", "") for event in stage.news(A)] == ["minted"]
    assert [getattr(event, "how", "") for event in stage.news(B)] == ["lost"]
    assert stage.news(C) == []


def test_the_scorer_sees_what_was_submitted() -> None:
    stage = stage_of()
    scorer = Always(50)
    stage.world.scorer = scorer
    interface: dict[str, object] = {"description": "a poem about foxes"}
    stage.do(
        A, Write("poem", "one two three", "verse", "text", "A poem", interface=interface, metadata={"k": "v"})
    )
    artifact = stage.world.shelf.find("poem")
    assert artifact is not None
    for user in (B, C, A, B):
        stage.world.note_use(artifact, stage.agent(user))
    stage.do(A, Bid("poem", 5))
    resolved(stage)
    (shown,) = scorer.shown
    assert shown == Submission(
        "poem", 1, A, "verse", "text", "A poem", (), {"k": "v"}, interface, b"one two three", 2, 0, ""
    )
    assert shown.interface is not artifact.interface and shown.metadata is not artifact.metadata
