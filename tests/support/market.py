"""What tests of trade look at and do: who has what, whose a thing is, an offer."""

from ecology.kernel.actions import List
from ecology.resources.assets import SCRIP
from ecology.testing.worlds import Stage

FREE = "transferable_freeware"


def has(stage: Stage, who: str, asset: str = SCRIP) -> int:
    """What an agent or account can dispose of."""
    return stage.world.available(stage.world.principals[who], asset)


def owner(stage: Stage, artifact: str) -> str:
    """Whose an artifact is."""
    found = stage.world.shelf.find(artifact)
    assert found is not None
    return found.owner


def offer(stage: Stage, who: str, **terms: object) -> str:
    """List something; the listing's name."""
    return str(stage.do(who, List(**terms))["listing"])  # type: ignore[arg-type]
