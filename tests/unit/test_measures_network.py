"""Which part of a network is drawn, and where."""

import math

import networkx as nx

from ecology.observe.measures.exchange import Edge
from ecology.observe.report.network_layout import MAX_EDGES, MAX_NODES, arrange, backbone


def heaviest_first(pairs: list[tuple[int, int, int]]) -> list[Edge]:
    return [Edge(*pair, 1) for pair in sorted(pairs, key=lambda pair: -pair[2])]


def test_a_small_network_is_drawn_whole() -> None:
    edges = heaviest_first([(0, 1, 9), (1, 2, 5), (3, 4, 1)])
    assert backbone(edges) == edges


def test_nobody_is_left_out_because_others_deal_more() -> None:
    clique = [(a, b, 1_000) for a in range(40) for b in range(a + 1, 40)]
    edges = heaviest_first([*clique, (0, 99, 1)])
    drawn = backbone(edges)
    assert len(drawn) == MAX_EDGES
    assert Edge(0, 99, 1, 1) in drawn


def test_a_part_of_a_large_network_is_a_neighbourhood() -> None:
    ring = [(n, (n + 1) % 5_000, n * 7 % 1_000) for n in range(5_000)]
    edges = heaviest_first([(min(a, b), max(a, b), scrip) for a, b, scrip in ring])
    graph = nx.Graph((edge.first, edge.second) for edge in backbone(edges))
    assert len(graph) == MAX_NODES
    assert nx.is_connected(graph)


def test_groups_stand_apart_and_every_node_has_a_place_of_its_own() -> None:
    edges = heaviest_first([(2 * n, 2 * n + 1, 5) for n in range(30)])
    spots = arrange(edges)
    assert len(spots) == 60
    points = list(spots.values())
    nearest = min(math.dist(a, b) for place, a in enumerate(points) for b in points[:place])
    assert nearest > 0.5
    assert arrange(edges) == spots
