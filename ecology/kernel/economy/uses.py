"""Who has used whose work: the distinct agents that read, invoked or built upon an artifact of somebody else's.

Agents are counted, not accounts: an account is free to make, and so would be its applause. Users beyond a number that
the mint's rubric no longer tells from more are not kept, so that a record is small and a use never costs more.
"""

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.kernel.register import Register

MOST_USERS = 32


class Use(msgspec.Struct, frozen=True):
    """The first agents that used an artifact (`id`), at most MOST_USERS, in the order in which they came."""

    id: str
    users: tuple[str, ...]


class Uses(Register[Use]):
    """The artifacts that somebody else has used."""

    def __init__(self) -> None:
        super().__init__("use", Use)

    def note(self, artifact: Artifact, agent_id: str) -> None:
        """An agent read, invoked or built upon an artifact; its maker's and its owner's own use does not count."""
        if agent_id == artifact.owner or agent_id == artifact.created_by:
            return
        known = self._records.get(artifact.id)
        if known is None:
            self.put(Use(artifact.id, (agent_id,)))
        elif len(known.users) < MOST_USERS and agent_id not in known.users:
            self.put(Use(artifact.id, (*known.users, agent_id)))

    def forget(self, artifact_id: str) -> None:
        """A work is no more, and its name can never mean another."""
        if artifact_id in self._records:
            self.drop(artifact_id)

    def others(self, artifact_id: str, bidder: str) -> int:
        """How many agents other than the bidder have used an artifact, counted up to MOST_USERS."""
        known = self._records.get(artifact_id)
        return 0 if known is None else sum(user != bidder for user in known.users)
