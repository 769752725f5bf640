"""The fast book with its database behind it, held against the oracle through random lives with crashes."""

import copy
import random
import tempfile
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger import MAX_AMOUNT, Kind, LedgerFault, Status, Transfer, sqlite
from ledger.audit import audit, audit_book
from ledger.reference import ReferenceBook

EDGES = st.sampled_from([-(2**70), -1, 0, MAX_AMOUNT - 1, MAX_AMOUNT, MAX_AMOUNT + 1, 2**70])
TIMES = st.integers(0, 12)
AMOUNTS = st.integers(1, 12)
MEMOS = st.sampled_from(["", "", "", "rent", "für dich", "\0", "x" * 1024, "x" * 1025, "\ud800"])


def mostly(usual: st.SearchStrategy[int]) -> st.SearchStrategy[int]:
    """The usual values, now and then a value at the edge of what fits."""
    return st.one_of(*[usual] * 15, EDGES)


wild = st.builds(
    Transfer,
    id=mostly(st.integers(1, 24)),
    kind=st.sampled_from(Kind),
    debit=mostly(st.integers(0, 6)),
    credit=mostly(st.integers(0, 6)),
    amount=mostly(AMOUNTS),
    pending_id=mostly(st.integers(0, 24)),
    expires_ns=mostly(TIMES),
    time_ns=mostly(TIMES),
    memo=MEMOS,
)


class Move(NamedTuple):
    """A sensible transfer or hold, with an id that is new when it is made."""

    between: tuple[int, int]
    amount: int
    held: bool
    expires_ns: int

    def transfer(self, life: "Life") -> Transfer:
        kind = Kind.HOLD if self.held else Kind.TRANSFER
        made = Transfer(life.new_id(), kind, *self.between, self.amount, 0, self.held * self.expires_ns)
        life.made.append(made)
        return made


class End(NamedTuple):
    """A post or void of one of the holds that were asked for."""

    kind: Kind
    which: int
    amount: int
    named: bool
    time_ns: int

    def transfer(self, life: "Life") -> Transfer:
        holds = [it for it in life.made if it.kind is Kind.HOLD]
        if not holds:
            return Transfer(life.new_id(), self.kind, 0, 0, self.amount, pending_id=self.which + 1)
        hold = holds[-1 - self.which % len(holds)]
        accounts = (hold.debit, hold.credit) if self.named else (0, 0)
        made = Transfer(life.new_id(), self.kind, *accounts, self.amount, hold.id, time_ns=self.time_ns)
        life.made.append(made)
        return made


class Again(NamedTuple):
    """Something asked for before, unchanged or not."""

    which: int
    changes: dict[str, int]

    def transfer(self, life: "Life") -> Transfer:
        if not life.made:
            return Transfer(life.new_id(), Kind.VOID, 0, 0, 0, pending_id=1)
        return msgspec.structs.replace(life.made[-1 - self.which % len(life.made)], **self.changes)


class Wild(NamedTuple):
    """Anything at all."""

    it: Transfer

    def transfer(self, life: "Life") -> Transfer:
        return self.it


Intent = Move | End | Again | Wild
RECENT = st.integers(0, 3) | st.integers(0, 40)
CHANGES = st.sampled_from(["debit", "credit", "amount", "pending_id", "time_ns", "expires_ns"])
PAIRS = st.sampled_from([(1, 2), (1, 3), (2, 3), (3, 2), (2, 1), (3, 1)])
moves = st.builds(Move, PAIRS, mostly(AMOUNTS), st.booleans(), st.just(0) | TIMES)
ends = st.builds(
    End, st.sampled_from([Kind.POST, Kind.VOID]), RECENT, mostly(st.just(0) | AMOUNTS), st.booleans(), TIMES
)
agains = st.builds(Again, RECENT, st.just({}) | st.dictionaries(CHANGES, mostly(TIMES), max_size=1))
intents: st.SearchStrategy[Intent] = st.one_of(moves, moves, ends, ends, agains, st.builds(Wild, wild))


class Expire(NamedTuple):
    """Time passes between two savepoints."""

    now_ns: int


class Open(NamedTuple):
    """An account for somebody who may have none."""

    owner: str


class Attempt(NamedTuple):
    """A stretch between a savepoint and its end; when not kept, it is rolled back halfway too and tried once more."""

    steps: "tuple[Step, ...]"
    kept: bool


Step = Intent | Expire | Open | Attempt
single_steps: st.SearchStrategy[Step] = st.one_of(
    intents, intents, intents, st.builds(Expire, TIMES), st.builds(Open, st.sampled_from(["cy", "di"]))
)


@st.composite
def attempts(draw: st.DrawFn, depth: int = 0) -> Attempt:
    """Up to four levels of savepoints."""
    steps: list[Step] = []
    for _ in range(draw(st.integers(0, 5))):
        deeper = depth < 3 and draw(st.integers(0, 3)) == 0
        steps.append(draw(attempts(depth + 1)) if deeper else draw(single_steps))
    return Attempt(tuple(steps), draw(st.booleans()))


def drawn(draw: random.Random) -> Intent:
    """An intent without Hypothesis's love of extremes, so that long sensible lives happen too."""
    pair = tuple(draw.sample((1, 2, 3), 2))
    which, amount, time_ns = (
        draw.choice((0, 1, draw.randrange(60))),
        draw.randrange(1, 13),
        draw.randrange(13),
    )
    match draw.randrange(10):
        case 0 | 1:
            return Move((pair[0], pair[1]), amount, False, 0)
        case 2 | 3 | 4:
            return Move((pair[0], pair[1]), amount, True, draw.choice((0, 6, 12)))
        case 5 | 6 | 7:
            return End(
                draw.choice((Kind.POST, Kind.VOID)), which, draw.choice((0, 0, amount)), time_ns < 3, time_ns
            )
        case 8:
            return Again(which, {})
        case _:
            return Again(which, {draw.choice(("debit", "credit", "amount", "pending_id", "id")): amount})


class Life(RuleBasedStateMachine):
    """A book, its file, the oracle, and a copy of the oracle as of the last commit."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self.folder.name, "ledger.sqlite"))
        self.last_id = 24
        self.made: list[Transfer] = []
        self.oracle = ReferenceBook()
        self.durable = copy.deepcopy(self.oracle)
        self.open()

    @initialize()
    def found(self) -> None:
        for owner, asset, issuer in (
            ("world", "scrip", True),
            ("ann", "scrip", False),
            ("ben", "scrip", False),
            ("world", "disk", True),
            ("ann", "disk", False),
        ):
            self.open_account(owner, asset, issuer)
        for credit in (2, 3):
            funds = Transfer(self.new_id(), Kind.TRANSFER, 1, credit, 20)
            assert self.book.apply(funds) is self.oracle.apply(funds) is Status.CREATED

    @rule(
        owner=st.sampled_from(["world", "ann", "ben", "cy", "", "\ud800"]),
        asset=st.sampled_from(["scrip", "disk"]),
        issuer=st.booleans(),
    )
    def open_account(self, owner: str, asset: str, issuer: bool) -> None:
        try:
            expected = self.oracle.open_account(owner, asset, issuer=issuer)
        except (ValueError, LedgerFault) as fault:
            with pytest.raises(type(fault)):
                self.book.open_account(owner, asset, issuer=issuer)
            return
        assert self.book.open_account(owner, asset, issuer=issuer) == expected

    @rule(batch=st.lists(intents, min_size=1, max_size=12), prefetched=st.booleans())
    def apply(self, batch: list[Intent], prefetched: bool) -> None:
        transfers = [it.transfer(self) for it in batch]
        if prefetched:
            self.history.prefetch([it.id for it in transfers] + [it.pending_id for it in transfers])
        assert [self.book.apply(it) for it in transfers] == [self.oracle.apply(it) for it in transfers]

    @rule(chain=st.lists(intents, min_size=1, max_size=5))
    def apply_linked(self, chain: list[Intent]) -> None:
        transfers = [it.transfer(self) for it in chain]
        assert self.book.apply_linked(transfers) == self.oracle.apply_linked(transfers)

    @rule(seed=st.integers(0, 2**32))
    def wander(self, seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(30):
            chain = [drawn(draw).transfer(self) for _ in range(draw.choice((1, 1, 1, 2, 3)))]
            if len(chain) > 1:
                assert self.book.apply_linked(chain) == self.oracle.apply_linked(chain)
            else:
                assert self.book.apply(chain[0]) == self.oracle.apply(chain[0])

    @rule(attempt=attempts())
    def attempt(self, attempt: Attempt) -> None:
        """Savepoints within savepoints: what is rolled back never was, and the book forgets that it could have been."""
        self.take(attempt)
        self.book.release()
        self.they_agree()

    def take(self, step: Step) -> None:
        if isinstance(step, Expire):
            assert self.book.expire(step.now_ns) == self.oracle.expire(step.now_ns)
        elif isinstance(step, Open):
            self.open_account(step.owner, "disk", issuer=False)
        elif isinstance(step, Attempt):
            before, mark = copy.deepcopy(self.oracle), self.book.savepoint()
            for inner in step.steps:
                self.take(inner)
            if not step.kept:
                self.book.roll_back(mark)
                self.oracle = copy.deepcopy(before)
                self.they_agree()
                for inner in step.steps[: len(step.steps) // 2]:
                    self.take(inner)
                self.book.roll_back(mark)
                self.oracle = before
                self.they_agree()
        else:
            transfer = step.transfer(self)
            assert self.book.apply(transfer) == self.oracle.apply(transfer)

    @rule(start=RECENT, length=st.integers(1, 4))
    def apply_a_chain_again(self, start: int, length: int) -> None:
        chain = self.made[start : start + length]
        assert self.book.apply_linked(chain) == self.oracle.apply_linked(chain)

    def new_id(self) -> int:
        """Ids mostly grow, as a careful caller's do."""
        self.last_id += 1
        return self.last_id if self.last_id % 7 else self.last_id + 1_000

    @rule(now_ns=TIMES)
    def expire(self, now_ns: int) -> None:
        assert self.book.expire(now_ns) == self.oracle.expire(now_ns)

    @rule()
    def commit(self) -> None:
        delta = self.book.take_delta()
        with self.connection:
            sqlite.write(self.connection, delta)
        self.history.wrote(delta)
        self.durable = copy.deepcopy(self.oracle)
        report = audit(self.connection)
        assert report.ok, report

    @rule()
    def commit_and_reopen(self) -> None:
        self.commit()
        self.reopen()

    @rule(written=st.booleans())
    def crash(self, written: bool) -> None:
        """Die before or after the rows are written, but before they are committed."""
        if written:
            self.connection.execute("BEGIN IMMEDIATE")
            sqlite.write(self.connection, self.book.take_delta())
        self.reopen()
        self.oracle = copy.deepcopy(self.durable)
        report = audit(self.connection)
        assert report.ok, report

    def reopen(self) -> None:
        self.connection.close()
        self.open()

    def open(self) -> None:
        self.connection = apsw.Connection(self.path)
        self.connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
        sqlite.migrate(self.connection)
        self.history = sqlite.SqliteHistory(self.connection)
        self.book = sqlite.load(self.connection, self.history)

    @invariant()
    def they_agree(self) -> None:
        rows = self.oracle.accounts()
        assert self.book.accounts() == rows
        assert self.book.pending() == self.oracle.pending()
        assert self.book.totals() == self.oracle.totals()
        assert not any(self.book.totals().values())
        assert audit_book(self.book).ok
        for id_, owner, asset, issuer, balance, held in rows:
            assert (self.book.balance(id_), self.book.held(id_)) == (balance, held)
            assert (
                self.book.available(id_) == self.book.available_of(owner, asset) == self.oracle.available(id_)
            )
            assert issuer or balance >= held >= 0
            assert self.book.account_id(owner, asset) == self.book.accounts_of(owner)[asset] == id_

    @rule(hold_id=mostly(st.integers(1, 60)))
    def ask_for_a_hold(self, hold_id: int) -> None:
        assert self.book.hold_state(hold_id) == self.oracle.hold_state(hold_id)

    def teardown(self) -> None:
        self.connection.close()
        self.folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
