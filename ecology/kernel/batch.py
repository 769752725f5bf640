"""A turn while it happens, and what a group of turns changed once they have."""

from typing import TYPE_CHECKING

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.core import ids
from ecology.events.records import Event
from ecology.events.subscriptions import Subscription
from ecology.kernel.agent import Agent, Principal
from ledger import Delta

if TYPE_CHECKING:
    from ecology.kernel.code.purse import Purse
    from ecology.kernel.code.tab import Tab


class Turn:
    """One turn of one agent: who acts, when, and how many ledger transfers it has made so far.

    `actor` is the principal on whose behalf a deed is done: the agent itself, or, while code with standing runs, the
    executable. `depth` counts the code that is running. `code_us` and `code_measured_us` add up the CPU of the code
    whose cost the agent bears: as modelled, and as the worker measured it. `tab` holds the turn's runs of code. `purse`
    is set while code acts in its caller's name, `looking` while a contract's check runs, which changes nothing.
    """

    __slots__ = (
        "actor",
        "agent",
        "code_measured_us",
        "code_us",
        "depth",
        "id",
        "looking",
        "now_ns",
        "purse",
        "step",
        "tab",
    )

    def __init__(self, agent: Agent, now_ns: int) -> None:
        self.agent = agent
        self.actor: Principal = agent
        self.id = ids.turn_id(agent.id, agent.turn)
        self.now_ns = now_ns
        self.step = 0
        self.depth = 0
        self.code_us = 0
        self.code_measured_us = 0
        self.tab: Tab | None = None
        self.purse: Purse | None = None
        self.looking = False

    @property
    def may_move(self) -> bool:
        """Whether the turn has ids left for one more deed of up to four transfers; the last ids are for its thought.

        Each run that is under way may have a hold on its price, whose end needs an id too.
        """
        return self.step + self.depth < ids.MAX_STEPS - 8

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
    records: list[tuple[str, str, bytes | None]]
    """Kind, id and JSON body of what the registers changed; a body of None is gone."""
