"""What agents made: artifacts, who uses them, how deep production stacks up, and the disk they occupy."""

from collections.abc import Mapping, Sequence

import msgspec

from ecology.artifacts.artifact import AGENT_TYPE
from ecology.events.economy import CodeRan
from ecology.events.records import ActionTaken, ArtifactCreated, ArtifactDeleted, ArtifactUpdated
from ecology.observe.measures.conduct import COMMITTED
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.services import is_invocation

READ = "read"
"""The action that makes use of its target; that an executable was used, its runs say."""


class WorkMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Artifacts that agents made (agents' own configurations are not works). Counts include deleted ones.

    `capital_depth` counts the artifacts in the longest chain of dependencies. `bytes_used` is all disk
    occupied at the end, configurations included.
    """

    artifacts: int
    revisions: int
    deleted: int
    reused: int
    reuse: float | None
    capital_depth: int
    bytes_used: int


def longest_chain(links: Mapping[int, Sequence[int]]) -> int:
    """Nodes in the longest path along `links`, where nodes that depend on each other in a circle count as
    one.

    Tarjan's strongly connected components ("Depth-first search and linear graph algorithms", SIAM J. Comput.
    1972), without recursion; components come out dependencies first, so their depths are at hand. O(nodes +
    links).
    """
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    depth: dict[int, int] = {}  # of the finished
    open_nodes: list[int] = []
    for root in links:
        if root in order:
            continue
        path = [(root, iter(links[root]))]
        order[root] = low[root] = len(order)
        open_nodes.append(root)
        while path:
            node, rest = path[-1]
            for target in rest:
                if target not in order:
                    order[target] = low[target] = len(order)
                    open_nodes.append(target)
                    path.append((target, iter(links.get(target, ()))))
                    break
                if target not in depth:
                    low[node] = min(low[node], order[target])
            else:
                path.pop()
                if path:
                    parent = path[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == order[node]:
                    _close(node, open_nodes, links, depth)
    return max(depth.values(), default=0)


def _close(
    root: int, open_nodes: list[int], links: Mapping[int, Sequence[int]], depth: dict[int, int]
) -> None:
    """Finish the component that was entered at `root`: one more than the deepest thing it depends on."""
    members = [open_nodes.pop()]
    while members[-1] != root:
        members.append(open_nodes.pop())
    below = (depth.get(target, 0) for member in members for target in links.get(member, ()))
    deepest = 1 + max(below, default=0)
    for member in members:
        depth[member] = deepest


class _Runs:
    """Which of a turn's runs called which. A run is told when it ends, so those it made were told just before."""

    def __init__(self) -> None:
        self._turn_id: str | None = None
        self._ended: dict[int, list[int]] = {}  # by depth, not yet claimed by a run less deep

    def end(self, turn_id: str | None, depth: int, work: int | None) -> list[int]:
        """A run of a work ended (None: it failed, so nothing builds on it); returns the works that it called."""
        if turn_id != self._turn_id:
            self._turn_id = turn_id
            self._ended.clear()
        if work is not None:
            self._ended.setdefault(depth, []).append(work)
        return self._ended.pop(depth + 1, [])


class Works:
    """Follows artifacts by number; memory grows with the artifacts and with what they depend on."""

    def __init__(self, fold: Fold, principals: Principals) -> None:
        self.bytes_used = 0
        self._principals = principals
        self._index: dict[str, int] = {}
        self._makers: list[int | None] = []
        self._used = bytearray()
        self._depends_on: dict[int, tuple[str, ...]] = {}
        self._called: dict[int, dict[int, None]] = {}
        self._runs = _Runs()
        self._size_bytes: dict[str, int] = {}
        self._revisions = 0
        self._deleted = 0
        fold.on(ArtifactCreated, self._created)
        fold.on(ArtifactUpdated, self._updated)
        fold.on(ArtifactDeleted, self._removed)
        fold.on(ActionTaken, self._acted)
        fold.on(CodeRan, self._ran)

    def result(self) -> WorkMeasures:
        """The measures at the end of the history so far."""
        links = {work: self._known(names) for work, names in self._depends_on.items()}
        for work, targets in links.items():
            self._use(targets, self._makers[work])
        for work, called in self._called.items():
            links[work] = [*links.get(work, ()), *called]
        artifacts, reused = len(self._makers), sum(self._used)
        return WorkMeasures(
            artifacts=artifacts,
            revisions=self._revisions,
            deleted=self._deleted,
            reused=reused,
            reuse=reused / artifacts if artifacts else None,
            capital_depth=max(longest_chain(links), min(artifacts, 1)),
            bytes_used=self.bytes_used,
        )

    def made_by(self) -> dict[int, int]:
        """How many works each principal made."""
        made: dict[int, int] = {}
        for maker in self._makers:
            if maker is not None:
                made[maker] = made.get(maker, 0) + 1
        return made

    def _known(self, names: tuple[str, ...]) -> list[int]:
        return [self._index[name] for name in names if name in self._index]

    def _use(self, targets: list[int], user: int | None) -> None:
        for target in targets:
            if self._makers[target] != user:
                self._used[target] = 1

    def _created(self, event: ArtifactCreated) -> None:
        self._resize(event.artifact_id, event.size_bytes)
        if event.artifact_type == AGENT_TYPE:
            return
        work = self._index[event.artifact_id] = len(self._makers)
        self._makers.append(self._principals.index(event.principal_id or event.owner))
        self._used.append(0)
        self._declare(work, event.depends_on, self._makers[work])

    def _updated(self, event: ArtifactUpdated) -> None:
        self._resize(event.artifact_id, event.size_bytes)
        work = self._index.get(event.artifact_id)
        if work is not None:
            self._revisions += 1
            self._declare(work, event.depends_on, self._principals.index(event.principal_id or event.owner))

    def _declare(self, work: int, depends_on: tuple[str, ...], author: int | None) -> None:
        if depends_on:
            self._depends_on[work] = depends_on
            self._use(self._known(depends_on), author)
        else:
            self._depends_on.pop(work, None)

    def _removed(self, event: ArtifactDeleted) -> None:
        self._resize(event.artifact_id, 0)
        if event.artifact_id in self._index:
            self._deleted += 1

    def _resize(self, artifact_id: str, size_bytes: int) -> None:
        self.bytes_used += size_bytes - self._size_bytes.get(artifact_id, 0)
        self._size_bytes[artifact_id] = size_bytes

    def _ran(self, event: CodeRan) -> None:
        """A run that succeeded: its caller used the code, and the code builds on what it called itself."""
        work = None if event.fault is not None else self._index.get(event.artifact_id)
        called = self._runs.end(event.turn_id, event.depth, work) if is_invocation(event) else []
        if work is None or event.principal_id is None:
            return
        caller = self._index.get(event.principal_id)
        # An executable that acts for itself is a tool in its maker's hand.
        user = self._principals.index(event.principal_id) if caller is None else self._makers[caller]
        self._use([work], user)
        if called:
            self._called.setdefault(work, {}).update(dict.fromkeys(called))
            self._use(called, self._makers[work])

    def _acted(self, event: ActionTaken) -> None:
        if event.action == READ and event.outcome == COMMITTED and event.target is not None:
            work = self._index.get(event.target)
            if work is not None and event.principal_id is not None:
                self._use([work], self._principals.index(event.principal_id))
