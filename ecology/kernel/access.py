"""Finding an artifact and asking its contract: the first two checks of every deed upon one."""

from ecology.artifacts.artifact import Artifact
from ecology.core.outcome import Refused
from ecology.kernel import refusals
from ecology.kernel.batch import Turn
from ecology.kernel.contracts import Access
from ecology.kernel.world import World


def find(world: World, artifact_id: str) -> Artifact | Refused:
    """The living artifact of that name."""
    artifact = world.shelf.find(artifact_id)
    if artifact is None:
        return Refused(refusals.NOT_FOUND, f"no artifact '{artifact_id[:64]}'")
    if artifact.deleted:
        return Refused(refusals.DELETED, f"'{artifact.id}' was deleted")
    return artifact


def authorise(world: World, turn: Turn, access: Access, artifact: Artifact) -> Refused | None:
    """The contract's refusal, or None."""
    decision = world.contracts.check(turn.actor.id, access, artifact)
    return None if decision.allowed else Refused(refusals.NOT_PERMITTED, decision.reason)
