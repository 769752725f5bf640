"""The SQL files of the package: named statements, SQLite's schema, and PostgreSQL's numbered migrations."""

from importlib import resources

_SQL = resources.files("ecology.store").joinpath("sql")


def statements(name: str) -> dict[str, str]:
    """The named statements of one of our SQL files."""
    parts = (
        part.partition("\n")
        for part in _SQL.joinpath(name).read_text(encoding="utf-8").split("-- name: ")[1:]
    )
    return {title.strip(): body.strip().rstrip(";") for title, _, body in parts}


def schema() -> str:
    """The statements that make our tables in SQLite."""
    return _SQL.joinpath("schema.sql").read_text(encoding="utf-8")


def migrations() -> list[str]:
    """The scripts `0001_*.sql`, `0002_*.sql`... for PostgreSQL in order; script n takes version n-1 to n."""
    files = sorted(
        (file for file in _SQL.joinpath("postgres").iterdir() if file.name[:4].isdigit()),
        key=lambda file: file.name,
    )
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1)), "a migration is missing"
    return [file.read_text(encoding="utf-8") for file in files]
