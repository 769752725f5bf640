"""The layers that a scenario is made of, merged, with the origin of every value for the errors that follow.

Later layers win: defaults, the YAML file, what was measured (a capacity profile), `ECOLOGY__A__B` in the
environment, `--set a.b=c`, the command's own flags.
"""

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecology.core.errors import ScenarioError
from ecology.scenarios import document
from ecology.scenarios.document import MAX_DEPTH, Document, KeyPath
from ecology.scenarios.quantity import printable, shown

ENVIRONMENT_PREFIX = "ECOLOGY__"

FLAGS = {"model.url": "--llm-url", "model.name": "--model"}
"""Flags of the command line that are not called like the key that they set."""


def dotted(path: Sequence[str | int]) -> str:
    """A path as an error line names it: `population.0.share`."""
    return printable(".".join(str(part) for part in path))


@dataclass(frozen=True)
class Origin:
    """Who set a value: a label such as `famine.yaml:12` or `--set agents`; later layers have higher ranks."""

    label: str
    rank: int
    in_file: bool = False


class Layers:
    """Plain data under construction; `origin` tells who set what."""

    def __init__(self, defaults: Mapping[str, object], source: str) -> None:
        self.data: dict[str, object] = copy.deepcopy(dict(defaults))
        self.source = source
        self._origins: dict[KeyPath, Origin] = {}

    def add_document(self, document: Document) -> None:
        """Lay a file over what is there: sections merge, everything else is replaced.

        Raises ScenarioError if the file is not a section of keys.
        """
        if document.data is None:
            return
        if not isinstance(document.data, dict):
            raise ScenarioError(
                f"{self.source}:1: not a scenario: expected keys and values, got {shown(document.data)}",
                remedy="see docs/reference/scenario.md",
            )
        for path, line in document.lines.items():
            if path:
                self._origins[path] = Origin(f"{self.source}:{line}", rank=1, in_file=True)
        _merge(self.data, document.data)

    def add_measured(self, figures: Mapping[str, object], label: str) -> None:
        """Lay measured figures over it: dotted keys, values as they are; `label` names where they stand."""
        for key, value in figures.items():
            self._put(tuple(key.split(".")), value, label)

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Lay the variables that begin with `ECOLOGY__` over it; their names are keys, in any case."""
        named = {
            name: tuple(name[len(ENVIRONMENT_PREFIX) :].lower().split("__"))
            for name in environ
            if _ours(name)
        }
        for name in sorted(named, key=lambda name: (len(named[name]), name)):  # sections before their parts
            label = printable(name)
            self._put(named[name], _override(environ[name], label), label)

    def add_overrides(self, overrides: Sequence[str]) -> None:
        """Lay `a.b=c` over it, in order."""
        for text in overrides:
            key, equals, value = text.partition("=")
            key = key.strip()
            if not equals or not key:
                raise ScenarioError(
                    f"--set {shown(key)}: expected KEY=VALUE", remedy="e.g. --set scrip.initial=50"
                )
            label = f"--set {printable(key)}"
            self._put(tuple(key.split(".")), _override(value, label), label)

    def add_flags(self, flags: Mapping[str, object]) -> None:
        """Lay the command's own flags over it: dotted keys, values as they are; None was not given."""
        for key, value in flags.items():
            if value is not None:
                self._put(tuple(key.split(".")), value, FLAGS.get(key, f"--{key}"))

    def origin(self, path: Sequence[str | int]) -> Origin | None:
        """Who set the value at `path`: the latest of itself, its section, its parts; None for a default."""
        at = tuple(path)
        around = (
            self._origins[at[:length]] for length in range(len(at), 0, -1) if at[:length] in self._origins
        )
        below = (
            origin for key, origin in self._origins.items() if len(key) > len(at) and key[: len(at)] == at
        )
        candidates = [*itertools.islice(around, 1), *(below if at else ())]
        return max(candidates, key=lambda origin: origin.rank, default=None)

    def _put(self, keys: tuple[str, ...], value: object, label: str) -> None:
        if not all(keys):
            raise ScenarioError(f"{label}: an empty part in the key", remedy="e.g. scrip.initial")
        if len(keys) > MAX_DEPTH:
            raise ScenarioError(
                f"{label}: a key of more than {MAX_DEPTH} parts", remedy="no key is that deep"
            )
        node: object = self.data
        path: KeyPath = ()
        for part in keys[:-1]:
            path = (*path, _step(node, part, path, label))
            node = _child(node, path[-1])
        last = _step(node, keys[-1], path, label)
        path = (*path, last)
        if isinstance(node, list) and isinstance(last, int):
            node[last:] = [value, *node[last + 1 :]]
        else:
            assert isinstance(node, dict), "_step refuses anything else"
            node[str(last)] = value
        self._origins = {at: origin for at, origin in self._origins.items() if at[: len(path)] != path}
        rank = max((origin.rank for origin in self._origins.values()), default=1) + 1
        self._origins[path] = Origin(label, rank)


def _ours(name: str) -> bool:
    return name.upper().startswith(ENVIRONMENT_PREFIX)


def _override(text: str, label: str) -> object:
    """A value as YAML reads it: a plain scalar, or with brackets or quotes a list, a section or text."""
    text = text.strip()
    return document.parse(text, label).data if text[:1] in tuple("[{\"'") else document.scalar(text)


def _step(node: object, part: str, path: KeyPath, label: str) -> str | int:
    """The key or index that `part` means below `node`."""
    if isinstance(node, dict):
        return part
    if not isinstance(node, list):
        raise ScenarioError(f"{label}: {dotted(path)} has no parts", remedy=f"set {dotted(path)} itself")
    if not (part.isascii() and part.isdecimal() and len(part) <= 6 and int(part) <= len(node)):
        raise ScenarioError(
            f"{label}: {dotted(path)} is a list of {len(node)}",
            remedy=f"name an item from 0, or {len(node)} for a new one",
        )
    return int(part)


def _child(node: object, key: str | int) -> object:
    """What stands at `key`, made if it is not there yet."""
    if isinstance(node, list) and isinstance(key, int):
        if key == len(node):
            node.append({})
        if node[key] is None:
            node[key] = {}
        return node[key]
    assert isinstance(node, dict), "_step refuses anything else"
    if node.get(str(key)) is None:
        node[str(key)] = {}
    return node[str(key)]


def _merge(base: dict[str, object], over: Mapping[str, object]) -> None:
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            _merge(below, value)
        else:
            base[key] = value
