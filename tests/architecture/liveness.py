"""Which modules are alive: reached by imports from a place where execution starts."""

import ast
import tomllib
from collections.abc import Iterable

from tests.architecture.source import PACKAGES, Source


def entry_points(pyproject: str) -> set[str]:
    """The modules that the installed project starts in: console scripts and plug-ins."""
    project = tomllib.loads(pyproject)["project"]
    groups = [project.get("scripts", {}), *project.get("entry-points", {}).values()]
    return {target.partition(":")[0] for group in groups for target in group.values()}


def starts_itself(source: Source) -> bool:
    """Whether the file can be run: a `__main__` module, or one with `if __name__ == "__main__"`."""
    if source.path.endswith("/__main__.py"):
        return True
    return any(
        isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for node in source.tree.body
    )


def dead_modules(sources: Iterable[Source], pyproject: str) -> list[str]:
    """Paths of modules that nothing reaches.

    What ships must be reached without the tests' help; `ecology.testing` exists for them. The three packages are
    themselves places to start, being what a library user imports.
    """
    by_module = {source.module: source for source in sources}
    starts = entry_points(pyproject) | set(PACKAGES)
    starts |= {module for module, source in by_module.items() if starts_itself(source)}
    shipped = _reached(by_module, {start for start in starts if not start.startswith("tests.")})
    tested = _reached(by_module, {module for module in by_module if module.startswith("tests.")})
    return sorted(
        source.path
        for module, source in by_module.items()
        if source.folder != "tests"
        and module not in (tested | shipped if module.startswith("ecology.testing") else shipped)
    )


def _reached(by_module: dict[str, Source], starts: set[str]) -> set[str]:
    reached: set[str] = set()
    waiting = sorted(starts)
    while waiting:
        module = waiting.pop()
        if module in reached or module not in by_module:
            continue
        reached.add(module)
        if "." in module:
            waiting.append(module.rpartition(".")[0])  # importing a.b runs a first
        waiting += [name for name, _ in by_module[module].imports()]
    return reached
