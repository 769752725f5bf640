"""A principal with a loop, as the kernel sees it: rights and levels, what it was told, when it wakes."""

from typing import Literal

from ecology.core.clock import NEVER_NS
from ecology.core.limits import MAX_INBOX_EVENTS
from ecology.events.records import Event
from ecology.kernel.actions import AgentConfig, Sleep
from ecology.resources.bucket import Bucket

Status = Literal["active", "asleep", "blocked", "frozen"]


class Principal:
    """Whoever has standing: holds scrip and rights, bears costs. One without a loop is an account, an artifact's own.

    `accounts` maps assets to ledger accounts. `disk_used` counts the bytes of the artifacts it bears.
    """

    __slots__ = ("accounts", "disk_used", "id")

    def __init__(self, principal_id: str, accounts: dict[str, int]) -> None:
        self.id = principal_id
        self.accounts = accounts
        self.disk_used = 0


class Agent(Principal):
    """Mutable state of one agent; everything the store keeps of it besides its ledger accounts.

    `ordinal` is its place in the world's order and its key on the clock. `due_ns` is when its next turn would have
    begun had it not had to wait on `waiting_on`, or when its sleep ends at the latest. `wake_ns` is when its loop
    looks next. `founder` is the agent of genesis that its line began with, itself if it is one: to the mint a
    family is one party, or children were money.
    """

    __slots__ = (
        "config",
        "config_revision",
        "cpu",
        "due_ns",
        "failures",
        "founder",
        "inbox",
        "llm",
        "mind",
        "missed",
        "ordinal",
        "reason",
        "sleep",
        "status",
        "turn",
        "waiting_on",
        "wake_ns",
    )

    def __init__(self, agent_id: str, ordinal: int, config: AgentConfig, accounts: dict[str, int]) -> None:
        super().__init__(agent_id, accounts)
        self.ordinal = ordinal
        self.founder = agent_id
        self.config = config
        self.config_revision = 1
        self.status: Status = "active"
        self.reason = ""
        self.turn = 0
        self.failures = 0
        self.wake_ns = 0
        self.due_ns = 0
        self.waiting_on: str | None = None
        self.sleep: Sleep | None = None
        self.llm = Bucket(0, 0, 0, 0)
        self.cpu = Bucket(0, 0, 0, 0)
        self.inbox: list[Event] = []
        self.missed = 0
        self.mind = b""

    def tell(self, event: Event) -> None:
        """Put an event in the inbox; when it is full the oldest one is dropped and counted."""
        self.inbox.append(event)
        if len(self.inbox) > MAX_INBOX_EVENTS:
            del self.inbox[0]
            self.missed += 1

    @property
    def parked_for_good(self) -> bool:
        """Whether only somebody else's deed can bring it back."""
        return self.wake_ns == NEVER_NS
