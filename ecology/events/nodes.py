"""Records of who runs a world: with many nodes, what each of them may do follows from these.

They are nobody's to subscribe to: agents do not learn where they run.
"""

from ecology.events.records import Event


class NodeJoined(Event, frozen=True, kw_only=True, tag="node.joined"):
    """A node runs agents from here on, under a generation (its fencing token) that grows with every joining.

    With a static range it runs the agents from `first` to `last` by ordinal; without one (0 and 0) a share of the rest.
    """

    node_id: str
    generation: int
    first: int = 0
    last: int = 0


class NodeLeft(Event, frozen=True, kw_only=True, tag="node.left"):
    """A node runs no agents from here on: it `left`, or its lease ran out and another found it `lost`."""

    node_id: str
    generation: int
    how: str
