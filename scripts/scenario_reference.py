#!/usr/bin/env python3
"""Write the table of keys in docs/reference/scenario.md from the settings models, or check that it is up to date.

python scripts/scenario_reference.py           rewrites the table
python scripts/scenario_reference.py --check   exit 1 if the table is not what the models say
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from ecology.scenarios import Scenario, document, keys

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "reference" / "scenario.md"
BEGIN, END = "<!-- keys: written by scripts/scenario_reference.py -->", "<!-- end of keys -->"


def rows() -> Iterator[str]:
    """The table: a row for each key; `population.0` stands for any group."""
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key in keys.walk(Scenario):
        path = key.path.replace(".0.", ".N.")
        yield f"| `{path}` | {key.expected} | {default(key)} | {key.meaning} |"


def default(key: keys.Key) -> str:
    """The default as YAML writes it on one line."""
    if key.required:
        return "required"
    value = list(key.default) if isinstance(key.default, tuple) else key.default
    if isinstance(value, list | dict):
        return f"`[{', '.join(value)}]`" if value else ("`[]`" if isinstance(value, list) else "`{}`")
    text = document.emit({"value": value}).removeprefix("value:").strip()
    return f"`{text}`" if text not in ("''",) else "empty"


def rewrite(document: Path, begin: str, table: Iterator[str], arguments: list[str]) -> int:
    """Put the table between `begin` and END, or check that it stands there; returns the exit code."""
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(END)
    body = "\n".join(table)
    current = f"{before}{begin}\n{body}\n{END}{after}"
    if "--check" not in arguments:
        document.write_text(current, encoding="utf-8")
        return 0
    if current == text:
        return 0
    script = begin.removeprefix("<!-- keys: written by ").removesuffix(" -->")
    print(f"{document.name}: the table of keys is out of date; run python {script}", file=sys.stderr)
    return 1


def main(arguments: list[str]) -> int:
    """Rewrite or check; returns the exit code."""
    return rewrite(DOCUMENT, BEGIN, rows(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
