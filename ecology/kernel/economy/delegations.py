"""Who may charge whom: nobody's resources are charged without consent, and consent has bounds."""

import msgspec

from ecology.kernel.register import Register
from ecology.resources.assets import SCRIP

CPU = "cpu"
"""The asset under which CPU microseconds of an executable's runs are delegated; the others are scrip."""

DELEGABLE = (SCRIP, CPU)
"""What a payer may let a contract charge."""


class Delegation(msgspec.Struct, frozen=True):
    """`payer` lets the contract `charger` charge it. A window opens with the first charge after the last one closed."""

    id: str
    payer: str
    charger: str
    asset: str
    max_per_call: int
    max_per_window: int
    window_ms: int
    window_start_ns: int = 0
    spent: int = 0


def delegation_id(payer: str, charger: str, asset: str) -> str:
    """One delegation per payer, charger and asset; a name holds no slash."""
    return f"{payer}/{charger}/{asset}"


class Delegations(Register[Delegation]):
    """The delegations in force."""

    def __init__(self) -> None:
        super().__init__("delegation", Delegation)
        self._by_payer: dict[str, dict[str, None]] = {}

    def of_payer(self, payer: str) -> list[Delegation]:
        """A payer's delegations by id."""
        return [self._records[name] for name in sorted(self._by_payer.get(payer, ()))]

    def file(self, record: Delegation) -> None:
        self._by_payer.setdefault(record.payer, {})[record.id] = None

    def unfile(self, record: Delegation) -> None:
        theirs = self._by_payer[record.payer]
        del theirs[record.id]
        if not theirs:
            del self._by_payer[record.payer]
