"""Asking the kernel: search, metadata, interface, then reading; and what is nobody's business."""

import json

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.limits import MAX_PAGE
from ecology.kernel.actions import Delete, Message, Query, Read, Sleep, Subscribe, Transfer, Write
from ecology.resources.assets import ASSETS
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3)


def ids(learned: dict[str, object]) -> list[str]:
    """The ids on a page of artifacts."""
    cards = learned["artifacts"]
    assert isinstance(cards, list)
    return [card["id"] for card in cards]


def test_each_layer_says_more_than_the_one_before(stage: Stage) -> None:
    stage.do(
        OTHER, Write("a", "x" * 900, "tool", title="red hammer", interface={"call": {}}, metadata={"k": "v"})
    )
    cards = stage.do(ME, Query("artifacts", {"words": "hammer"}))["artifacts"]
    assert isinstance(cards, list)
    (card,) = cards
    metadata = stage.do(ME, Query("artifact", {"id": "a"}))
    interface = stage.do(ME, Query("interface", {"id": "a"}))
    whole = stage.do(ME, Read("a"))
    assert set(card) < set(metadata)
    assert metadata["metadata"] == {"k": "v"}
    assert metadata["has_interface"] is True
    assert interface == {"id": "a", "interface": {"call": {}}}
    assert whole["content"] == "x" * 900
    sizes = [len(json.dumps(layer)) for layer in (card, metadata, whole)]
    assert sizes == sorted(sizes)


def test_a_search_needs_no_permission_and_a_read_does(stage: Stage) -> None:
    stage.do(OTHER, Write("a", "secret", title="my diary", contract="private"))
    assert ids(stage.do(ME, Query("artifacts", {"words": "diary"}))) == ["a"]
    assert "content" not in stage.do(ME, Query("artifact", {"id": "a"}))
    assert stage.refused(ME, Read("a")) == "not_permitted"


def test_pages_are_newest_first_and_stay_put_while_others_write(stage: Stage) -> None:
    for number in range(25):
        stage.do(OTHER, Write(f"a{number:02d}", "x", "tool"))
    first = stage.do(ME, Query("artifacts", {"type": "tool", "limit": 10}))
    stage.do(OTHER, Write("newer", "x", "tool"))
    stage.do(OTHER, Delete("a14"))
    stage.do(OTHER, Delete("a20"))
    before = first["before"]
    assert isinstance(before, int)
    second = stage.do(ME, Query("artifacts", {"type": "tool", "limit": 10, "before": before}))
    assert ids(first) == [f"a{number:02d}" for number in range(24, 14, -1)]
    assert ids(second) == [f"a{number:02d}" for number in range(13, 3, -1)]
    before = second["before"]
    assert isinstance(before, int)
    last = stage.do(ME, Query("artifacts", {"type": "tool", "limit": 10, "before": before}))
    assert ids(last) == ["a03", "a02", "a01", "a00"]
    assert "before" not in last


@pytest.mark.parametrize(
    ("limit", "shown"), [(1, 1), (0, 1), (-5, 1), (50, 50), (51, 50), (2**70, 50), (-(2**70), 1)]
)
def test_a_page_has_at_least_one_and_at_most_fifty(limit: int, shown: int) -> None:
    stage = Stage.of(60)
    assert len(ids(stage.do(ME, Query("artifacts", {"limit": limit})))) == shown
    principals = stage.do(ME, Query("principals", {"limit": limit}))["principals"]
    assert isinstance(principals, list)
    assert len(principals) == shown <= MAX_PAGE


def test_every_agent_is_an_artifact_of_its_type(stage: Stage) -> None:
    assert ids(stage.do(ME, Query("artifacts", {"type": "agent"}))) == [THIRD, OTHER, ME]
    assert ids(stage.do(ME, Query("artifacts", {"words": "maker"}))) == [THIRD, OTHER, ME]


def test_no_words_are_no_condition(stage: Stage) -> None:
    assert len(ids(stage.do(ME, Query("artifacts", {"words": " "})))) == 3
    assert len(ids(stage.do(ME, Query("artifacts", {"words": ""})))) == 3
    assert stage.refused(ME, Query("artifacts", {"words": "ß"})) == "argument_invalid"


def test_principals_page_by_page_in_order_of_birth() -> None:
    stage = Stage.of(7)
    names: list[object] = []
    after = 0
    while True:
        page = stage.do(ME, Query("principals", {"after": after, "limit": 3}))
        assert page["total"] == 7
        principals = page["principals"]
        assert isinstance(principals, list)
        names += principals
        if "after" not in page:
            break
        assert isinstance(page["after"], int)
        after = page["after"]
    assert names == [agent.id for agent in stage.world.roster]
    assert stage.do(ME, Query("principals", {"after": 2**70}))["principals"] == []


def test_of_others_one_learns_their_state_and_their_scrip(stage: Stage) -> None:
    stage.do(OTHER, Sleep(5_000))
    stage.do(ME, Transfer(OTHER, 5))
    assert stage.do(ME, Query("principal", {"id": OTHER})) == {"id": OTHER, "state": "asleep", "scrip": 1_005}


def test_of_oneself_one_learns_everything(stage: Stage) -> None:
    bucket = stage.agent(ME).llm
    assert bucket.take(bucket.capacity, 0)
    stage.now_ns = 2 * SECOND_NS
    learned = stage.do(ME, Query("self"))
    assert learned["id"] == ME
    assert learned["rights"] == {asset: GRANTS[asset] for asset in ASSETS}
    assert learned["disk_used"] == stage.agent(ME).disk_used
    assert learned["llm_millitokens"] == 20_000
    assert learned["cpu_us"] == GRANTS["cpu_capacity"]


def test_of_the_world_one_learns_what_everybody_knows(stage: Stage) -> None:
    stage.now_ns = 1_234_567_890
    assert stage.do(ME, Query("world")) == {"time_ms": 1_234, "agents": 3, "scrip_supply": 3_000}


def test_subscriptions_are_ones_own(stage: Stage) -> None:
    stage.do(OTHER, Subscribe("agent.state"))
    assert stage.do(ME, Query("subscriptions")) == {"subscriptions": []}


def test_an_absent_interface_is_null(stage: Stage) -> None:
    stage.do(ME, Write("a", "x"))
    assert stage.do(ME, Query("interface", {"id": "a"})) == {"id": "a", "interface": None}
    assert stage.do(ME, Query("artifact", {"id": "a"}))["has_interface"] is False


def test_history_is_nowhere_to_be_asked_for(stage: Stage) -> None:
    """Neither an old content, nor a message, nor another's mind is in any answer."""
    stage.agent(OTHER).mind = b"unspeakable"
    stage.do(OTHER, Write("a", "formerly"))
    stage.do(OTHER, Write("a", "now"))
    stage.do(OTHER, Message(THIRD, "whispered"))
    queries = [Query(name) for name in ("artifacts", "principals", "self", "subscriptions", "world")]
    queries += [Query(name, {"id": "a"}) for name in ("artifact", "interface")]
    queries.append(Query("principal", {"id": OTHER}))
    heard = json.dumps([stage.do(ME, query) for query in queries] + [stage.do(ME, Read("a"))])
    assert not any(word in heard for word in ("formerly", "whispered", "unspeakable"))


def test_asking_changes_nothing_but_the_turn(stage: Stage) -> None:
    stage.events()
    for name in ("artifacts", "principals", "self", "subscriptions", "world"):
        stage.do(ME, Query(name))
    batch = stage.world.take_batch()
    assert [type(event).__name__ for event in batch.events] == ["ActionTaken"] * 5
    assert (batch.artifacts, batch.ledger.transfers) == ([], [])
