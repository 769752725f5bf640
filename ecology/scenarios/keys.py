"""The keys that a scenario may have, read off the settings models; for the reference and for good errors."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ecology.scenarios.quantity import Quantity

_SECRET = re.compile(
    r"(.*[_-])?(api[_-]?key|token|secret|passw(or)?d|credentials?|auth)|.*[_-]key", re.IGNORECASE
)


@dataclass(frozen=True)
class Key:
    """One key: dotted path (an item of a list is `0`), what to write there, default as data, meaning."""

    path: str
    expected: str
    default: object
    meaning: str
    required: bool = False


def names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of one section as YAML spells them."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def section(info: FieldInfo) -> type[BaseModel] | None:
    """The settings model behind a key, or of the items of a list; None for a plain value."""
    return next(
        (part for part in _parts(info.annotation) if isinstance(part, type) and issubclass(part, BaseModel)),
        None,
    )


def _parts(annotation: object) -> Iterator[object]:
    """An annotation and all that it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def is_list(info: FieldInfo) -> bool:
    """Whether a key holds a list."""
    return any(getattr(part, "__origin__", None) is tuple for part in _parts(info.annotation))


def model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """The settings model of the section at `path`; None if there is no section."""
    for part in path:
        if isinstance(part, int):
            continue  # an item of a list has the model of the list
        info = names(model).get(part)
        below = section(info) if info else None
        if below is None:
            return None
        model = below
    return model


def walk(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Every key, in the order of the models."""
    for name, info in names(model).items():
        path = f"{prefix}{name}"
        below = section(info)
        if (
            below is None
            or is_list(info)
            or (not info.is_required() and info.get_default(call_default_factory=True) is None)
        ):
            yield Key(
                path, _expected(info), _default(model, name, info), info.description or "", info.is_required()
            )
        if below is not None:
            yield from walk(below, f"{path}.0." if is_list(info) else f"{path}.")


def _expected(info: FieldInfo) -> str:
    below = section(info)
    quantity = next(
        (part for part in (*info.metadata, *_parts(info.annotation)) if isinstance(part, Quantity)), None
    )
    choices = [arg for part in _parts(info.annotation) for arg in get_args(part) if isinstance(arg, str)]
    if quantity is not None and not is_list(info):
        text = f"names, each with {quantity.expected()}" if dict in _origins(info) else quantity.expected()
    elif choices:
        text = " or ".join(f"`{choice}`" for choice in choices)
    elif is_list(info):
        text = "list of sections" if below else "list of names"
    elif below is not None:
        text = "section"
    else:
        text = "text"
    return f"{text}, or null" if type(None) in get_args(info.annotation) else text


def _origins(info: FieldInfo) -> set[object]:
    return {getattr(part, "__origin__", None) for part in _parts(info.annotation)}


def _default(model: type[BaseModel], name: str, info: FieldInfo) -> object:
    """The default in the form that people write; None also where there is none."""
    if info.is_required():
        return None
    required = {key: "maker" for key, other in names(model).items() if other.is_required()}
    shown: object = model.model_validate(required).model_dump(by_alias=True)[name]
    return shown


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known name that `word` most likely means."""
    found = difflib.get_close_matches(word.lower()[:80], list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def suggest(model: type[BaseModel], path: Sequence[str | int]) -> str:
    """How to mend the unknown key at `path`: the nearest beside it, the same name elsewhere, or all names."""
    word = str(path[-1])
    if is_secret(word):
        return "secrets are never read from a scenario: set ECOLOGY_LLM_API_KEY or ECOLOGY_LLM_API_KEY_FILE"
    beside = model_at(model, path[:-1])
    known = list(names(beside)) if beside else []
    close = nearest(word, known)
    elsewhere = [
        key.path
        for key in walk(model)
        if key.path.rpartition(".")[2] == word or f".{word}." in f".{key.path}"
    ]
    if close and (difflib.SequenceMatcher(None, word, close).ratio() >= 0.75 or not elsewhere):
        return f"did you mean '{close}'?"
    if elsewhere:
        at = elsewhere[0].split(".")
        return f"did you mean '{'.'.join(at[: at.index(word) + 1])}'?"
    return f"known here: {', '.join(known)}" if known else "see docs/reference/scenario.md"


def is_secret(word: str) -> bool:
    """Whether a key looks like the name of a secret."""
    return _SECRET.fullmatch(word) is not None
