"""The mint as the log tells it: an honest one contradicts itself nowhere, and each forgery of one event is seen."""

import msgspec
import pytest

from ecology.core import ids
from ecology.core.clock import SECOND_NS
from ecology.events.economy import BidClosed, MintResolved
from ecology.events.records import Event, TransferPosted
from ecology.kernel.actions import Bid, Delete, Write
from ecology.kernel.economy.scoring import Score, Submission
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import SCRIP
from ecology.store.retold import Retold
from ecology.testing.worlds import GRANTS, Stage

BIDS = {1: 10, 2: 40, 3: 30, 4: 20, 5: 50}
UNSCORED, DELETED = "work-3", "work-5"


class ButOne:
    """Scores every work but one."""

    slow = False

    def score(self, submission: Submission) -> Score:
        if submission.artifact == UNSCORED:
            raise LookupError("no score for this one")
        return Score(70)


def events() -> list[Event]:
    """A resolution with two losers, a work that is gone, a winner, and a winner without a score."""
    stage = Stage.of(5, {**GRANTS, SCRIP: 100})
    stage.world.laws, stage.world.scorer = Laws(mint=MintLaw(slots=2)), ButOne()
    for agent in stage.world.roster:
        stage.do(agent.id, Write(f"work-{agent.ordinal}", f"all that {agent.id} knows of {agent.ordinal}"))
        stage.do(agent.id, Bid(f"work-{agent.ordinal}", BIDS[agent.ordinal]))
    stage.do("agent-0005", Delete(DELETED))
    stage.pass_time(20 * SECOND_NS)
    return stage.events()


def told(log: list[Event]) -> Retold:
    retold = Retold()
    for event in log:
        retold.take(event)
    return retold


def contradicts_itself(log: list[Event]) -> bool:
    retold = told(log)
    return bool(retold.wrong or any(retold.owed.values()) or any(retold.paid.values()))


def test_an_honest_log() -> None:
    retold = told(events())
    assert retold.wrong == []
    assert not retold.bids and not retold.won
    assert retold.minted == 7
    assert retold.paid == retold.owed == {("agent-0002", 20 * SECOND_NS): 0}


def test_between_resolution_and_score_the_winners_are_known() -> None:
    log = events()
    resolved = next(at for at, event in enumerate(log) if isinstance(event, MintResolved))
    retold = told(log[: resolved + 1])
    assert set(retold.won.values()) == {20} and len(retold.won) == 2


FORGERIES: list[tuple[type[Event], str, dict[str, object]]] = [
    (BidClosed, "work-2", {"price": 19}),
    (BidClosed, "work-2", {"price": 0}),
    (BidClosed, "work-2", {"price": 41}),
    (BidClosed, "work-2", {"minted": 8}),
    (BidClosed, "work-2", {"minted": 6}),
    (BidClosed, "work-2", {"score": 60}),
    (BidClosed, "work-2", {"how": "lost"}),
    (BidClosed, "work-2", {"how": "failed"}),
    (BidClosed, "work-2", {"bidder_id": "agent-0001"}),
    (BidClosed, "work-1", {"how": "minted"}),
    (BidClosed, "work-1", {"how": "failed"}),
    (BidClosed, "work-4", {"price": 20}),
    (BidClosed, UNSCORED, {"how": "lost"}),
    (BidClosed, UNSCORED, {"price": 20}),
    (BidClosed, DELETED, {"how": "minted"}),
    (MintResolved, "", {"price": 31}),
    (MintResolved, "", {"price": 19}),
    (MintResolved, "", {"winners": ()}),
    (MintResolved, "", {"winners": ("bid-none",)}),
    (TransferPosted, "mint", {"amount": 8}),
    (TransferPosted, "mint", {"memo": "gift"}),
    (TransferPosted, "mint", {"to_id": "agent-0001"}),
    (TransferPosted, "bid", {"amount": 19}),
    (TransferPosted, "bid", {"from_id": "agent-0001"}),
    (TransferPosted, "bid", {"to_id": ids.ESCROW}),
]


@pytest.mark.parametrize(("family", "which", "change"), FORGERIES)
def test_a_forged_event(family: type[Event], which: str, change: dict[str, object]) -> None:
    log = events()
    assert not contradicts_itself(log)
    (at,) = (
        at
        for at, event in enumerate(log)
        if isinstance(event, family)
        and which in ("", getattr(event, "artifact_id", ""), getattr(event, "memo", ""))
    )
    log[at] = msgspec.structs.replace(log[at], **change)
    assert contradicts_itself(log)


@pytest.mark.parametrize("family", [MintResolved, BidClosed])
def test_a_repeated_event(family: type[Event]) -> None:
    log = events()
    first = next(event for event in log if isinstance(event, family))
    assert contradicts_itself([*log, first])
