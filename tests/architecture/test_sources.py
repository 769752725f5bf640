"""The rules of `rules.py` and `liveness.py`, held against every file of the project."""

import pytest

from tests.architecture.liveness import dead_modules
from tests.architecture.rules import RULES
from tests.architecture.source import PACKAGES, ROOT, Source, project


@pytest.mark.parametrize("rule", RULES)
def test_every_file_obeys(rule: str) -> None:
    violations = [violation for source in project() for violation in RULES[rule](source)]
    assert not violations, "\n" + "\n".join(map(str, violations))


def test_the_rules_see_the_project() -> None:
    """A wrong root would make every rule pass on nothing."""
    assert {source.folder for source in project()} >= set(PACKAGES) | {"scripts", "tests"}


def test_no_module_is_dead() -> None:
    dead = dead_modules(project(), (ROOT / "pyproject.toml").read_text("utf-8"))
    assert not dead, "nothing imports these:\n" + "\n".join(dead)


def test_every_folder_of_modules_is_a_package() -> None:
    """The import contracts do not see a folder without `__init__.py`, and pass over whatever it does."""
    paths = {source.path for source in project() if source.folder in PACKAGES}
    wanted = {f"{path.rpartition('/')[0]}/__init__.py" for path in paths}
    assert not wanted - paths, f"make these, with a docstring: {sorted(wanted - paths)}"


PYPROJECT = '[project]\nscripts = { ecology = "ecology.cli:main" }\n'


def test_a_module_that_nothing_reaches_is_dead() -> None:
    sources = [
        Source("ecology/__init__.py", ""),
        Source("ecology/cli/__init__.py", "from ecology.cli import run"),
        Source("ecology/cli/run.py", "def f():\n    from ..kernel.world import World"),
        Source("ecology/kernel/__init__.py", ""),
        Source("ecology/kernel/world.py", ""),
        Source("ecology/kernel/forgotten.py", "import ecology.kernel.world"),
        Source("ecology/kernel/only_tested.py", ""),
        Source("ecology/testing/__init__.py", ""),
        Source("ecology/testing/server.py", ""),
        Source("ecology/testing/unused.py", ""),
        Source("scripts/bench.py", "import figures\nif __name__ == '__main__':\n    figures.show()"),
        Source("scripts/figures.py", ""),
        Source("scripts/orphan.py", ""),
        Source(
            "tests/unit/test_a.py", "import ecology.kernel.only_tested\nfrom ecology.testing import server"
        ),
    ]
    assert dead_modules(sources, PYPROJECT) == [
        "ecology/kernel/forgotten.py",
        "ecology/kernel/only_tested.py",
        "ecology/testing/unused.py",
        "scripts/orphan.py",
    ]


def test_no_script_hides_a_package() -> None:
    """Python puts a script's folder first on its path: `scripts/ecology.py` would be what `import ecology` finds."""
    scripts = {source.module for source in project() if source.folder == "scripts"}
    assert scripts.isdisjoint(PACKAGES)
