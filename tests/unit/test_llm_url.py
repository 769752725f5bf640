"""Which URLs are taken, and how they are shown."""

import pytest

from ecology.core.errors import UsageError
from ecology.llm.http_client import parse_url
from ecology.llm.openai_chat import OpenAIChat


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        (" http://localhost/v1/ ", "http://localhost/v1"),
        ("https://api.example.org/v1", "https://api.example.org/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("http://user:hunter2@host:81/v1", "http://host:81/v1"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert parse_url(url) == (url.strip().rstrip("/"), shown)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "127.0.0.1:8080/v1",
        "ftp://host/v1",
        "http://",
        "http://host:99999/v1",
        "http://host:x/v1",
        "http://[::1/v1",
        "http://ho st/v1",
        "http://host/v1?key=1",
        "file:///etc/passwd",
        "http://" + "a" * 70 + ".example/v1",
        "http://a..b/v1",
    ],
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        OpenAIChat(url, "m")
    assert caught.value.exit_code == 2
    assert "http://127.0.0.1:8080/v1" in str(caught.value)


def test_passwords_are_not_shown() -> None:
    assert "hunter2" not in repr(OpenAIChat("http://user:hunter2@host/v1", "m"))
    with pytest.raises(UsageError) as caught:
        OpenAIChat("ftp://user:hunter2@host/v1", "m")
    assert "hunter2" not in str(caught.value)
