"""The offline embedding: hashed words and pieces of words. It knows spelling, not meaning, and says so by its name.

Every word, and every run of 3 to 5 characters of a word between its boundaries, adds or takes one at a component that
its checksum chooses (feature hashing, Weinberger et al. 2009; pieces of words as in fastText, Bojanowski et al. 2017).
All is counting, so every machine makes the same vectors.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DIMENSION = 384
_SHORTEST, _LONGEST = 3, 5
_WORD_WEIGHT = 3
"""A word counts as much as so many of its pieces: it is rarer than they are."""
_MAX_WORD_CHARACTERS = 64
_WORD = re.compile(r"\w+")


class Lexical:
    """The embedding of that name, without state."""

    name = f"lexical-{DIMENSION}"
    dimension = DIMENSION

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Counts with signs, one row for each text; of a text without a letter or digit all are zero."""
        rows = np.zeros((len(texts), DIMENSION))
        for row, text in zip(rows, texts, strict=True):
            places = [place for word in words(text) for place in _places(word)]
            if places:
                counts = np.bincount(places, minlength=2 * DIMENSION)
                row[:] = counts[:DIMENSION] - counts[DIMENSION:]
        return rows


def words(text: str) -> list[str]:
    """The words of a text as they are compared: in one spelling of Unicode, in lower case."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=65_536)
def _places(word: str) -> tuple[int, ...]:
    """Where a word and its pieces are counted: components that are added to, then as many that are taken from."""
    word = word[:_MAX_WORD_CHARACTERS]
    bounded = f"<{word}>"
    pieces = [
        bounded[start : start + length]
        for length in range(_SHORTEST, _LONGEST + 1)
        for start in range(len(bounded) - length + 1)
    ]
    pieces.extend([f" {word}"] * _WORD_WEIGHT)
    return tuple(zlib.crc32(piece.encode("utf-8", "replace")) % (2 * DIMENSION) for piece in pieces)
