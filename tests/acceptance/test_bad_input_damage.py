"""A run's files damaged behind its back: one line, exit 1, no traceback, and nothing made worse."""

import shutil
from pathlib import Path

import apsw
import pytest

from ecology.core.seeds import Draw
from tests.support.command import called, ecology
from tests.support.faulty_store import FaultyStore, PowerCut
from tests.support.small_run import SmallRun, scenario
from tests.support.stored_run import StoredRun, wrongs

PAGE = 4096


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run."""
    home = tmp_path_factory.mktemp("finished")
    done = called("run", "--agents", "8", "--duration", "3m", "--seed", "2", "--quiet", cwd=home)
    assert done.code == 0, done.err
    return (home / "runs" / "latest").resolve()


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stopped half-way, all of it in the database file itself."""
    home = tmp_path_factory.mktemp("half")
    run = SmallRun.make(home, scenario(agents=8, duration="3m", seed=2))
    with pytest.raises(PowerCut):
        run.live(group_turns=8, wrap=lambda store: FaultyStore(store, 25, "before"))
    return run.path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "run"


def _flip(path: Path, *places: int) -> None:
    with path.open("r+b") as file:
        for place in places:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 0xFF]))


def _expect_one_line(run: Path, *, audit_says: int = 1) -> None:
    """Neither going on nor looking back gets past the damage, and neither of them touches it."""
    before = (run / "ecology.sqlite").read_bytes()
    resumed = called("run", "--resume", run, "--quiet", cwd=run.parent)
    assert resumed.code == 1, resumed
    assert "ecology.sqlite" in resumed.complaint
    audited = called("admin", "audit", run, "--quiet", cwd=run.parent)
    assert audited.code == audit_says, audited
    assert "Traceback" not in audited.err
    assert (run / "ecology.sqlite").read_bytes() == before


@pytest.mark.parametrize("whose", ["finished", "half"])
@pytest.mark.parametrize(
    "damage", ["magic", "version", "page size", "empty", "short", "half a page", "nonsense"]
)
def test_a_database_that_is_none(damage: str, whose: str, copy: Path, finished: Path, half: Path) -> None:
    shutil.copytree(finished if whose == "finished" else half, copy)
    database = copy / "ecology.sqlite"
    size = database.stat().st_size
    match damage:
        case "magic":
            _flip(database, 0, 1, 2)
        case "version":
            _flip(database, 18, 19)
        case "page size":
            _flip(database, 16, 17)
        case "empty":
            database.write_bytes(b"")
        case "short":
            with database.open("r+b") as file:
                file.truncate(size // 2 // PAGE * PAGE)
        case "half a page":
            with database.open("r+b") as file:
                file.truncate(1_000)
        case "nonsense":
            database.write_bytes(b"all work and no play " * 5_000)
    _expect_one_line(copy)


@pytest.mark.parametrize("seed", range(12))
def test_bytes_flipped_in_the_middle(seed: int, copy: Path, half: Path) -> None:
    """A damaged page is either noticed at once, or by the audit at the end: never a traceback, never a quiet pass."""
    shutil.copytree(half, copy)
    database = copy / "ecology.sqlite"
    draw = Draw(seed, 7)
    page = draw.between(1, database.stat().st_size // PAGE - 1)
    _flip(
        database, *(page * PAGE + draw.below(PAGE) for _ in range(64)), *range(page * PAGE, page * PAGE + 12)
    )
    resumed = called("run", "--resume", copy, "--quiet", cwd=copy.parent)
    assert "Traceback" not in resumed.err, f"seed {seed}"
    assert resumed.code in (0, 1)
    if resumed.code == 1 and resumed.err:
        assert resumed.complaint, f"seed {seed}"
    if resumed.code == 0:  # it hit a page that nobody uses
        assert wrongs(copy) == [], f"seed {seed}"


@pytest.mark.parametrize(
    "table", ["events", "agents", "artifacts", "subscriptions", "ledger_accounts", "meta"]
)
def test_a_lost_table(table: str, copy: Path, half: Path) -> None:
    shutil.copytree(half, copy)
    _sql(copy, f"DROP TABLE {table}")
    _expect_one_line(copy)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE artifacts SET content = CAST('{' AS BLOB) WHERE id = 'agent-0001'",
        "UPDATE agents SET inbox = CAST('[999999]' AS BLOB) WHERE ordinal = 1",
        "UPDATE agents SET inbox = CAST('what' AS BLOB) WHERE ordinal = 1",
        "UPDATE agents SET sleep = CAST('{}' AS BLOB) WHERE ordinal = 1",
        "UPDATE agents SET ordinal = 77 WHERE ordinal = 1",
        "UPDATE artifacts SET depends_on = CAST('5' AS BLOB) WHERE id = 'agent-0001'",
        "UPDATE subscriptions SET filter = CAST('5' AS BLOB)",
        "UPDATE meta SET value = 'noon' WHERE name = 'time_ns'",
        "UPDATE meta SET value = '99' WHERE name = 'schema_version'",
        "DELETE FROM ledger_accounts WHERE id = 3",
        "DELETE FROM artifacts WHERE id = 'agent-0001'",
    ],
)
def test_rows_that_make_no_world(change: str, copy: Path, half: Path) -> None:
    shutil.copytree(half, copy)
    if not _sql(copy, change):
        return  # this world has no such row
    before = StoredRun.read(copy).tables
    resumed = called("run", "--resume", copy, "--quiet", cwd=copy.parent)
    assert resumed.code == 1, resumed
    assert "ecology.sqlite" in resumed.complaint
    assert StoredRun.read(copy).tables == before


def _sql(run: Path, statement: str) -> int:
    """Change the database by hand, as one should not; how many rows changed."""
    connection = apsw.Connection(str(run / "ecology.sqlite"))
    connection.execute(statement)
    changed = connection.total_changes()
    connection.close()
    return changed if not statement.startswith("DROP") else 1


def test_a_lost_database(copy: Path, finished: Path) -> None:
    """It is not taken for a run that has not begun: that would begin it again beside its own archive."""
    shutil.copytree(finished, copy)
    (copy / "ecology.sqlite").unlink()
    for command in (("run", "--resume"), ("report",), ("admin", "audit")):
        refused = called(*command, copy, cwd=copy.parent)
        assert refused.code == 2, refused
        assert "ecology.sqlite" in refused.complaint
    assert not (copy / "ecology.sqlite").exists()


def test_another_configuration(copy: Path, half: Path) -> None:
    shutil.copytree(half, copy)
    text = (copy / "run.yaml").read_text()
    (copy / "run.yaml").write_text(text.replace("duration: 3m", "duration: 4m"))
    refused = called("run", "--resume", copy, "--quiet", cwd=copy.parent)
    assert refused.code == 2
    assert "run.yaml" in refused.complaint
    (copy / "run.yaml").write_text(text + "nonsense: [\n")
    refused = called("run", "--resume", copy, "--quiet", cwd=copy.parent)
    assert refused.code == 2
    assert "run.yaml" in refused.complaint


def test_the_archive_of_another_run(copy: Path, finished: Path, half: Path) -> None:
    shutil.copytree(finished, copy)
    shutil.rmtree(copy / "archive.git")
    refused = ecology("run", "--resume", copy, "--quiet", cwd=copy.parent)
    assert refused.code == 1
    assert "archive.git" in refused.complaint
    audited = called("admin", "audit", copy, "--quiet", cwd=copy.parent)
    assert audited.code == 1
    assert "archive_agrees" in audited.out
