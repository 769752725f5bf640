"""What agents do: actions by type, refusals by reason, how varied and how specialised they are."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from ecology.events.records import ActionTaken
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import Principals

COMMITTED = "committed"


class ActionCount(msgspec.Struct, frozen=True):
    """How often an action was tried, by outcome."""

    committed: int
    refused: int


class ConductMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of turns that ended in an action. Most frequent first in both tables."""

    actions: int
    by_type: dict[str, ActionCount]
    refusals: dict[str, int]
    action_entropy_bits: float | None
    specialisation: float | None


def entropy_bits(counts: Iterable[int]) -> float | None:
    """Shannon entropy `−Σ p·log2 p` of a distribution given by counts; None of nothing."""
    positive = [count for count in counts if count > 0]
    total = sum(positive)
    if total == 0:
        return None
    # 0.0 - x rather than -x: a single kind has an entropy of 0, not of minus 0.
    return 0.0 - math.fsum(count / total * math.log2(count / total) for count in positive)


def variation(counts: Mapping[str, int], kinds: int) -> float:
    """Coefficient of variation (population standard deviation ÷ mean) of counts over `kinds` kinds, absent
    ones 0.

    0 for an agent that does everything equally often, √(kinds − 1) for one that does a single thing.
    """
    total = sum(counts.values())
    squares = sum(count * count for count in counts.values())
    # n·Σx² − (Σx)² over n² is the variance; times n²/(Σx)² it is CV². Integers until the root.
    return math.sqrt((kinds * squares - total * total) / (total * total))


class Conduct:
    """Counts actions by agent and type."""

    def __init__(self, fold: Fold, principals: Principals) -> None:
        self._principals = principals
        self._by_agent: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self._refused_by_agent: defaultdict[int, int] = defaultdict(int)
        self._committed: defaultdict[str, int] = defaultdict(int)
        self._refused: defaultdict[str, int] = defaultdict(int)
        self._reasons: defaultdict[str, int] = defaultdict(int)
        fold.on(ActionTaken, self._acted)

    def actions_of(self, who: int) -> int:
        """How many turns of a principal ended in an action, refused ones included."""
        return sum(self._by_agent[who].values()) if who in self._by_agent else 0

    def refused_of(self, who: int) -> int:
        """How many of them were refused."""
        return self._refused_by_agent.get(who, 0)

    def result(self) -> ConductMeasures:
        """The measures at the end of the history so far."""
        kinds = sorted({*self._committed, *self._refused})
        counts = {
            kind: ActionCount(self._committed.get(kind, 0), self._refused.get(kind, 0)) for kind in kinds
        }
        totals = {kind: count.committed + count.refused for kind, count in counts.items()}
        spread = [variation(self._by_agent[who], len(kinds)) for who in sorted(self._by_agent)]
        return ConductMeasures(
            actions=sum(totals.values()),
            by_type={kind: counts[kind] for kind in sorted(kinds, key=lambda kind: (-totals[kind], kind))},
            refusals=dict(sorted(self._reasons.items(), key=lambda item: (-item[1], item[0]))),
            action_entropy_bits=entropy_bits(totals.values()),
            specialisation=math.fsum(spread) / len(spread) if spread else None,
        )

    def _acted(self, event: ActionTaken) -> None:
        assert event.principal_id is not None, "an action has an actor"
        who = self._principals.index(event.principal_id)
        assert who is not None, "the world itself does not act"
        action = event.action
        counts = self._by_agent[who]
        counts[action] = counts.get(action, 0) + 1
        if event.outcome == COMMITTED:
            self._committed[action] += 1
        else:
            self._refused[action] += 1
            self._refused_by_agent[who] += 1
            self._reasons[event.reason or "unstated"] += 1
