"""Whatever a server sends, reading it ends in a reply or in one of two errors, and counts stay counts."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ecology.llm.answer import read_complaint, read_reply
from ecology.llm.errors import ModelError, ModelNonsense, ModelUnreachable, quote
from ecology.llm.estimate import estimate_tokens
from ecology.llm.model import ModelReply

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)
# Close to a completion on purpose: pure noise never gets past the first check.
messages = st.fixed_dictionaries({}, optional={"content": st.text() | anything, "refusal": anything})
choices = st.lists(
    st.fixed_dictionaries({"message": messages}, optional={"finish_reason": anything}), max_size=2
)
usages = st.fixed_dictionaries(
    {"prompt_tokens": st.integers() | leaves, "completion_tokens": st.integers() | leaves}
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "choices": choices | anything,
        "usage": usages | anything,
        "model": anything,
        "error": anything,
    },
)


def outcome(body: bytes) -> ModelReply | ModelError:
    try:
        return read_reply(body, where="http://there/v1", model="m", input_tokens_estimate=9)
    except (ModelNonsense, ModelUnreachable) as error:
        return error


@settings(deadline=None)
@given(bodies | anything)
def test_json_of_any_shape(body: object) -> None:
    result = outcome(json.dumps(body).encode())
    if isinstance(result, ModelReply):
        assert 0 <= result.input_tokens <= 1 << 32
        assert 0 <= result.output_tokens <= 1 << 32
    else:
        assert str(result).isprintable()
        assert (result.input_tokens is None) == (result.output_tokens is None)
        assert result.billed or result.input_tokens is None


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind(body: bytes) -> None:
    result = outcome(body)
    assert isinstance(result, ModelError)
    assert str(result).isprintable()
    assert quote(read_complaint(body)).isprintable()


@settings(deadline=None)
@given(st.text())
def test_a_quote_is_one_printable_line_of_bounded_length(text: str) -> None:
    quoted = quote(text)
    assert quoted.isprintable()
    assert len(quoted) <= 200


@settings(deadline=None)
@given(st.text(), st.text())
def test_estimates_add_up_to_a_token(first: str, second: str) -> None:
    parts = estimate_tokens(first) + estimate_tokens(second)
    assert parts - 1 <= estimate_tokens(first + second) <= parts
