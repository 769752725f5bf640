#!/usr/bin/env python3
"""Write the table of keys in docs/reference/capacity.md from the profile's own types, or check that it is up to date.

python scripts/profile_reference.py           rewrites the table
python scripts/profile_reference.py --check   exit 1 if the table is not what the types say
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec

from calibrate.profiles.file import COMMENTS
from calibrate.profiles.profile import Profile
from scenario_reference import rewrite

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "reference" / "capacity.md"
BEGIN = "<!-- keys: written by scripts/profile_reference.py -->"


def rows(section: type = Profile, prefix: str = "") -> Iterator[str]:
    """The table: a row for each key, sections before their parts; `buckets.N` stands for any row."""
    if section is Profile:
        yield "| key | meaning |"
        yield "|---|---|"
    for field in msgspec.structs.fields(section):
        path = f"{prefix}{field.name}"
        yield f"| `{path}` | {COMMENTS.get(path, '').replace('* ', '· ').replace('+-', '±')} |"
        for part in parts(field.type):
            if issubclass(part, msgspec.Struct):
                yield from rows(part, f"{path}.N." if field.name == "buckets" else f"{path}.")


def parts(annotation: object) -> Iterator[type]:
    """The types that an annotation is made of."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def main(arguments: list[str]) -> int:
    """Rewrite or check; returns the exit code."""
    return rewrite(DOCUMENT, BEGIN, rows(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
