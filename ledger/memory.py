"""A ledger that keeps nothing: the oracle behind the public protocol, for tests and for trying things out."""

from collections.abc import Sequence

from ledger.audit import AuditReport, audit_book
from ledger.errors import closed
from ledger.reference import ReferenceBook
from ledger.service import Ledger, check_types
from ledger.transfer import HoldState, Status, Transfer


class MemoryLedger(Ledger):
    """`Ledger` over a `ReferenceBook`: the same answers, gone with the process, slower with every transfer."""

    def __init__(self) -> None:
        self._kept: ReferenceBook | None = ReferenceBook()

    @property
    def _book(self) -> ReferenceBook:
        if self._kept is None:
            raise closed()
        return self._kept

    async def open_account(self, owner: str, asset: str, *, issuer: bool = False) -> int:
        return self._book.open_account(owner, asset, issuer=issuer)

    async def accounts_of(self, owner: str) -> dict[str, int]:
        return self._book.accounts_of(owner)

    async def balance(self, account_id: int) -> int:
        return self._book.balance(account_id)

    async def held(self, account_id: int) -> int:
        return self._book.held(account_id)

    async def available(self, account_id: int) -> int:
        return self._book.available(account_id)

    async def hold_state(self, hold_id: int) -> HoldState | None:
        return self._book.hold_state(hold_id)

    async def submit(self, transfers: Sequence[Transfer]) -> list[Status]:
        check_types(transfers)
        book = self._book
        return [book.apply(transfer) for transfer in transfers]

    async def submit_linked(self, transfers: Sequence[Transfer]) -> list[Status]:
        check_types(transfers)
        return self._book.apply_linked(transfers)

    async def expire(self, now_ns: int) -> list[Transfer]:
        return self._book.expire(now_ns)

    async def audit(self) -> AuditReport:
        return audit_book(self._book)

    async def close(self) -> None:
        self._kept = None
