"""The submissions kept for a scorer that takes a while: how many there are, and that nothing of one is lost."""

from itertools import pairwise

import msgspec
import pytest

from ecology.artifacts.artifact import BYTES
from ecology.core.clock import SECOND_NS
from ecology.engine.observation import Observation
from ecology.events.economy import MintResolved
from ecology.kernel.actions import Action, Bid, Delete, Sleep, Write
from ecology.kernel.economy.bids import Case, Docket
from ecology.kernel.economy.scoring import Submission
from ecology.kernel.laws import Laws, MintLaw
from tests.support.judged import RESOLVED_S, THOUGHT_S, Run, Slowly, bidders, sixty

SUBMISSION = Submission(
    artifact="tool-1",
    revision=3,
    bidder="agent-0001",
    type="tool",
    format=BYTES,
    title="A tool \x00\u2028\U0001f600",
    depends_on=("z", "a"),
    metadata={"b": "1", "a": "2"},
    interface={"z": [2**70, -(2**70), 1e308, -0.0, 1.0, None], "methods": {"b": {}, "a": {"deep": [[[{}]]]}}},
    content=bytes(range(256)),
    users=2,
    similarity=3,
    similar_to="other",
)


def kept(case: Case) -> Case:
    """A case as a world taken up again has it."""
    docket, restored = Docket(), Docket()
    docket.put(case)
    ((_, name, body),) = docket.take_changes()
    assert body is not None
    restored.restore(body)
    found = restored.get(name)
    assert found is not None
    return found


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x80", "é\u2028".encode(), bytes(range(256)) * 3_900])
def test_whatever_a_work_consists_of_is_kept(content: bytes) -> None:
    case = Case("bid-7", msgspec.structs.replace(SUBMISSION, content=content))
    assert kept(case) == case


def test_while_winners_wait_there_are_no_further_ones() -> None:
    """So a judge, however slow, has no more than `slots` works before it, and the world keeps no more of them."""
    most = 0

    def busy(view: Observation) -> Action | None:
        nonlocal most
        most = max(most, len(run.world.docket))
        assert len(run.world.docket) == len(run.world.bids.awaiting_score())
        if view.now_ns > 3 * SECOND_NS and run.world.bids.of_artifact(f"work-{view.ordinal}") is None:
            return Bid(f"work-{view.ordinal}", view.ordinal)
        return Sleep(50)

    run = Run(Slowly(sixty), choose=bidders(busy))
    run.world.laws = Laws(mint=MintLaw(first_ns=2 * SECOND_NS, every_ns=SECOND_NS // 4))
    events = run.live(8 * SECOND_NS)
    times = [event.time_ns for event in events if isinstance(event, MintResolved)]
    assert len(times) == 6
    assert all(later - earlier >= THOUGHT_S * SECOND_NS for earlier, later in pairwise(times))
    assert all(time_ns % (SECOND_NS // 4) == 0 for time_ns in times)
    assert most == 1


def test_what_is_no_longer_to_be_scored_is_not_kept() -> None:
    """A work lies in the docket while its score is awaited, also one that its author has deleted since."""

    def vanish(view: Observation) -> Action | None:
        gone = view.now_ns > RESOLVED_S * SECOND_NS and view.turn > 1
        artifact = run.world.shelf.find(f"work-{view.ordinal}")
        return (
            Delete(f"work-{view.ordinal}") if gone and artifact is not None and not artifact.deleted else None
        )

    run = Run(Slowly(sixty), choose=bidders(vanish))
    half_way_ns = RESOLVED_S * SECOND_NS + THOUGHT_S * SECOND_NS * 99 // 100
    run.live(half_way_ns)
    (case,) = run.world.docket
    assert case.submission.content == b"all that agent-0003 knows of the number 3 " * 5
    run.live(30 * SECOND_NS, half_way_ns)
    artifact = run.world.shelf.find("work-3")
    assert artifact is not None and artifact.deleted
    assert len(run.world.docket) == 0
    assert run.scorer.shown[-1].content == case.submission.content


def test_a_scorer_is_shown_the_same_before_and_after_a_stop() -> None:
    """To the order of keys: a model that is asked otherwise answers otherwise."""

    def described(view: Observation) -> Action:
        action = bidders()(view)
        if isinstance(action, Write):
            return msgspec.structs.replace(
                action, metadata=SUBMISSION.metadata, interface={"z": {"b": 1, "a": 2}, "description": "it"}
            )
        return action

    whole, stopped = Run(Slowly(sixty), choose=described), Run(Slowly(sixty), choose=described)
    whole.live(30 * SECOND_NS)
    half_way_ns = RESOLVED_S * SECOND_NS + THOUGHT_S * SECOND_NS // 2
    stopped.live(half_way_ns)
    (case,) = stopped.world.docket
    stopped.world.docket.put(kept(case))
    stopped.live(30 * SECOND_NS, half_way_ns)
    first, second = (msgspec.json.encode(run.scorer.shown[-1]) for run in (whole, stopped))
    assert first == second
    assert b'{"description":"it","z":{"a":2,"b":1}}' in first
