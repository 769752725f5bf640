"""Finding an artifact by its name: the first check of every deed upon one."""

from ecology.artifacts.artifact import Artifact
from ecology.core.outcome import Refused
from ecology.kernel import refusals
from ecology.kernel.world import World


def find(world: World, artifact_id: str) -> Artifact | Refused:
    """The living artifact of that name."""
    artifact = world.shelf.find(artifact_id)
    if artifact is None:
        return Refused(refusals.NOT_FOUND, f"no artifact '{artifact_id[:64]}'")
    if artifact.deleted:
        return Refused(refusals.DELETED, f"'{artifact.id}' was deleted")
    return artifact
