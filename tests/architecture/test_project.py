"""The files around the code agree with it and with each other: lock files, Makefile, gate, change log."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from check_docs import make_targets
from tests.architecture.source import PACKAGES, ROOT, project

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SHIPPED = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["local"]
COMPANIONS = {"pydantic-core": "pydantic", "pydantic-monty-client": "pydantic-monty"}
"""Distributions that another one brings in exactly one version."""
LOCKS = ("requirements.lock", "requirements-dev.lock")


def pins(lock: str) -> dict[str, list[Requirement]]:
    """The pinned requirements of a lock file by name; one name may be pinned once per environment marker."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / lock).read_text("utf-8").splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.removesuffix("\\").strip())
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def group(name: str) -> list[str]:
    """The requirements of a dependency group, those of the groups it includes among them."""
    found: list[str] = []
    for entry in PROJECT["dependency-groups"][name]:
        found += group(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", SHIPPED + group("build")),
        ("requirements-dev.lock", SHIPPED + group("dev")),
    ],
)
def test_lock_satisfies_the_project(lock: str, wanted: list[str]) -> None:
    """`make lock` was run since a dependency changed."""
    pinned = pins(lock)
    for text in wanted:
        requirement = Requirement(text)
        versions = [
            str(pin.specifier).removeprefix("==")
            for pin in pinned.get(canonicalize_name(requirement.name), [])
        ]
        assert versions, f"{text} is not in {lock}: run make lock"
        assert all(version in requirement.specifier for version in versions), (
            f"{lock} has {versions} for {text}"
        )


def test_test_lock_contains_the_run_lock() -> None:
    """So that one environment serves both commands, and the tests see what users run."""
    run, test = (pins(lock) for lock in LOCKS)
    assert {name: list(map(str, run[name])) for name in run} == {
        name: list(map(str, test.get(name, []))) for name in run
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_is_hashed_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    for entry in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("requirement", [*PROJECT["project"]["dependencies"], *group("dev")])
def test_dependency_is_bounded_on_both_sides(requirement: str) -> None:
    bounds = {specifier.operator for specifier in Requirement(requirement).specifier}
    assert bounds == {">=", "<"}


def test_dependencies_are_what_the_packages_import() -> None:
    """None is missing that the tests happen to bring along, and none is installed for nothing."""
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    owners = packages_distributions()
    outside = {
        top: f"{source.path}:{line}"
        for source in project()
        if source.folder in PACKAGES
        for name, line in source.imports()
        if (top := name.partition(".")[0]) not in {*PACKAGES, *sys.stdlib_module_names}
    }
    imported = {
        top: {COMPANIONS.get(name, name) for name in map(canonicalize_name, owners.get(top, ()))}
        for top in outside
    }
    undeclared = [f"{top} ({outside[top]})" for top, names in imported.items() if not names & declared]
    assert not undeclared, "imported, not in pyproject.toml: " + ", ".join(sorted(undeclared))
    unused = declared.difference(*imported.values())
    assert not unused, f"in pyproject.toml, imported nowhere: {sorted(unused)}"


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


def test_make_targets_say_what_they_do() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    explained = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    assert explained == make_targets() == set(phony[1].split())


def test_change_log_begins_with_what_is_not_released() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[:1] == ["Unreleased"]


def test_decisions_are_numbered_and_short() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [int(record.name[:4]) for record in records]
    assert numbers == sorted(set(numbers)), "two records share a number"
    for record in records:
        text = record.read_text("utf-8")
        assert text.startswith(f"# {int(record.name[:4])}. "), f"{record.name} does not begin with its number"
        assert len(text.split()) <= 700, f"{record.name} is longer than a page"


def test_no_document_names_a_place_on_somebodys_machine() -> None:
    places = re.compile(r"(?<![\w.])/(home|root|Users|mnt|workspace)/\w+")
    texts = [
        path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*"), *_packaged()] if path.is_file()
    ]
    found = [path for path in texts if path.suffix != ".png" and places.search(path.read_text("utf-8"))]
    assert not found, f"absolute paths of one machine in {found}"


def _packaged() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if "__pycache__" not in path.parts
    ]
