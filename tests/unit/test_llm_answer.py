"""What comes over the wire is read strictly, and what was counted is kept."""

import json

import pytest

from ecology.llm.answer import read_complaint, read_model_names, read_reply
from ecology.llm.errors import ModelNonsense, ModelUnreachable, quote
from ecology.llm.model import ModelReply

WHERE = "http://there/v1"
USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


def completion(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
        ],
        "model": "m-1",
        "usage": USAGE,
    }
    return body | changes


def read(body: object) -> ModelReply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_reply(data, where=WHERE, model="asked", input_tokens_estimate=11)


def test_a_completion() -> None:
    assert read(completion()) == ModelReply("hello", 7, 3, "m-1")


def test_extra_fields_are_nobodys_business() -> None:
    assert read(completion(system_fingerprint=None, error=None, timings={"x": 1.5})).text == "hello"


def test_a_cut_answer_says_so() -> None:
    cut = completion(choices=[{"message": {"content": "{"}, "finish_reason": "length"}])
    assert read(cut).truncated


def test_an_answer_without_text_is_an_empty_one() -> None:
    # A reasoning model that spent its limit on thought sends null.
    assert read(completion(choices=[{"message": {"content": None}, "finish_reason": "length"}])).text == ""


def test_a_refusal_is_text() -> None:
    refused = completion(choices=[{"message": {"content": None, "refusal": "I will not."}}])
    assert read(refused).text == "I will not."


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": 1},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": 10**12},
        {"prompt_tokens": "7", "completion_tokens": 3},
        "7",
    ],
)
def test_counts_that_are_none_become_estimates(usage: object) -> None:
    reply = read(completion(usage=usage))
    assert (reply.input_tokens, reply.output_tokens, reply.metered) == (11, 2, False)


def test_a_server_that_does_not_give_its_name() -> None:
    assert read(completion(model=None)).model == "asked"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b'"hello"',
        b'{"choices": [',
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b'{"choices": {"0": {}}}',
        b'{"pong": true}',
    ],
)
def test_anything_else_is_nonsense(body: bytes) -> None:
    with pytest.raises(ModelNonsense) as caught:
        read(body)
    line = str(caught.value)
    assert line.startswith(f"{WHERE} answers, but not with a chat completion")
    assert line.isprintable()
    assert caught.value.input_tokens is None


def test_nonsense_that_was_counted_is_billed() -> None:
    with pytest.raises(ModelNonsense) as caught:
        read({"choices": [], "usage": USAGE})
    fault = caught.value
    assert (fault.billed, fault.input_tokens, fault.output_tokens) == (True, 7, 3)


def test_a_login_page_bills_nobody() -> None:
    with pytest.raises(ModelNonsense) as caught:
        read(b"<html>")
    assert not caught.value.billed


def test_an_error_under_a_200_is_the_upstreams() -> None:
    with pytest.raises(ModelUnreachable, match=r"passes on an error: provider down \(502\)"):
        read({"error": {"message": "provider down", "code": 502}})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "no", "code": None, "type": "x"}}, "no"),
        ({"error": {"message": "no", "code": "invalid_api_key"}}, "no (invalid_api_key)"),
        ({"error": "model 'x' not found"}, "model 'x' not found"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"message": "quota"}, "quota"),
        ({"else": 1}, '{"else": 1}'),
    ],
)
def test_the_words_of_an_error(body: object, words: str) -> None:
    assert read_complaint(json.dumps(body).encode()) == words


def test_the_words_of_bytes_that_are_no_text() -> None:
    assert read_complaint(b"\xffbad") == "\ufffdbad"


def test_a_list_of_models() -> None:
    assert read_model_names(b'{"object": "list", "data": [{"id": "a"}, {"id": "b"}]}') == ["a", "b"]
    with pytest.raises(ModelNonsense):
        read_model_names(b"<html>")


def test_quotes_cannot_take_over_a_terminal() -> None:
    assert quote("a\n\tb\x1b[31mred\u202e") == "a b?[31mred?"
    assert len(quote("x" * 5_000)) == 200
