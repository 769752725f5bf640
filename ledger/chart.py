"""The chart of accounts: which accounts there are, whose, and what stands on each."""

from collections.abc import Sequence

from ledger.account import Account
from ledger.durable import AccountRow
from ledger.errors import account_conflict
from ledger.transfer import is_storable


def check_names(owner: str, asset: str) -> None:
    """Raise ValueError unless an account can be kept under these names."""
    if not (owner and asset and is_storable(owner) and is_storable(asset)):
        raise ValueError(f"an account needs an owner and an asset, not {owner!r} and {asset!r}")


class Chart:
    """Accounts by id and by (owner, asset). `Book` adds the transfers between them."""

    def __init__(self) -> None:
        self._accounts: dict[int, Account] = {}
        self._by_owner: dict[str, dict[str, Account]] = {}
        self._opened: dict[int, Account] = {}

    def open_account(self, owner: str, asset: str, *, issuer: bool = False) -> int:
        """The id of the owner's account of the asset, made if there is none.

        Raises ValueError for an empty name or one that is not Unicode, AccountConflict if the account exists and is an
        issuer where none was asked for, or the other way round.
        """
        account = self._by_owner.get(owner, {}).get(asset)
        if account is None:
            check_names(owner, asset)
            account = Account(self.size + 1, owner, asset, issuer)
            self._enter(account)
            self._opened[account.id] = account
        elif account.issuer is not issuer:
            raise account_conflict(owner, asset, issuer=account.issuer)
        return account.id

    def restore_account(self, account: Account) -> None:
        """Take in an account as it was stored; for loading only. Ids run from 1 without a gap."""
        assert account.id == self.size + 1, f"account {account.id} follows {self.size}"
        self._enter(account)

    def admit_account(self, account: Account) -> None:
        """Take in one account out of many: a chart of such answers for them alone, and must open none itself."""
        self._enter(account)

    @property
    def size(self) -> int:
        """How many accounts there are; also the largest id."""
        return len(self._accounts)

    def account_id(self, owner: str, asset: str) -> int | None:
        """The id of the owner's account of the asset."""
        account = self._by_owner.get(owner, {}).get(asset)
        return None if account is None else account.id

    def accounts_of(self, owner: str) -> dict[str, int]:
        """The ids of the owner's accounts by asset, oldest first."""
        return {asset: account.id for asset, account in self._by_owner.get(owner, {}).items()}

    def holder(self, account_id: int) -> tuple[str, str]:
        """Owner and asset of an account. Raises KeyError for an unknown one, as do the next three."""
        account = self._accounts[account_id]
        return account.owner, account.asset

    def balance(self, account_id: int) -> int:
        """Credits less debits, held amounts included."""
        return self._accounts[account_id].balance

    def held(self, account_id: int) -> int:
        """The sum of the account's pending holds."""
        return self._accounts[account_id].held

    def available(self, account_id: int) -> int:
        """What the account may spend: its balance less what is held."""
        account = self._accounts[account_id]
        return account.balance - account.held

    def available_of(self, owner: str, asset: str) -> int:
        """What the owner may spend of the asset; 0 without an account."""
        account = self._by_owner.get(owner, {}).get(asset)
        return 0 if account is None else account.balance - account.held

    def totals(self) -> dict[str, int]:
        """The sum of all balances by asset: zero, unless the book is broken."""
        sums: dict[str, int] = {}
        for account in self._accounts.values():
            sums[account.asset] = sums.get(account.asset, 0) + account.balance
        return sums

    def accounts(self) -> Sequence[AccountRow]:
        """Every account as it stands."""
        return [account.row() for account in self._accounts.values()]

    def _close_last(self) -> None:
        """As if the account opened last, which nothing stands on and nobody was handed, had never been opened."""
        account = self._accounts.pop(self.size)
        assert account.balance == account.held == 0, f"account {account.id} is not empty"
        del self._opened[account.id]
        theirs = self._by_owner[account.owner]
        del theirs[account.asset]
        if not theirs:
            del self._by_owner[account.owner]

    def _enter(self, account: Account) -> None:
        self._accounts[account.id] = account
        self._by_owner.setdefault(account.owner, {})[account.asset] = account
