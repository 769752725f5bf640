"""How a node is doing: what it lacks to be ready, and what it has done, for people and for Prometheus."""

from collections.abc import Iterable

from ecology.nodes.floor import Tally
from ecology.nodes.hints import Hints
from ecology.nodes.metrics import Metric, counter, gauge
from ecology.nodes.node import Node


class Figures:
    """The readiness and the metrics of one node."""

    def __init__(self, node: Node, hints: Hints) -> None:
        self._node = node
        self._hints = hints

    def readiness(self) -> dict[str, bool | str]:
        """Ready is who is a member and lives its agents. A Redis that is away costs latency, and is no reason."""
        node = self._node
        return {"membership": node.term is not None or node.last_fault or "joining"}

    def metrics(self) -> Iterable[Metric]:
        """What the node has done since its process began."""
        node, hints, term = self._node, self._hints.state(), self._node.term
        tally = node.tally
        yield counter("ecology_deeds_total", "Deeds done on the floor.", tally.deeds)
        yield counter("ecology_commits_total", "Commits of this node.", tally.commits)
        yield counter("ecology_commits_followed_total", "Commits of other nodes taken in.", tally.followed)
        yield counter(
            "ecology_wakes_total",
            "Agents made to look again by other nodes' commits, by how the node learned of them.",
            {(how,): count for how, count in _wakes(tally).items()},
            ("how",),
        )
        yield counter("ecology_terms_total", "How often this node joined the world.", node.terms)
        yield gauge("ecology_agents", "Agents that live on this node.", _agents(node))
        yield gauge("ecology_members", "Nodes of the world, as this one knows it.", _members(node))
        yield gauge("ecology_lease_generation", "The fencing token.", 0 if term is None else term.generation)
        yield gauge(
            "ecology_hints_connected",
            "Whether hints arrive (1) or the poll is all there is (0).",
            hints.connected,
        )
        yield counter("ecology_hints_sent_total", "Hints handed over.", hints.sent)
        yield counter("ecology_hints_received_total", "Hints heard.", hints.received)
        yield counter("ecology_hints_dropped_total", "Hints that could not be handed over.", hints.dropped)
        yield counter(
            "ecology_hints_reconnections_total", "Times that hints were heard again.", hints.reconnections
        )


def _wakes(tally: Tally) -> dict[str, int]:
    return {"hint": tally.woken_by_hint, "poll": tally.woken_by_poll, "own_pass": tally.woken_on_the_way}


def _agents(node: Node) -> int:
    return 0 if node.term is None else node.term.attendance.agents


def _members(node: Node) -> int:
    return 0 if node.term is None else len(node.term.floor.membership.members)
