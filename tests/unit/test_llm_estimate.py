"""The guess at tokens."""

import pytest

from ecology.llm.estimate import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("äöü", 2), ("\ud800", 1), ("日本語", 3)],
)
def test_four_bytes_are_estimated_as_a_token(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
