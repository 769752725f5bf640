"""What a slow mind is shown is how things stood when it began to think, committed before it is asked."""

import asyncio
import time

import pytest

from ecology.core.clock import MILLISECOND_NS, SECOND_NS
from ecology.core.limits import MAX_INBOX_EVENTS
from ecology.engine.observation import Observation
from ecology.engine.policy import PolicyFactory
from ecology.events.records import MessageSent
from ecology.kernel.actions import Action, Configure, Message, Noop, Sleep, Transfer, Write
from ecology.testing.scripted_model import ScriptedModel
from ecology.testing.worlds import GRANTS, MemoryStore, Stage
from tests.support.thinkers import Choose, Crashes, Puppet, engine, llm, puppet, settle


class SlowStore(MemoryStore):
    """A store on a slow disk."""

    def __init__(self, commit_s: float) -> None:
        super().__init__()
        self._commit_s = commit_s

    def commit(self) -> None:
        """As a store does, after a while."""
        time.sleep(self._commit_s)
        super().commit()


class SlowPuppet(Puppet):
    """A puppet that thinks beside the others."""

    slow = True


def slow(choose: Choose) -> PolicyFactory:
    return lambda config, dumped: SlowPuppet(choose, [])


def rest(view: Observation) -> Action:
    return Sleep(duration_ms=600_000)


def give(view: Observation) -> Action:
    """Many small gifts, so that some fall into any commit."""
    return Transfer(to="agent-0001", amount=1) if view.turn < 50 else rest(view)


def prompts(commit_s: float) -> list[str]:
    world, _ = settle(["llm", "giver"])
    world.agents["agent-0001"].wake_ns = world.agents["agent-0002"].wake_ns = 0
    disk = SlowStore(commit_s)
    model = ScriptedModel(lambda request: '{"action": "noop"}')

    async def run() -> None:
        crashes = Crashes()
        await engine(world, disk, {"llm": llm(model), "giver": puppet(give)}, crashes=crashes).run(
            3 * SECOND_NS
        )
        assert not crashes

    asyncio.run(run())
    return [request.user for request in model.asked]


def test_a_slow_disk_does_not_change_what_a_model_is_shown() -> None:
    quick, late = prompts(0), prompts(0.05)
    assert f"You have: {GRANTS['scrip']} scrip" in late[0], "no gift of the open group is shown"
    assert quick == late


def test_a_kept_view_stands_still() -> None:
    stage = Stage.of()
    view = Observation(stage.world, stage.agent("agent-0001"), stage.now_ns)
    view.keep()
    names = ("scrip", "disk_quota", "disk_used", "disk_free", "llm_rate", "llm_level", "llm_budget", "config")
    before = {name: getattr(view, name) for name in names}
    stage.do("agent-0001", Write("note", "x" * 100))
    stage.do("agent-0001", Configure(prompt="another"))
    for asset, amount in GRANTS.items():
        stage.do("agent-0002", Transfer(to="agent-0001", asset=asset, amount=amount // 2))
    stage.pass_time(60 * SECOND_NS)
    assert {name: getattr(view, name) for name in names} == before


@pytest.mark.parametrize("told", [1, MAX_INBOX_EVENTS, MAX_INBOX_EVENTS + 5, 3 * MAX_INBOX_EVENTS])
def test_every_piece_of_news_is_shown_or_counted_as_lost(told: int) -> None:
    """Also of those that come, and drop others, while the model thinks."""
    world, store = settle(["slow", "talker"])
    views: list[Observation] = []
    begins_ns = world.agents["agent-0001"].wake_ns + 300 * MILLISECOND_NS

    def talk(view: Observation) -> Action:
        if view.turn == 0:  # until the model thinks
            return Sleep(duration_ms=max(1, (begins_ns - view.now_ns) // MILLISECOND_NS))
        return Message("agent-0001", str(view.turn)) if view.turn <= told else rest(view)

    def listen(view: Observation) -> Action:
        views.append(view)
        return Noop()

    async def run() -> None:
        await engine(world, store, {"slow": slow(listen), "talker": puppet(talk)}).run(8 * SECOND_NS)

    asyncio.run(run())
    shown = [event.text for view in views for event in view.news if isinstance(event, MessageSent)]
    assert shown == sorted(set(shown), key=int)
    assert shown[-1] == str(told)
    assert len(shown) + sum(view.missed for view in views) == told
