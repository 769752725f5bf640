"""What an agent sees of itself when its turn begins."""

from hypothesis import given
from hypothesis import strategies as st

from ecology.core.limits import MAX_INBOX_EVENTS
from ecology.engine.observation import Observation
from ecology.events.records import MessageSent
from ecology.kernel.actions import Configure, Message, Transfer, Write
from ecology.resources.assets import ASSETS, CPU_RATE, DISK, LLM_BUDGET, LLM_RATE
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER = "agent-0001", "agent-0002"


def look(stage: Stage, name: str = ME) -> Observation:
    return Observation(stage.world, stage.agent(name), stage.now_ns)


def test_it_sees_its_rights() -> None:
    stage = Stage.of()
    view = look(stage)
    assert (view.agent_id, view.ordinal, view.turn, view.now_ns) == (ME, 1, 0, 0)
    assert {asset: view.right(asset) for asset in ASSETS} == GRANTS
    assert (view.scrip, view.llm_rate, view.cpu_rate, view.llm_budget, view.disk_quota) == (
        1_000,
        GRANTS[LLM_RATE],
        GRANTS[CPU_RATE],
        GRANTS[LLM_BUDGET],
        GRANTS[DISK],
    )
    assert view.config == stage.agent(ME).config


def test_it_sees_the_disk_it_uses() -> None:
    stage = Stage.of()
    before = look(stage).disk_used
    stage.do(ME, Write("note", "x" * 500))
    view = look(stage)
    assert view.disk_used == before + len("notetext") + 500
    assert view.disk_free == view.disk_quota - view.disk_used


def test_it_sees_its_own_news_in_order_and_how_many_were_dropped() -> None:
    stage = Stage.of()
    for number in range(MAX_INBOX_EVENTS + 3):
        stage.do(OTHER, Message(ME, str(number)))
    stage.do(OTHER, Message("agent-0003", "secret"))
    view = look(stage)
    texts = [event.text for event in view.news if isinstance(event, MessageSent)]
    assert texts == [str(number) for number in range(3, MAX_INBOX_EVENTS + 3)]
    assert (len(view.news), view.missed) == (MAX_INBOX_EVENTS, 3)


def test_news_stay_as_they_were_when_it_looked() -> None:
    """The world may move while a slow mind thinks."""
    stage = Stage.of()
    stage.do(OTHER, Message(ME, "early"))
    view = look(stage)
    stage.do(OTHER, Message(ME, "late"))
    assert [event.text for event in view.news if isinstance(event, MessageSent)] == ["early"]


@given(spans_ns=st.lists(st.integers(0, 10**10), min_size=1, max_size=5))
def test_the_bucket_fills_with_the_time_of_the_view(spans_ns: list[int]) -> None:
    stage = Stage.of()
    assert stage.agent(ME).llm.take(100_000, 0)
    for span_ns in spans_ns:
        stage.pass_time(span_ns)
        assert look(stage).llm_level == min(100_000, stage.now_ns * 10_000 // 10**9)


def test_looking_is_no_deed() -> None:
    stage = Stage.of()
    stage.events()
    view = look(stage)
    for name in dir(view):
        if not name.startswith("_"):
            getattr(view, name)
    assert stage.events() == []


def test_a_turn_draws_the_same_numbers_whenever_it_is_asked() -> None:
    draws = [[look(Stage.of(seed=seed), name).draw.bits() for name in (ME, OTHER)] for seed in (1, 1, 2)]
    assert draws[0] == draws[1]
    assert len({*draws[0], *draws[2]}) == 4
    stage = Stage.of()
    view = look(stage)
    assert view.draw.bits() != view.draw.bits(), "one stream for all of the turn"
    stage.do(ME, Configure(prompt="another"))
    assert look(stage).draw.bits() != draws[0][0], "another turn draws anew"


def test_a_gift_shows_at_once() -> None:
    """A fast mind looks within its turn: there is nothing between it and the world."""
    stage = Stage.of()
    view = look(stage)
    stage.do(OTHER, Transfer(to=ME, amount=5))
    assert view.scrip == 1_005
