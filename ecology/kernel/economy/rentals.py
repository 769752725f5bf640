"""Rights that were let for a time. The tenant holds what it enjoys under a hold in favour of the owner.

So the ledger itself sees to it that a rented right is neither passed on nor kept: at the end the hold is posted, and
the right is back. A budget is different: it is there to be spent, so what comes back is what was not.
"""

import msgspec
from sortedcontainers import SortedDict

from ecology.kernel.register import Register
from ecology.resources.assets import LLM_BUDGET


class Rental(msgspec.Struct, frozen=True):
    """`hold_id` is the hold on the tenant's account that the end posts; 0 for a budget, which can be spent."""

    id: str
    sequence: int
    asset: str
    amount: int
    owner: str
    tenant: str
    until_ns: int
    hold_id: int = 0


class Rentals(Register[Rental]):
    """The rentals under way, by the time they end."""

    def __init__(self) -> None:
        super().__init__("rental", Rental)
        self._by_end: SortedDict[tuple[int, int], str] = SortedDict()
        self.rented: dict[tuple[str, str], int] = {}
        """How much a tenant may use and not dispose of, by tenant and asset."""
        self.owed: dict[str, int] = {}
        """Of the budget, by tenant: how much is rented, and is to come back as far as it was not spent."""

    def first_end_ns(self) -> int | None:
        """When the next rental ends."""
        return self._by_end.peekitem(0)[0][0] if self._by_end else None

    def ended(self, now_ns: int) -> list[Rental]:
        """The rentals that are over, in the order in which they ended."""
        places = self._by_end.irange(maximum=(now_ns, 2**63))
        return [self._records[self._by_end[place]] for place in places]

    def file(self, record: Rental) -> None:
        self._by_end[(record.until_ns, record.sequence)] = record.id
        if record.asset == LLM_BUDGET:
            self.owed[record.tenant] = self.owed.get(record.tenant, 0) + record.amount
        else:
            key = (record.tenant, record.asset)
            self.rented[key] = self.rented.get(key, 0) + record.amount

    def unfile(self, record: Rental) -> None:
        del self._by_end[(record.until_ns, record.sequence)]
        if record.asset == LLM_BUDGET:
            self.owed[record.tenant] -= record.amount
            if not self.owed[record.tenant]:
                del self.owed[record.tenant]
        else:
            key = (record.tenant, record.asset)
            self.rented[key] -= record.amount
            if not self.rented[key]:
                del self.rented[key]
