"""`ecology admin audit`: 0 for a run as it was left, 1 after one thing was changed by hand, whatever it is."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import apsw
import pytest

from tests.support.command import called, ecology

MODEL_BUDGET = ("--scenario", "famine", "--duration", "20m")
"""Money for thoughts is spent there, scrip and rights change hands."""

MARKET = ("--scenario", "market", "--duration", "5m")
"""Things are for sale, rights are rented and bids await the mint when it ends."""


def _finished(home: Path, scenario: tuple[str, ...]) -> Path:
    done = called("run", *scenario, "--agents", "12", "--seed", "1", "--quiet", cwd=home)
    assert done.code == 0, done.err
    return (home / "runs" / "latest").resolve()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _finished(tmp_path_factory.mktemp("audited"), MODEL_BUDGET)


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _finished(tmp_path_factory.mktemp("traded"), MARKET)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return shutil.copytree(finished, tmp_path / "run", symlinks=True)


def _wrong(run: Path) -> set[str]:
    """The names of the checks that fail."""
    audited = called("admin", "audit", run, "--json", cwd=run.parent)
    verdict = json.loads(audited.out)
    assert verdict["ok"] == (audited.code == 0)
    return {check["name"] for check in verdict["checks"] if not check["ok"]}


def _change(run: Path, statement: str) -> None:
    connection = apsw.Connection(str(run / "ecology.sqlite"))
    connection.execute(statement)
    assert connection.total_changes() > 0, "there was nothing to change"
    connection.close()


def test_a_market_as_it_was_left(traded: Path) -> None:
    assert _wrong(traded) == set()


def test_a_run_as_it_was_left(finished: Path) -> None:
    audited = ecology("admin", "audit", finished, cwd=finished.parent)
    assert audited.code == 0
    lines = audited.out.splitlines()
    assert len(lines) > 12 and all(line.startswith("ok ") for line in lines)
    assert audited.err == ""
    quiet = called("admin", "audit", "--quiet", finished, cwd=finished.parent)
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


AN_ACCOUNT = "(SELECT id FROM ledger_accounts WHERE balance > held AND NOT issuer LIMIT 1)"
A_TRANSFER = "(SELECT max(id) FROM ledger_transfers WHERE kind = 1)"


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (f"UPDATE ledger_accounts SET balance = balance + 1 WHERE id = {AN_ACCOUNT}", "balances_equal_entries"),
        (f"UPDATE ledger_accounts SET balance = balance - 1 WHERE id = {AN_ACCOUNT}", "assets_sum_to_zero"),
        (f"UPDATE ledger_accounts SET held = held + 1 WHERE id = {AN_ACCOUNT}", "held_equals_pending_holds"),
        (f"UPDATE ledger_transfers SET amount = amount + 1 WHERE id = {A_TRANSFER}", "balances_equal_entries"),
        (f"DELETE FROM ledger_transfers WHERE id = {A_TRANSFER}", "transfers_announced"),
        (f"UPDATE ledger_transfers SET debit = credit, credit = debit WHERE id = {A_TRANSFER}", "transfers_announced"),
        ("INSERT INTO ledger_holds (id, state, resolved_by) VALUES (4, 'pending', 0)", "no_hold_lost"),
        ("UPDATE agents SET disk_used = disk_used + 1 WHERE ordinal = 3", "disk_adds_up"),
        ("UPDATE artifacts SET size_bytes = size_bytes + 1 WHERE id = 'agent-0003'", "disk_adds_up"),
        ("UPDATE artifacts SET content = CAST(content || ' ' AS BLOB) WHERE id = 'agent-0003'", "archive_agrees"),
        ("UPDATE events SET body = CAST(replace(body, '\"cpu_us\":', '\"cpu_us\":1') AS BLOB)", "events_sealed"),
        ("UPDATE events SET body = CAST(body || ' ' AS BLOB) WHERE sequence = 300", "events_sealed"),
        ("UPDATE events SET time_ns = time_ns + 1 WHERE sequence = 300", "events_filed"),
        ("UPDATE events SET principal_id = 'agent-0009' WHERE sequence = 5", "events_filed"),
        ("UPDATE events SET body = x'7b' WHERE sequence = 300", "events_filed"),
        ("DELETE FROM events WHERE sequence = 300", "events_without_gap"),
        ("DELETE FROM events WHERE sequence = (SELECT max(sequence) FROM events)", "events_sealed"),
        ("DELETE FROM seals WHERE last_sequence = (SELECT max(last_sequence) FROM seals)", "events_sealed"),
        ("UPDATE seals SET sha256 = zeroblob(32)", "events_sealed"),
    ],
)  # fmt: skip
def test_one_row_changed_by_hand(statement: str, check: str, run: Path) -> None:
    _change(run, statement)
    assert check in _wrong(run)


A_LISTING = "(SELECT id FROM registers WHERE kind = 'listing' AND NOT json_extract(body, '$.stale') LIMIT 1)"
LAST_MINTED = (
    "(SELECT max(sequence) FROM events WHERE type = 'mint.closed' AND json_extract(body, '$.minted') > 0)"
)


def _raise(kind: str, key: str, which: str) -> str:
    body = f"CAST(json_set(body, '$.{key}', json_extract(body, '$.{key}') + 1) AS BLOB)"
    return f"UPDATE registers SET body = {body} WHERE kind = '{kind}' AND id = {which}"


def _any(kind: str) -> str:
    return f"(SELECT id FROM registers WHERE kind = '{kind}' LIMIT 1)"


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (_raise("listing", "price", A_LISTING), "escrow_holds_match"),
        (_raise("rental", "until_ns", _any("rental")), "rentals_match"),
        (_raise("rental", "amount", _any("rental")), "rentals_match"),
        (_raise("bid", "amount", _any("bid")), "bids_match"),
        ("DELETE FROM registers WHERE kind = 'listing'", "escrow_holds_match"),
        (f"DELETE FROM registers WHERE id = {_any('rental')}", "holds_claimed"),
        ("DELETE FROM registers WHERE kind = 'bid'", "bids_match"),
        ("UPDATE registers SET body = x'7b7d' WHERE kind = 'bid'", "bids_match"),
        ("UPDATE registers SET body = x'ff' WHERE kind = 'office'", "system_ids_counted"),
        ("UPDATE ledger_holds SET state = 'expired' WHERE state = 'pending'", "holds_announced"),
        (
            f"UPDATE events SET body = CAST(json_set(body, '$.minted', 9) AS BLOB) WHERE sequence = {LAST_MINTED}",
            "supply_is_minted",
        ),
    ],
)
def test_one_thing_of_the_economy_changed_by_hand(
    statement: str, check: str, traded: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(traded, tmp_path / "run", symlinks=True)
    _change(run, statement)
    assert check in _wrong(run)


def test_both_sides_of_a_transfer_changed(run: Path) -> None:
    """Someone who keeps the sums right still disagrees with the log."""
    for side, sign in (("debit", "-"), ("credit", "+")):
        theirs = f"(SELECT {side} FROM ledger_transfers WHERE id = {A_TRANSFER})"
        _change(run, f"UPDATE ledger_accounts SET balance = balance {sign} 1 WHERE id = {theirs}")
    _change(run, f"UPDATE ledger_transfers SET amount = amount + 1 WHERE id = {A_TRANSFER}")
    assert _wrong(run) == {"transfers_announced"}


def _git(run: Path, *arguments: str, given: str = "") -> str:
    who = {
        "GIT_AUTHOR_NAME": "x",
        "GIT_AUTHOR_EMAIL": "x",
        "GIT_COMMITTER_NAME": "x",
        "GIT_COMMITTER_EMAIL": "x",
    }
    command = ["git", "--git-dir", str(run / "archive.git"), *arguments]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=True, env={**os.environ, **who}
    )
    return done.stdout.strip()


@pytest.mark.parametrize("how", ["cut", "amended", "added", "rewritten", "emptied", "gone", "damaged"])
def test_the_archive_changed_by_hand(how: str, run: Path) -> None:
    branch = "refs/heads/main"
    message = _git(run, "log", "-1", "--format=%B", branch)
    match how:
        case "cut":
            _git(run, "update-ref", branch, f"{branch}~30")
        case "amended":  # the same words over an older tree: what the newest commit wrote is not there
            commit = _git(run, "commit-tree", f"{branch}~30^{{tree}}", "-p", f"{branch}~1", given=message)
            _git(run, "update-ref", branch, commit)
        case "added":
            commit = _git(run, "commit-tree", f"{branch}^{{tree}}", "-p", branch, given=message)
            _git(run, "update-ref", branch, commit)
        case "rewritten":  # an older commit has another author; all trees and words are as they were
            commit = _git(
                run, "commit-tree", f"{branch}~1^{{tree}}", "-p", f"{branch}~2", given="something else"
            )
            commit = _git(run, "commit-tree", f"{branch}^{{tree}}", "-p", commit, given=message)
            _git(run, "update-ref", branch, commit)
        case "emptied":
            _git(run, "update-ref", "-d", branch)
        case "gone":
            shutil.rmtree(run / "archive.git")
        case "damaged":
            pack = next((run / "archive.git" / "objects" / "pack").glob("*.pack"))
            pack.chmod(0o600)
            content = bytearray(pack.read_bytes())
            content[len(content) // 2] ^= 0xFF
            pack.write_bytes(content)
    assert _wrong(run) == {"archive_whole" if how == "damaged" else "archive_agrees"}


def test_several_things_are_told_at_once(run: Path) -> None:
    _change(run, "UPDATE agents SET disk_used = disk_used + 1")
    _change(run, f"UPDATE ledger_accounts SET balance = balance + 1 WHERE id = {AN_ACCOUNT}")
    audited = ecology("admin", "audit", run, "--quiet", cwd=run.parent)
    assert audited.code == 1
    lines = audited.out.splitlines()
    assert {line.split()[1].rstrip(":") for line in lines} >= {"disk_adds_up", "balances_equal_entries"}
    assert all(line.startswith("WRONG ") and len(line) < 2_000 for line in lines)
    assert audited.err == ""


def test_what_the_summary_said_is_not_believed(run: Path) -> None:
    """A finished run whose database was changed since does not pass for complete and well when it is resumed."""
    _change(run, f"UPDATE ledger_accounts SET balance = balance + 1 WHERE id = {AN_ACCOUNT}")
    for name in ("events.jsonl.zst", "summary.json"):
        (run / name).unlink()
    resumed = called("run", "--resume", run, "--quiet", cwd=run.parent)
    assert resumed.code == 1
    assert not json.loads((run / "summary.json").read_text())["audit"]["ok"]
