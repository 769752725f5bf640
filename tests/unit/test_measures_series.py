"""Histories over world time: bounded however long the run, and true at each point."""

import numpy as np

from ecology.core.clock import SECOND_NS
from ecology.observe.measures.bins import MAX_BINS
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.levels import Levels, LevelSeries
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.tempo import Tempo, TempoSeries
from ecology.observe.measures.timeline import MAX_FRAMES, MIN_FRAMES, Frame, Timeline
from ecology.observe.measures.wealth import Wealth
from tests.unit.measures_log import Log


def one(value: int) -> Frame:
    return np.array([value], dtype=np.int64)


def test_a_frame_shows_everything_up_to_and_including_its_time() -> None:
    log = Log()
    log.spawn("a")
    log.move("a", 10)
    log.move("a", 5, at=0.1)
    log.move("a", 3, at=0.15)
    log.end(0.4)
    fold = Fold()
    timeline = Timeline()
    wealth = Wealth(fold, Principals(fold), timeline)
    fold.run(log.events)
    timeline.finish(fold.end_ns, wealth.frame)
    assert [time_ns // 100_000_000 for time_ns in timeline.times_ns] == [0, 1, 2, 3, 4]
    assert [int(frame[0]) for frame in timeline.frames] == [10, 15, 18, 18, 18]


def test_a_long_silence_keeps_one_frame_at_each_end() -> None:
    timeline = Timeline()
    timeline.advance(50 * SECOND_NS + 1, lambda: one(1))
    assert timeline.times_ns == [0, 50 * SECOND_NS]
    timeline.finish(50 * SECOND_NS + 1, lambda: one(2))
    assert timeline.times_ns[-1] == 50 * SECOND_NS + 1
    assert int(timeline.frames[-1][0]) == 2


def test_large_populations_get_fewer_frames() -> None:
    crowd = np.zeros(100_000, dtype=np.int64)
    timeline = Timeline()
    for tick in range(1, 2_000):
        timeline.advance(tick * 100_000_000, lambda: crowd)
    assert MIN_FRAMES // 2 - 1 <= len(timeline.times_ns) <= MIN_FRAMES < MAX_FRAMES


def tempo_of(log: Log) -> TempoSeries:
    fold = Fold()
    tempo = Tempo(fold)
    fold.run(log.events)
    return tempo.result()


def test_bins_widen_as_the_history_grows_and_lose_nothing() -> None:
    log = Log()
    for second in range(100):
        log.act("a", "read", at=second)
    log.act("a", "write", at=1_000)
    series = tempo_of(log)
    assert series.bin_ns == 6_400_000_000, "100 ms doubled until 1,000 s fit into 200 bins"
    assert len(series.counts["read"]) == len(series.counts["write"]) <= MAX_BINS
    assert {kind: sum(counts) for kind, counts in series.counts.items()} == {"read": 100, "write": 1}
    assert series.counts["read"][:2] == [7, 6], "0..6.4 s and 6.4..12.8 s"
    assert series.counts["write"][-1] == 1


def test_a_history_without_actions_has_no_tempo() -> None:
    assert tempo_of(Log()).counts == {}


def levels_of(log: Log) -> dict[str, LevelSeries]:
    fold = Fold()
    levels = Levels(fold, Principals(fold))
    fold.run(log.events)
    return levels.result()


def test_levels_are_those_the_events_state() -> None:
    log = Log()
    for name in ("a", "b", "c", "silent"):
        log.spawn(name)
    log.act("a", at=0, levels=(100, 7))
    log.act("b", at=0, levels=(200, 8))
    log.act("c", at=0.05, levels=(300, 9))
    log.act("a", at=1, levels=(0, 0))
    log.end(2)
    series = levels_of(log)
    assert series["llm_rate"].times_ns[0] == 0
    assert series["llm_rate"].median[0] == 150, "c had not acted yet, and silent never does"
    assert series["llm_rate"].median[1] == 200
    assert series["llm_rate"].median[-1] == 200
    assert series["cpu"].high[-1] == np.quantile([0, 8, 9], 0.9)


def test_without_actions_no_event_states_a_level() -> None:
    assert levels_of(Log()) == {}
