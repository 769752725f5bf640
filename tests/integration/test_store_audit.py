"""No change by hand to what the database keeps of an economy escapes the audit; each breaks a check named here."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from ecology.core.clock import SECOND_NS
from ecology.kernel.actions import Action, Bid, Buy, Cancel, Delegate, List, Read, Transfer, Write
from ecology.kernel.economy.settlement import MINTED
from ecology.kernel.flow import set_flow
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import DISK, LLM_BUDGET, LLM_RATE
from ecology.store.audit import audit
from ecology.store.sqlite import SqliteStore
from ecology.testing.worlds import Stage, populate
from tests.support.programs import CONTRACTS, interface

ANN, BEN, EVE, ROY = (f"agent-{ordinal:04d}" for ordinal in range(1, 5))
LAWS = Laws(mint=MintLaw(first_ns=5 * SECOND_NS, every_ns=5 * SECOND_NS))
MINUTE_MS = 60_000
ESSAY = (
    "Of tools that are lent and tools that are sold, and why a price that everybody sees is worth having. "
)

BEGINNING: tuple[tuple[str, Action], ...] = (
    (ANN, Write("treasury", "for all of us", standing=True)),
    (ANN, Transfer("treasury", 100)),
    (ANN, Write("counter", CONTRACTS["counts"], interface=interface("check"))),
    (ANN, Write("thing", "counted", contract="counter")),
    (BEN, Read("thing")),
    (ANN, Delegate("counter", 5, 10, 5_000)),
    (ANN, Write("essay", ESSAY * 3)),
    (ANN, Bid("essay", 7)),
    (BEN, Write("song", "la la", contract="transferable_freeware")),
    (BEN, Bid("song", 2)),
    (BEN, List(5, asset=LLM_RATE, amount=500)),
    (BEN, List(4, artifact="song")),
    (BEN, List(3, asset=LLM_RATE, amount=700, rent_ms=MINUTE_MS)),
    (BEN, List(3, asset=LLM_BUDGET, amount=900, rent_ms=MINUTE_MS)),
    (BEN, List(3, asset=DISK, amount=1_100, rent_ms=MINUTE_MS)),
    (BEN, List(9, asset=DISK, amount=10)),
    *((EVE, Buy(f"listing-{number}")) for number in (3, 4, 5)),
    (BEN, Cancel("listing-6")),
    (EVE, List(1, asset=LLM_RATE, amount=50)),
    (ROY, Buy("listing-7")),
)
"""Up to the first resolution of the mint, which Ann wins."""

LATER: tuple[tuple[str, Action], ...] = (
    (BEN, Bid("song", 3)),
    (ROY, Write("plan", "to be had", contract="transferable_freeware")),
    (ROY, List(6, artifact="plan")),
    (EVE, Read("thing")),
)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with something of everything that an economy keeps, committed in two groups."""
    path = tmp_path_factory.mktemp("economy") / "ecology.sqlite"
    store = SqliteStore.create(path)
    stage = Stage(populate(store.new_world(seed=1, default_contract="freeware", laws=LAWS), 4))
    for ppm, deeds, span_ns in ((2_000_000, BEGINNING, 6 * SECOND_NS), (500_000, LATER, 0)):
        set_flow(stage.world, ppm, stage.now_ns, "a test")
        for who, action in deeds:
            stage.do(who, action)
        stage.pass_time(span_ns)
        store.write(stage.world.take_batch(), stage.now_ns)
        store.commit()
        stage.world.shelf.contents.committed()
    store.close()
    return path


@pytest.fixture
def database(lived: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(lived, tmp_path))


@pytest.fixture
def hand(database: Path) -> Iterator[apsw.Connection]:
    """A hand that respects no constraint."""
    opened = apsw.Connection(str(database))
    opened.execute("PRAGMA ignore_check_constraints = ON")
    yield opened
    opened.close()


def wrong(path: Path) -> set[str]:
    return {check.name for check in audit(path) if not check.ok}


def test_the_world_is_in_order_and_has_something_of_everything(lived: Path) -> None:
    assert wrong(lived) == set()
    opened = apsw.Connection(str(lived), flags=apsw.SQLITE_OPEN_READONLY)
    kinds = dict(opened.execute("SELECT kind, count(*) FROM registers GROUP BY kind"))
    assert kinds["listing"] == 3 and kinds["rental"] == 3
    assert kinds["bid"] == kinds["delegation"] == kinds["office"] == 1
    assert opened.execute("SELECT count(*) FROM artifacts WHERE contract_state <> ''").get == 1
    minted = "SELECT sum(json_extract(body, '$.minted')) FROM events WHERE type = 'mint.closed'"
    assert opened.execute(minted).get > 0
    opened.close()


def _set(kind: str, name: str, key: str, value: str) -> str:
    body = f"CAST(json_set(body, '$.{key}', {value}) AS BLOB)"
    return f"UPDATE registers SET body = {body} WHERE kind = '{kind}' AND id = '{name}'"


def _drop(kind: str, name: str) -> str:
    return f"DELETE FROM registers WHERE kind = '{kind}' AND id = '{name}'"


def _retell(type_: str, key: str, value: str) -> str:
    newest = f"(SELECT max(sequence) FROM events WHERE type = '{type_}')"
    return (
        f"UPDATE events SET body = CAST(json_set(body, '$.{key}', {value}) AS BLOB) WHERE sequence = {newest}"
    )


def _hold_of(kind: str, name: str) -> str:
    return f"(SELECT json_extract(body, '$.hold_id') FROM registers WHERE kind = '{kind}' AND id = '{name}')"


def _account(owner: str, asset: str) -> str:
    return f"(SELECT id FROM ledger_accounts WHERE owner = '{owner}' AND asset = '{asset}')"


BID = "bid-' || (SELECT max(sequence) FROM events WHERE type = 'mint.bid') || '"
DELEGATION = "' || (SELECT id FROM registers WHERE kind = 'delegation') || '"
A_HOLD = "(SELECT min(id) FROM ledger_holds WHERE state = 'pending')"

CHANGES = [
    *[
        (_set("listing", "listing-1", key, value), {"escrow_holds_match"})
        for key, value in (
            *(("amount", "501"), ("price", "6"), ("seller", f"'{ANN}'"), ("hold_id", "12345")),
            ("buyer", f"'{ANN}'"),
            *(("rent_ms", "1000"), ("sequence", "3"), ("listed_ns", "1"), ("asset", "'disk'")),
            ("stale", "json('true')"),
        )
    ],
    (_set("listing", "listing-8", "revision", "2"), {"escrow_holds_match"}),
    (_set("listing", "listing-8", "artifact", "'song'"), {"escrow_holds_match"}),
    (_drop("listing", "listing-1"), {"escrow_holds_match"}),
    (_drop("listing", "listing-8"), {"escrow_holds_match"}),
    ("UPDATE registers SET id = 'listing-99' WHERE id = 'listing-1'", {"escrow_holds_match"}),
    ("UPDATE registers SET body = x'7b' WHERE kind = 'listing'", {"escrow_holds_match"}),
    *[
        (_set("rental", "listing-3", key, value), {"rentals_match"})
        for key, value in (("amount", "699"), ("owner", f"'{ROY}'"), ("until_ns", "9"), ("asset", "'memory'"))
    ],
    (_set("rental", "listing-3", "tenant", f"'{ROY}'"), {"rentals_match"}),
    (_set("rental", "listing-3", "hold_id", "0"), {"rentals_match", "holds_claimed"}),
    (_set("rental", "listing-4", "amount", "901"), {"rentals_match"}),
    (_drop("rental", "listing-3"), {"rentals_match", "holds_claimed"}),
    (_drop("rental", "listing-4"), {"rentals_match"}),
    ("UPDATE registers SET body = x'7b' WHERE kind = 'rental' AND id = 'listing-4'", {"rentals_match"}),
    *[
        (_set("bid", BID, key, value), {"bids_match"})
        for key, value in (("amount", "30"), ("bidder", f"'{ROY}'"), ("artifact", "'plan'"), ("price", "4"))
    ],
    (_drop("bid", BID), {"bids_match"}),
    *[
        (_set("delegation", DELEGATION, key, value), {"delegations_match"})
        for key, value in (
            *(("max_per_call", "6"), ("max_per_window", "60"), ("window_ms", "1000")),
            ("charger", "'essay'"),
        )
    ],
    (_drop("delegation", DELEGATION), {"delegations_match"}),
    (_set("office", "world", "transfers", "0"), {"system_ids_counted"}),
    (_set("office", "world", "flow_ppm", "1000000"), {"flow_as_told"}),
    (_drop("office", "world"), {"system_ids_counted", "flow_as_told"}),
    ("UPDATE artifacts SET contract_state = '9' WHERE id = 'thing'", {"contract_states_match"}),
    ("UPDATE artifacts SET contract_state = 'true' WHERE id = 'essay'", {"contract_states_match"}),
    ("UPDATE artifacts SET standing = 0 WHERE id = 'treasury'", {"rights_as_granted"}),
    ("UPDATE artifacts SET bearer = 'nobody' WHERE id = 'essay'", {"disk_adds_up", "quotas_respected"}),
    ("UPDATE artifacts SET content = zeroblob(9000) WHERE id = 'essay'", {"sizes_true"}),
    ("UPDATE artifacts SET size_bytes = 60000 WHERE id = 'essay'", {"disk_adds_up", "quotas_respected"}),
    ("DROP TABLE subscriptions", {"tables_present"}),
    (f"UPDATE ledger_holds SET state = 'voided' WHERE id = {_hold_of('listing', 'listing-1')}",
     {"no_hold_lost", "escrow_holds_match", "holds_announced", "held_equals_pending_holds"}),
    (f"UPDATE ledger_holds SET state = 'voided' WHERE id = {_hold_of('rental', 'listing-3')}",
     {"no_hold_lost", "rentals_match", "holds_announced", "held_equals_pending_holds"}),
    (f"UPDATE ledger_holds SET state = 'posted' WHERE id = {_hold_of('bid', BID)}",
     {"no_hold_lost", "bids_match", "holds_announced", "held_equals_pending_holds"}),
    (f"UPDATE ledger_transfers SET amount = amount + 1 WHERE id = {A_HOLD}", {"holds_announced"}),
    (f"UPDATE ledger_accounts SET owner = 'nobody' WHERE id = {_account(EVE, LLM_RATE)}", {"rights_as_granted"}),
    (f"UPDATE ledger_accounts SET balance = balance + 1 WHERE id = {_account(EVE, 'scrip')}",
     {"balances_equal_entries", "assets_sum_to_zero"}),
    (_retell("world.flow", "before_ppm", "7"), {"events_sealed", "economy_told"}),
    (_retell("mint.closed", "minted", "10"), {"events_sealed", "supply_is_minted"}),
    (_retell("mint.closed", "price", "1000"), {"events_sealed", "economy_told"}),
    (_retell("escrow.listed", "price", "1"), {"events_sealed", "escrow_holds_match"}),
    (_retell("escrow.sold", "listing_id", "'listing-99'"), {"events_sealed", "economy_told"}),
    (_retell("right.rented", "amount", "5"), {"events_sealed", "rentals_match"}),
    (_retell("right.rented", "until_ns", "5"), {"events_sealed", "rentals_match"}),
    (_retell("mint.bid", "amount", "5"), {"events_sealed", "bids_match"}),
    (_retell("delegation.granted", "max_per_call", "4"), {"events_sealed", "delegations_match"}),
    (_retell("contract.state", "state_sha256", f"'{'0' * 64}'"), {"events_sealed", "contract_states_match"}),
    (_retell("hold.opened", "amount", "1"), {"events_sealed", "holds_announced"}),
    (_retell("hold.closed", "how", "'expired'"), {"events_sealed", "economy_told"}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "checks"), CHANGES)
def test_one_change_by_hand(statement: str, checks: set[str], hand: apsw.Connection, database: Path) -> None:
    hand.execute(statement)
    assert hand.total_changes() > 0 or statement.startswith("DROP"), "there was nothing to change"
    hand.close()
    assert wrong(database) >= checks


def test_whoever_forges_money_from_the_mint_has_the_log_against_him(
    hand: apsw.Connection, database: Path
) -> None:
    """A transfer out of the world's account with all its sums set right."""
    hand.execute(
        f"""
        INSERT INTO ledger_transfers (id, kind, debit, credit, amount, pending_id, expires_ns, time_ns, memo)
        SELECT 77, 1, {_account("world", "scrip")}, {_account(ROY, "scrip")}, 50, 0, 0, time_ns, memo
        FROM ledger_transfers WHERE memo = '{MINTED}';
        UPDATE ledger_accounts SET balance = balance - 50 WHERE id = {_account("world", "scrip")};
        UPDATE ledger_accounts SET balance = balance + 50 WHERE id = {_account(ROY, "scrip")}
        """
    )
    hand.close()
    assert wrong(database) == {"transfers_announced", "supply_is_minted"}


def test_a_budget_that_is_moved_from_one_to_another(hand: apsw.Connection, database: Path) -> None:
    """The sum is right, and yet nobody was told."""
    for owner, sign in ((BEN, "-"), (ROY, "+")):
        hand.execute(
            f"UPDATE ledger_accounts SET balance = balance {sign} 5 WHERE id = {_account(owner, LLM_BUDGET)}"
        )
    hand.close()
    assert wrong(database) == {"balances_equal_entries"}


def test_every_check_has_been_broken(database: Path) -> None:
    """So that no check is one that cannot fail; the ledger's own are broken in its conformance suite."""
    ledgers = {"database_whole", "schema_known", "no_negative_balance", "transfers_between_accounts"}
    rows = {"events_without_gap", "events_filed"}  # tests/acceptance/test_audit.py
    broken = set().union(*(checks for _, checks in CHANGES), {"transfers_announced"})
    assert {check.name for check in audit(database)} - ledgers - rows == broken
