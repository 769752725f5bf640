"""Minds that think outside the world's time: one that never answers delays nobody, and owes nothing at the end."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.ids import SPENT
from ecology.engine.engine import Engine
from ecology.engine.observation import Observation
from ecology.engine.policy import PolicyFactory
from ecology.events.records import ActionTaken, AgentFailed, HoldClosed, HoldOpened, ModelCalled
from ecology.events.registry import Record
from ecology.scenarios import Scenario
from tests.support.ending import AT_MOST, end_when
from tests.support.faulty_store import FaultyStore, PowerCut
from tests.support.minds import Slow, book
from tests.support.small_run import SmallRun, peopled
from tests.support.stored_run import tables_of, wrongs_of_database

AGENTS = 100
STUCK = "agent-0001"
PHYSICS = """
container: { cpus: 2, memory: 64GiB }
prices: { input_usd_per_million: 10, output_usd_per_million: 30 }
resources:
  stock: { llm_budget: { total_usd: 50 } }
  flow: { llm_rate: { rate: 1000, capacity: 10000 } }
"""


def _world(clock: str, duration: str, agents: int = AGENTS) -> Scenario:
    return peopled({"slow": agents}, f"clock: {clock}\nduration: {duration}\n{PHYSICS}")


def _slow(
    thought_s: float, *, stuck: bool = True, asked: Counter[str] | None = None, together: int = 0
) -> PolicyFactory:
    """Minds that think so long, but not before so many think at once; `asked` counts their thoughts."""
    counted: Counter[str] = Counter() if asked is None else asked
    met = asyncio.Event()

    async def answer(view: Observation) -> None:
        counted[view.agent_id] += 1
        if len(counted) >= together:
            met.set()
        if stuck and view.agent_id == STUCK:
            await asyncio.Event().wait()
        await met.wait()
        await asyncio.sleep(thought_s)

    return lambda config, dumped: Slow(config, dumped, answer)


def _holds(events: list[Record]) -> tuple[set[int], Counter[str]]:
    """Holds that were opened and never closed, and how the others ended."""
    opened = {it.transfer_id for it in events if isinstance(it, HoldOpened)}
    closed = [it for it in events if isinstance(it, HoldClosed)]
    assert len({it.transfer_id for it in closed}) == len(closed), "a hold is closed once"
    return opened - {it.transfer_id for it in closed}, Counter(it.how for it in closed)


def _thoughts(events: list[Record]) -> Counter[str]:
    return Counter(it.principal_id or "" for it in events if isinstance(it, ActionTaken))


def _settled(run: SmallRun) -> None:
    """Nothing is held, nothing is lost: what agents spent is what the models' bills say."""
    tables = tables_of(run.directory.database)
    assert all(row[5] == 0 for row in tables["ledger_accounts"]), "something is still held"
    spent = [row[4] for row in tables["ledger_accounts"] if row[1] == SPENT]
    billed = sum(it.usd_micros for it in run.events() if isinstance(it, ModelCalled))
    assert spent == [billed]
    assert wrongs_of_database(run.path) == []


def test_real_clock_one_answer_that_never_comes(tmp_path: Path) -> None:
    """99 others think on, side by side; the run ends on time, and the thought under way is not paid."""
    asked: Counter[str] = Counter()
    world = _world("real", AT_MOST)
    run = SmallRun.make(tmp_path, world, book(slow=_slow(0.1, asked=asked, together=AGENTS)))

    def thrice(engine: Engine) -> bool:
        """Who is asked for the fourth time has done what it thought three times."""
        return sum(times > 3 for times in asked.values()) == AGENTS - 1

    engine = run.live(meanwhile=lambda engine: end_when(engine, world.duration_ns, thrice))
    thoughts = _thoughts(run.events())
    assert STUCK not in thoughts
    assert len(thoughts) == AGENTS - 1 and min(thoughts.values()) >= 3
    assert engine.slots.peak == AGENTS, "they all thought at once"
    lost, ended = _holds(run.events())
    assert not lost and ended["voided"] >= 1 and ended["posted"] == sum(thoughts.values())
    _settled(run)


def test_virtual_clock_waits_for_an_answer_and_can_be_interrupted_meanwhile(tmp_path: Path) -> None:
    """Virtual time stands still until the answer is there: those whose time comes before it have their turn."""
    asked: Counter[str] = Counter()
    run = SmallRun.make(tmp_path, _world("virtual", "60s"), book(slow=_slow(0.01, asked=asked)))
    interrupting: list[asyncio.Task[None]] = []

    async def interrupt(engine: Engine) -> None:
        while not asked[STUCK]:
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)  # in which time could pass, if it did not stand still
        engine.interrupt()

    engine = run.live(meanwhile=lambda it: interrupting.append(asyncio.create_task(interrupt(it))))
    assert engine.interrupted
    assert engine.clock.now_ns() < 10 * SECOND_NS, "time did not stand still"
    assert STUCK not in _thoughts(run.events())
    lost, ended = _holds(run.events())
    assert not lost and ended["voided"] >= 1
    _settled(run)
    # Taken up again, with an answer this time, nobody is left behind.
    healed = SmallRun(run.directory, run.scenario, book(slow=_slow(0, stuck=False)))
    healed.live()
    assert len(_thoughts(healed.events())) == AGENTS
    _settled(healed)


def test_virtual_clock_answers_in_any_order_make_one_history(tmp_path: Path) -> None:
    """How long a model really takes leaves no trace in the world."""

    def staggered(step_s: float) -> PolicyFactory:
        async def answer(view: Observation) -> None:
            await asyncio.sleep((view.ordinal * 7 % 5) * step_s)

        return lambda config, dumped: Slow(config, dumped, answer)

    histories = []
    for number, step_s in enumerate((0, 0.004, 0.001)):
        run = SmallRun.make(
            tmp_path / str(number), _world("virtual", "20s", agents=12), book(slow=staggered(step_s))
        )
        run.live()
        histories.append(tables_of(run.directory.database)["events"])
    assert len(histories[0]) > 200
    assert histories[0] == histories[1] == histories[2]


@pytest.mark.parametrize("clock", ["virtual", "real"])
@pytest.mark.parametrize("commit", [2, 5, 11])
def test_thoughts_under_way_when_the_process_dies(clock: str, commit: int, tmp_path: Path) -> None:
    """Their holds are voided by the next process, their turns' numbers are not used again."""
    asked: Counter[str] = Counter()
    world = _world(clock, AT_MOST if clock == "real" else "20s", agents=10)
    run = SmallRun.make(tmp_path, world, book(slow=_slow(0.01, stuck=False, asked=asked)))
    with pytest.raises(PowerCut):
        run.live(group_turns=3, wrap=lambda store: FaultyStore(store, commit, "written"))
    pending = _holds(run.events())[0]
    asked.clear()

    def on(engine: Engine) -> None:
        if clock == "real":
            end_when(engine, world.duration_ns, lambda _: len(asked) == 10 and min(asked.values()) > 3)

    run.live(group_turns=3, meanwhile=on)
    events = run.events()
    lost, ended = _holds(events)
    assert not lost
    assert ended["voided"] >= len(pending)
    turns = [it.turn_id for it in events if isinstance(it, ActionTaken | AgentFailed)]
    assert len(set(turns)) == len(turns)
    _settled(run)
