"""Who has used whose work: the distinct families that read, invoked or built upon an artifact of somebody else's.

Families are counted, an agent of genesis with all its descendants, not agents or accounts: those are cheap to make, and
so would be their applause. Users beyond a number that the mint's rubric no longer tells from more are not kept, so that
a record is small and a use never costs more.
"""

import msgspec

from ecology.kernel.register import Register

MOST_USERS = 32


class Use(msgspec.Struct, frozen=True):
    """The first families that used an artifact (`id`), at most MOST_USERS, in the order in which they came."""

    id: str
    users: tuple[str, ...]


class Uses(Register[Use]):
    """The artifacts that somebody else has used."""

    def __init__(self) -> None:
        super().__init__("use", Use)

    def note(self, artifact_id: str, family: str) -> None:
        """One of a family (its founder's id) read, invoked or built upon an artifact."""
        known = self._records.get(artifact_id)
        if known is None:
            self.put(Use(artifact_id, (family,)))
        elif len(known.users) < MOST_USERS and family not in known.users:
            self.put(Use(artifact_id, (*known.users, family)))

    def forget(self, artifact_id: str) -> None:
        """A work is no more, and its name can never mean another."""
        if artifact_id in self._records:
            self.drop(artifact_id)

    def others(self, artifact_id: str, family: str) -> int:
        """How many families other than the bidder's have used an artifact, counted up to MOST_USERS."""
        known = self._records.get(artifact_id)
        return 0 if known is None else sum(user != family for user in known.users)
