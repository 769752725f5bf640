"""The project's Python files as syntax trees, and what the names in them stand for."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ecology", "ledger", "calibrate")
FOLDERS = (*PACKAGES, "scripts", "tests")


@dataclass(frozen=True)
class Source:
    """One file: its path from the root of the checkout with forward slashes, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def folder(self) -> str:
        """The top-level folder: a package, `scripts` or `tests`."""
        return self.path.partition("/")[0]

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")

    @property
    def module(self) -> str:
        """The dotted name under which others import this file (scripts are imported without their folder)."""
        return (
            self.path.removeprefix("scripts/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        )

    @cached_property
    def meanings(self) -> dict[str, str]:
        """What each imported name stands for, dotted in full: `from time import time as t` gives t: time.time."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    found[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{self.origin(node)}.{alias.name}"
        return found

    def origin(self, node: ast.ImportFrom) -> str:
        """The module that a `from` import names, relative ones resolved."""
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        kept = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*kept, node.module] if node.module else kept)

    def imports(self) -> Iterator[tuple[str, int]]:
        """Each module that is imported, with its line; of `from a import b` both `a` and `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield self.origin(node), node.lineno
                yield from ((f"{self.origin(node)}.{alias.name}", node.lineno) for alias in node.names)

    def meaning(self, node: ast.expr) -> str:
        """The full dotted name of an expression such as `dt.datetime.now`, or "" when it is none of an import's."""
        if isinstance(node, ast.Attribute):
            owner = self.meaning(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return self.meanings.get(node.id, "") if isinstance(node, ast.Name) else ""


def project(root: Path = ROOT) -> list[Source]:
    """Every Python file of the project, in order of path."""
    paths = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    return [Source(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in paths]
