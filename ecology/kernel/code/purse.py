"""What code without standing may move of the scrip of whom it acts for."""

from ecology.kernel.scope import Journal


class Purse:
    """An allowance of scrip. What comes out of it comes out of `outer` too: the purse of the code that called this code
    on behalf of the same caller.
    """

    __slots__ = ("_journal", "_left", "_outer")

    def __init__(self, allowance: int, journal: Journal, outer: "Purse | None" = None) -> None:
        self._left = allowance
        self._outer = outer
        self._journal = journal

    @property
    def left(self) -> int:
        """How much may still be moved."""
        return self._left if self._outer is None else min(self._left, self._outer.left)

    def spend(self, amount: int) -> None:
        """Count what is moved, inside a scope: taken back with what it was spent on."""
        assert 0 <= amount <= self.left and self._journal.active
        purse: Purse | None = self
        while purse is not None:
            purse._left -= amount
            purse = purse._outer
        self._journal.undo.append(lambda: self._put_back(amount))

    def _put_back(self, amount: int) -> None:
        purse: Purse | None = self
        while purse is not None:
            purse._left += amount
            purse = purse._outer
