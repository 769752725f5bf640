"""Strict YAML with line numbers, and bounds that hold against hostile text."""

from decimal import Decimal

import pytest

from ecology.core.errors import ScenarioError
from ecology.scenarios import document


def data(text: str) -> object:
    return document.parse(text, "x.yaml").data


def test_scalars_are_read_as_yaml_1_2() -> None:
    text = "[1, 0.4, 0o17, 0x1F, 0b11, 017, +5, -3, true, null, ~, yes, 2001-01-01, '7', ._, 1_000, 1:30, .inf, 1e3]"
    assert data(text) == [
        1, Decimal("0.4"), 15, 31, 3, 17, 5, -3, True, None, None, "yes", "2001-01-01", "7", "._", 1000, "1:30",
        ".inf", Decimal(1000),
    ]  # fmt: skip


def test_lines_of_every_value() -> None:
    parsed = document.parse("a: 1\nb:\n  - c\n  - d: 2\n", "x.yaml")
    assert parsed.data == {"a": 1, "b": ["c", {"d": 2}]}
    assert parsed.lines[("a",)] == 1
    assert parsed.lines[("b", 0)] == 3
    assert parsed.lines[("b", 1, "d")] == 4


def test_an_empty_file_is_nothing() -> None:
    assert data("") is None
    assert data("# only a comment\n") is None


def test_aliases_are_copies() -> None:
    parsed = data("a: &x {n: 1}\nb: *x\n")
    assert isinstance(parsed, dict)
    parsed["a"]["n"] = 2
    assert parsed["b"] == {"n": 1}


BOMB = "a0: &a0 [1, 2, 3]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "the tag 'tag:yaml.org,2002:python/object:os.system'"),
        ("a: 1\nb: *nobody\n", 2, "the alias '*nobody' has no anchor"),
        ("a: &a [*a]\n", 1, "has no anchor before it"),
        ("a: 1\n? [b]\n: 2\n", 2, "a key that is not text"),
        ("a: [1,\n", 2, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: 1\nb: \x07\n", 2, "a character that YAML does not allow"),
        ('a: "\\U00110000"\n', 1, "not YAML"),
        ("%YAML 1.9\n---\na: 1\n", 1, "not YAML"),
        ("[" * 100_000, 1, "nested deeper than"),
        ("a: [" + "1," * 60_000 + "]", 1, "more than 50000 values"),
        (BOMB, 6, "more than 50000 values"),
    ],
)
def test_faults_name_file_and_line(text: str, line: int, what: str) -> None:
    with pytest.raises(ScenarioError) as fault:
        data(text)
    assert str(fault.value).startswith(f"x.yaml:{line}: ")
    assert what in str(fault.value)


def test_too_long_a_text_is_not_even_parsed() -> None:
    with pytest.raises(ScenarioError, match="longer than 1000000"):
        data("#" * 1_000_001)


def test_what_is_emitted_is_read_back_in_order() -> None:
    value = {
        "z": [1, Decimal("0.000001"), True, None],
        "a": {
            "yes": "yes",
            "n": "1",
            "t": "2001-01-01",
            "e": "",
            "c": "a: b # c",
            "u": "Ökologie «»",
            "m": "<<",
        },
    }
    text = document.emit(value)
    assert data(text) == value
    assert text.index("z:") < text.index("a:")
