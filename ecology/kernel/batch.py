"""A turn while it happens, and what a group of turns changed once they have."""

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.core import ids
from ecology.events.records import Event
from ecology.events.subscriptions import Subscription
from ecology.kernel.agent import Agent
from ledger import Delta


class Turn:
    """One turn of one principal: who acts, when, and how many ledger transfers it has made so far."""

    __slots__ = ("agent", "id", "now_ns", "step")

    def __init__(self, agent: Agent, now_ns: int) -> None:
        self.agent = agent
        self.id = ids.turn_id(agent.id, agent.turn)
        self.now_ns = now_ns
        self.step = 0

    def next_transfer_id(self) -> int:
        """The id of this turn's next transfer."""
        step = self.step
        self.step = step + 1
        return ids.transfer_id(self.agent.ordinal, self.agent.turn, step)


class Revision(msgspec.Struct, frozen=True):
    """The content that the event `sequence` announced; the archive's input."""

    sequence: int
    artifact_id: str
    revision: int
    content: bytes


class Batch(msgspec.Struct):
    """What a group of turns changed: committed whole or not at all."""

    events: list[Event]
    revisions: list[Revision]
    contents: dict[str, bytes]
    artifacts: list[Artifact]
    agents: list[Agent]
    ledger: Delta
    subscribed: list[Subscription]
    unsubscribed: list[str]
