"""Which part of a network to draw, and where its nodes stand."""

import heapq
import math
from collections import defaultdict

import networkx as nx
import numpy as np

from ecology.observe.measures.exchange import Edge

MAX_NODES = 150
MAX_EDGES = 250
ASPECT = 1.7
"""Width over height of the drawing that the nodes are spread over."""

Spot = tuple[float, float]
Vector = np.ndarray[tuple[int], np.dtype[np.float64]]
_SEED = 7
_GAP = 1.4


def weight(edge: Edge) -> float:
    """Scrip decides; a dealing without scrip still joins two principals."""
    return edge.scrip + min(edge.dealings, 100) / 100


def backbone(edges: list[Edge]) -> list[Edge]:
    """At most `MAX_EDGES` edges over at most `MAX_NODES` nodes, heaviest first; `edges` come heaviest first.

    First the edges that hold groups together: from the heaviest edge on, always the heaviest that leads to somebody
    new (Prim's maximum spanning tree), so that a part of a large network is a neighbourhood and not a heap of
    unrelated pairs. Then the heaviest others between those who are in.
    """
    at: defaultdict[int, list[int]] = defaultdict(list)
    for place, edge in enumerate(edges):
        at[edge.first].append(place)
        at[edge.second].append(place)
    kept: set[int] = set()
    nodes: set[int] = set()
    for start, edge in enumerate(edges):
        if edge.first in nodes or len(nodes) + 2 > MAX_NODES:
            continue
        frontier = [start]
        while frontier and len(nodes) < MAX_NODES:
            place = heapq.heappop(frontier)
            fresh = {edges[place].first, edges[place].second} - nodes
            if fresh:
                kept.add(place)
                nodes |= fresh
                for who in sorted(fresh):
                    for other in at[who]:
                        heapq.heappush(frontier, other)
    for place, edge in enumerate(edges):
        if len(kept) >= MAX_EDGES:
            break
        if edge.first in nodes and edge.second in nodes:
            kept.add(place)
    return [edges[place] for place in sorted(kept)]


def arrange(edges: list[Edge]) -> dict[int, Spot]:
    """A place for each node: every group laid out by forces along its edges, groups side by side, largest first.

    The same edges give the same places.
    """
    graph: nx.Graph[int] = nx.Graph()
    heaviest = weight(edges[0])
    for edge in edges:
        graph.add_edge(edge.first, edge.second, weight=0.2 + math.sqrt(weight(edge) / heaviest))
    groups = sorted(
        (sorted(group) for group in nx.connected_components(graph)), key=lambda group: (-len(group), group)
    )
    radii = [math.sqrt(len(group)) for group in groups]
    spots: dict[int, Spot] = {}
    for group, radius, (x, y) in zip(groups, radii, _shelves(radii), strict=True):
        places = nx.spring_layout(
            graph.subgraph(group), k=1.9 / math.sqrt(len(group)), iterations=300, seed=_SEED, scale=radius
        )
        stretch = ASPECT if len(groups) == 1 else 1.0
        for who in group:
            dx, dy = (float(value) for value in _drawn_in(np.asarray(places[who]), radius))
            spots[who] = (round((x + dx) * stretch, 4), round(y + dy, 4))
    return spots


def _drawn_in(place: Vector, radius: float) -> Vector:
    """Draw those at the rim a little towards the middle: few strays would otherwise squeeze all others together."""
    distance = float(np.hypot(place[0], place[1]))
    return place * (distance / radius) ** -0.3 if distance > 0 else place


def _shelves(radii: list[float]) -> list[Spot]:
    """Centres of circles of descending size, set in rows from the top left."""
    wide = max(math.sqrt(sum((2 * radius + _GAP) ** 2 for radius in radii) * ASPECT), 2 * radii[0] + _GAP)
    centres: list[Spot] = []
    left = top = row = 0.0
    for radius in radii:
        size = 2 * radius + _GAP
        if left > 0 and left + size > wide * 1.001:
            left, top, row = 0.0, top - row, 0.0
        row = max(row, size)
        centres.append((left + size / 2, top - row / 2))
        left += size
    return centres
