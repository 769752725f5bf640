"""Who deals with whom: pairs, coalitions, and the network of transfers."""

import msgspec
from networkx.utils import UnionFind

from ecology.events.records import OwnershipMoved, TransferPosted
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import Principals
from ecology.resources.assets import SCRIP

MAX_EDGES = 200_000
"""Pairs whose volumes are kept at one time; beyond it the lighter half is forgotten (their number never is).
"""

_SHIFT = 24


class ExchangeMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """`coalitions` are connected components of at least two; `largest_coalition` counts principals."""

    transacting_pairs: int
    coordination_density: float | None
    coalitions: int
    largest_coalition: int


class Edge(msgspec.Struct, frozen=True):
    """What passed between two principals (numbers, `first < second`), both directions added up.

    `scrip` is whole scrip, `dealings` counts transfers of any asset and of artifacts. Lower bounds in a world
    with more than `MAX_EDGES` transacting pairs.
    """

    first: int
    second: int
    scrip: int
    dealings: int


class _Pairs:
    """A set of unordered pairs of small numbers: one bit each, at most n²/16 bytes for n principals."""

    def __init__(self) -> None:
        self.count = 0
        self._rows: dict[int, bytearray] = {}

    def add(self, low: int, high: int) -> bool:
        """Add the pair; whether it is new."""
        row = self._rows.setdefault(high, bytearray())
        place, bit = low >> 3, 1 << (low & 7)
        if place >= len(row):
            row.extend(bytes(place + 1 - len(row)))
        if row[place] & bit:
            return False
        row[place] |= bit
        self.count += 1
        return True


class Exchange:
    """Folds every transfer between principals, whatever the asset, and every change of ownership."""

    def __init__(self, fold: Fold, principals: Principals) -> None:
        self._principals = principals
        self._pairs = _Pairs()
        self._groups: UnionFind[int] = UnionFind()
        self._scrip: dict[int, int] = {}
        self._dealings: dict[int, int] = {}
        fold.on(TransferPosted, self._moved)
        fold.on(OwnershipMoved, lambda event: self._dealt(event.from_id, event.to_id, 0))

    def result(self) -> ExchangeMeasures:
        """The measures at the end of the history so far."""
        n = len(self._principals)
        sizes = [len(members) for members in self._groups.to_sets()]
        return ExchangeMeasures(
            transacting_pairs=self._pairs.count,
            coordination_density=self._pairs.count / (n * (n - 1) / 2) if n > 1 else None,
            coalitions=len(sizes),
            largest_coalition=max(sizes, default=0),
        )

    def heaviest(self) -> list[Edge]:
        """The edges by scrip, then by number of dealings, heaviest first; ties by who appeared first."""
        keys = sorted(self._dealings, key=lambda key: (-self._scrip[key], -self._dealings[key], key))
        mask = (1 << _SHIFT) - 1
        return [Edge(key >> _SHIFT, key & mask, self._scrip[key], self._dealings[key]) for key in keys]

    def _moved(self, event: TransferPosted) -> None:
        self._dealt(event.from_id, event.to_id, event.amount if event.asset == SCRIP else 0)

    def _dealt(self, from_id: str, to_id: str, scrip: int) -> None:
        giver, taker = self._principals.index(from_id), self._principals.index(to_id)
        if giver is None or taker is None or giver == taker:
            return
        low, high = (giver, taker) if giver < taker else (taker, giver)
        if self._pairs.add(low, high):
            self._groups.union(low, high)
        key = low << _SHIFT | high
        self._scrip[key] = self._scrip.get(key, 0) + scrip
        self._dealings[key] = self._dealings.get(key, 0) + 1
        if len(self._dealings) > MAX_EDGES:
            self._forget_light_edges()

    def _forget_light_edges(self) -> None:
        heavy = sorted(self._dealings, key=lambda key: (-self._scrip[key], -self._dealings[key], key))[
            : MAX_EDGES // 2
        ]
        self._scrip = {key: self._scrip[key] for key in heavy}
        self._dealings = {key: self._dealings[key] for key in heavy}
