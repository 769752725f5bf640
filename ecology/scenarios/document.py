"""YAML text to plain data with line numbers, and back.

Strict YAML 1.2: one document, no duplicate keys, no tags, and bounds on size, depth and what aliases may
unfold to, so that no file can exhaust memory. Built on the parser's events instead of its constructor because
only these tell the line of every value and keep `0.4` as the text it was.
"""

import copy
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import MappingNode, ScalarNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter

from ecology.core.errors import ScenarioError
from ecology.scenarios.quantity import printable, shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
MAX_NODES = 50_000

KeyPath = tuple[str | int, ...]
"""Where a value stands: the keys and list indices that lead to it."""


@dataclass(frozen=True)
class Document:
    """Plain data (dict, list, str, bool, int, Decimal, None) and the line, from 1, of each value."""

    data: object
    lines: dict[KeyPath, int] = field(default_factory=dict)


def parse(text: str, source: str, kind: str = "scenario") -> Document:
    """The document in `text`; an empty one is None. `source` names the text in errors, `kind` says what it should be.

    Raises ScenarioError with `source:line` for anything that is not strict YAML within the bounds.
    """
    if len(text) > MAX_BYTES:
        raise ScenarioError(
            f"{source}: longer than {MAX_BYTES} characters", remedy=f"no {kind} needs that much"
        )
    builder = _Builder(source, kind)
    try:
        return builder.build(YAML(typ="safe", pure=True).parse(io.StringIO(text)))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ScenarioError(
            f"{source}:{line}: a character that YAML does not allow", remedy="delete it"
        ) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}" if mark else source
        raise ScenarioError(f"{where}: not YAML: {printable(str(error.problem or error.context))}") from error
    except (YAMLError, ValueError, OverflowError, AssertionError) as error:
        # The parser's own, for an escape such as "\U00110000" or a directive such as `%YAML 1.9`.
        raise ScenarioError(f"{source}:{builder.line}: not YAML: {printable(str(error))}") from error


def scalar(text: str) -> object:
    """The value of a plain scalar as YAML 1.2 reads it: null, bool, int, Decimal or str."""
    tag = str(_RESOLVER.resolve(ScalarNode, text, (True, False))).rpartition(":")[2]
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    try:
        if tag == "int" and len(text) <= 40:
            digits = text.lstrip("+-0").lower()
            based = digits[:1] in ("x", "o", "b") and text.lstrip("+-").startswith("0")
            return int(text, 0) if based else int(text)
        if tag == "float" and len(text) <= 40:
            return Decimal(text)
    except (ValueError, ArithmeticError):
        return text  # looks like a number to YAML ("._"), but is none
    return text


def emit(data: object) -> str:
    """YAML text of plain data, in the order of its keys; `parse` reads printable text back equal."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 10_000
    yaml.Representer = _Representer
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


class _Representer(SafeRepresenter):
    """Keeps the order of keys, and writes decimals as plain numbers."""


def _decimal_node(representer: SafeRepresenter, number: Decimal) -> ScalarNode:
    return representer.represent_scalar("tag:yaml.org,2002:float", f"{number:f}")


def _mapping_node(representer: SafeRepresenter, mapping: dict[str, object]) -> MappingNode:
    # Pairs stay in their order; the keys of a mapping would be sorted.
    return representer.represent_mapping("tag:yaml.org,2002:map", list(mapping.items()))


_Representer.add_representer(Decimal, _decimal_node)
_Representer.add_representer(dict, _mapping_node)
_RESOLVER = YAML(typ="safe", pure=True).resolver


class _Builder:
    """Builds one document out of the parser's events."""

    def __init__(self, source: str, kind: str) -> None:
        self._source = source
        self._kind = kind
        self._anchors: dict[str, tuple[object, int]] = {}
        self._lines: dict[KeyPath, int] = {}
        self._nodes = 0
        self.line = 1

    def build(self, events: Iterator[Event]) -> Document:
        data: object = None
        documents = 0
        for event in events:
            self.line = event.start_mark.line + 1
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._fault("a second document", f"keep one {self._kind} in a file")
                data = self._value(next(events), events, ())
        return Document(data, self._lines)

    def _fault(self, what: str, remedy: str) -> ScenarioError:
        return ScenarioError(f"{self._source}:{self.line}: {what}", remedy=remedy)

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._fault(
                f"more than {MAX_NODES} values", f"no {self._kind} needs that many, aliases included"
            )

    def _value(self, event: Event, events: Iterator[Event], path: KeyPath) -> object:
        self.line = event.start_mark.line + 1
        self._lines[path] = self.line
        if len(path) > MAX_DEPTH:
            raise self._fault(f"nested deeper than {MAX_DEPTH} levels", f"no {self._kind} needs that")
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if (tag := getattr(event, "tag", None)) is not None:
            raise self._fault(f"the tag {shown(str(tag))}", f"remove it: a {self._kind} is plain values")
        before = self._nodes
        self._count(1)
        value: object
        if isinstance(event, MappingStartEvent):
            value = self._mapping(events, path)
        elif isinstance(event, SequenceStartEvent):
            value = self._sequence(events, path)
        else:
            assert isinstance(event, ScalarEvent), "the parser emits nothing else here"
            plain, _ = event.implicit  # neither quoted nor a block
            value = scalar(event.value) if plain else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _alias(self, event: AliasEvent) -> object:
        if event.anchor not in self._anchors:
            alias = shown(f"*{event.anchor}")
            raise self._fault(
                f"the alias {alias} has no anchor before it", "define it first, and not inside itself"
            )
        value, nodes = self._anchors[event.anchor]
        self._count(nodes)
        return copy.deepcopy(value)

    def _mapping(self, events: Iterator[Event], path: KeyPath) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            self.line = event.start_mark.line + 1
            if not isinstance(event, ScalarEvent):
                raise self._fault("a key that is not text", "write `key: value`")
            key = event.value
            if key in mapping:
                raise self._fault(f"{shown(key)} stands twice in the same section", "keep one of them")
            mapping[key] = None
            mapping[key] = self._value(next(events), events, (*path, key))
        return mapping

    def _sequence(self, events: Iterator[Event], path: KeyPath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self._value(event, events, (*path, len(items))))
        return items
