"""The two ways an action ends. Refusals are values: an agent reads them and lives on."""

import msgspec


class Committed(msgspec.Struct, frozen=True):
    """The action took effect; `data` is what the actor learns (JSON-compatible, may be empty)."""

    data: dict[str, object] = {}


class Refused(msgspec.Struct, frozen=True):
    """The action changed nothing. `reason` is a name from `kernel.refusals`, `detail` one line for the actor."""

    reason: str
    detail: str = ""


Outcome = Committed | Refused

NOTHING = Committed()
