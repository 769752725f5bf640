"""The offline embedding and its whole-numbered vectors."""

import zlib

import numpy as np
import pytest

from ecology.memory.lexical import Lexical, words
from ecology.memory.vectors import NORM, per_mille, quantised

CHECKSUM = 604119631


def likeness(one: str, other: str) -> int:
    first, second = quantised(Lexical().embed([one, other]))
    return per_mille(int(np.dot(first, second)))


def test_vectors_are_the_same_on_every_machine() -> None:
    """A checksum over the vectors of some texts: whoever changes the embedding changes its name too."""
    texts = ["the miller owes me 20 scrip", "Ünïcödé ﬁsh", "粉屋 は パン を 焼く", "", "a", "x" * 5_000]
    rows = quantised(Lexical().embed(texts))
    assert zlib.crc32(np.array(rows, dtype="<i4").tobytes()) == CHECKSUM
    assert Lexical().name == "lexical-384"


def test_components_are_whole_and_lengths_are_alike() -> None:
    rows = np.array(quantised(Lexical().embed(["one two three", "bakery", "word " * 500])))
    assert (rows == np.rint(rows)).all()
    assert np.abs(np.linalg.norm(rows, axis=1) - NORM).max() < 10


def test_sums_of_products_stay_where_32_bit_floats_are_exact() -> None:
    rows = np.abs(np.array(quantised(Lexical().embed(["a", "b c", "the quick brown fox " * 50]))))
    assert (rows @ rows.T).max() < 1 << 24


def test_likeness_is_of_spelling() -> None:
    assert likeness("the bakery opens at nine", "The BAKERY opens, at nine!") >= 990
    assert likeness("when does the bakery open", "the bakery opens at nine") > 400
    assert likeness("the baker baked bread", "a bakery with breads") > 100
    assert likeness("the bakery opens at nine", "quarterly tax forms") < 150


@pytest.mark.parametrize("text", ["", " \n", "?!…", "\ud800"])
def test_a_text_without_words_is_like_nothing(text: str) -> None:
    assert not any(quantised(Lexical().embed([text]))[0])
    assert likeness(text, "bakery") == 0


def test_words_are_compared_in_one_spelling() -> None:
    assert words("ﬁsh Straße, ＡＢＣ don't") == ["fish", "strasse", "abc", "don", "t"]


def test_likeness_is_a_share_of_a_thousand() -> None:
    assert [per_mille(score) for score in (NORM * NORM + 5_000, NORM * NORM // 2, 0, -5)] == [
        1_000,
        500,
        0,
        0,
    ]
