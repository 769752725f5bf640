"""Accounts: where amounts of one asset stand."""

from ledger.durable import AccountRow


class Account:
    """One owner's amount of one asset, in its whole units.

    `balance` is what was credited less what was debited; `held` is the part of it that pending holds set aside. An
    `issuer` is where an asset comes from, and the only kind of account whose balance may be negative: all balances of
    an asset sum to zero.
    """

    __slots__ = ("asset", "balance", "held", "id", "issuer", "owner")

    def __init__(
        self, id: int, owner: str, asset: str, issuer: bool, balance: int = 0, held: int = 0
    ) -> None:
        self.id = id
        self.owner = owner
        self.asset = asset
        self.issuer = issuer
        self.balance = balance
        self.held = held

    @property
    def available(self) -> int:
        """What may be spent: the balance less what is held."""
        return self.balance - self.held

    def row(self) -> AccountRow:
        """The account as it stands."""
        return self.id, self.owner, self.asset, self.issuer, self.balance, self.held
