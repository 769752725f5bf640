"""Who runs whom: a function of the members alone, so that every node that knows them knows the same.

An agent whose ordinal lies in a member's static range is that member's. The others go to the members without a range
by rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998): the member with
the largest hash of (member, agent). When one of n members comes or goes, only its own share, 1/n of the agents on
average, moves.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from ecology.core.errors import UsageError
from ecology.core.limits import MAX_AGENTS
from ecology.kernel.world import SYSTEM_KEY

_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})", re.ASCII)


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node that is in: its fencing token, and the ordinals of its static range (0 and 0 without one)."""

    generation: int
    first: int = 0
    last: int = 0


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Member]).decode


class Membership:
    """The members at some commit, by id; never changed."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self.members = {name: members[name] for name in sorted(members)}
        self._ranged = [(it.first, it.last, name) for name, it in self.members.items() if it.last]
        self._sharing = [name for name, it in self.members.items() if not it.last]
        self._owners: dict[int, str | None] = {}

    @classmethod
    def of(cls, kept: bytes) -> "Membership":
        """From what `encode` made; nothing is nobody."""
        return cls(_decode(kept) if kept else {})

    def encode(self) -> bytes:
        """As the head of the world keeps it."""
        return _encode(self.members)

    def owner(self, ordinal: int) -> str | None:
        """The member that runs the agent of that ordinal, or does the world's work of that key; None if none does."""
        if ordinal not in self._owners:
            self._owners[ordinal] = self._find(ordinal)
        return self._owners[ordinal]

    def _find(self, ordinal: int) -> str | None:
        if ordinal <= SYSTEM_KEY:  # the world's own keys
            return _highest(list(self.members), ordinal)
        for first, last, name in self._ranged:
            if first <= ordinal <= last:
                return name
        return _highest(self._sharing, ordinal)

    def generation(self, name: str) -> int:
        """A member's fencing token; 0 for who is none."""
        member = self.members.get(name)
        return 0 if member is None else member.generation

    def overlapping(self, member: Member) -> str | None:
        """Which member's static range a new one's overlaps."""
        for first, last, name in self._ranged:
            if member.last and first <= member.last and member.first <= last:
                return name
        return None

    def with_member(self, name: str, member: Member) -> "Membership":
        """The same and one more, or the one of that name anew."""
        return Membership({**self.members, name: member})

    def without(self, name: str) -> "Membership":
        """All but one."""
        return Membership({other: it for other, it in self.members.items() if other != name})


def _highest(names: list[str], ordinal: int) -> str | None:
    return max(names, key=lambda name: _weight(name, ordinal), default=None)


def _weight(name: str, ordinal: int) -> bytes:
    return blake2b(f"{name}/{ordinal}".encode(), digest_size=8).digest()


def parse_range(text: str) -> tuple[int, int]:
    """First and last ordinal of an `AGENT_RANGE`; raises UsageError for what is none."""
    form = _RANGE.fullmatch(text.strip())
    first, last = (int(form[1]), int(form[2])) if form else (0, 0)
    if not 1 <= first <= last <= MAX_AGENTS:
        raise UsageError(
            f"AGENT_RANGE '{text[:32]}' is no range of agents",
            remedy="write it as FIRST-LAST, e.g. 1-50, or leave it out to share the agents by lease",
        )
    return first, last
