"""The SQL files of the package: named statements and numbered migrations, by dialect."""

from importlib import resources

_SQL = resources.files("ledger").joinpath("sql")


def statements(dialect: str, name: str) -> dict[str, str]:
    """The statements of a SQL file by the names in its `-- name:` lines."""
    parts = _SQL.joinpath(dialect, name).read_text(encoding="utf-8").split("-- name: ")[1:]
    return {
        name.strip(): body.strip().rstrip(";") for name, _, body in (part.partition("\n") for part in parts)
    }


def migrations(dialect: str) -> list[str]:
    """The scripts `0001_*.sql`, `0002_*.sql`... in order; script n takes version n-1 to n."""
    files = sorted(
        (file for file in _SQL.joinpath(dialect).iterdir() if file.name[:4].isdigit()),
        key=lambda file: file.name,
    )
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1)), "a migration is missing"
    return [file.read_text(encoding="utf-8") for file in files]
