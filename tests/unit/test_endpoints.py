"""Where services are, out of the environment; and that no password comes out by itself."""

import pickle
from pathlib import Path

import pytest

from ecology.core.errors import UsageError
from ecology.nodes.endpoints import (
    MODEL,
    POSTGRES,
    REDIS,
    SERVICES,
    BackingService,
    Endpoint,
    find,
    secret,
)

PASSWORD = "p@ss/w:rd %"


def found(service: BackingService, **environment: str) -> Endpoint:
    endpoint = find(service, environment)
    assert endpoint is not None
    return endpoint


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_said_is_nothing_used(service: BackingService) -> None:
    assert find(service, {}) is None
    assert find(service, {service.variable: "  "}) is None  # as Compose gives a variable that is not set


@pytest.mark.parametrize(
    ("service", "url", "shown"),
    [
        (POSTGRES, "postgresql://me:secret@db/world", "PostgreSQL at db:5432/world"),
        (POSTGRES, "postgres://me@[::1]:6000/world", "PostgreSQL at [::1]:6000/world"),
        (POSTGRES, "postgresql:///world?host=/run/db&password=secret", "PostgreSQL at /run/db:5432/world"),
        (REDIS, "rediss://:secret@cache:6380/0", "Redis at cache:6380/0"),
        (REDIS, "unix:///run/redis.sock", "Redis at /run/redis.sock"),
        (MODEL, "http://gpu:8000/v1", "the model server at gpu:8000/v1"),
        (MODEL, "https://models.example/v1", "the model server at models.example:443/v1"),
    ],
)
def test_an_endpoint_is_shown_without_its_secrets(service: BackingService, url: str, shown: str) -> None:
    endpoint = found(service, **{service.variable: url})
    assert endpoint.shown == shown
    assert endpoint.reveal() == url
    assert repr(endpoint) == f"Endpoint({shown})"
    with pytest.raises(TypeError, match="not to be stored"):
        pickle.dumps(endpoint)


def test_a_url_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://cache:6379/0\n")
    assert found(REDIS, REDIS_URL_FILE=str(file)).shown == "Redis at cache:6379/0"


@pytest.mark.parametrize(
    ("service", "url", "whole"),
    [
        (POSTGRES, "postgresql://me@db:5432/world", "postgresql://me:p%40ss%2Fw%3Ard%20%25@db:5432/world"),
        (REDIS, "redis://cache:6379/0", "redis://:p%40ss%2Fw%3Ard%20%25@cache:6379/0"),
    ],
)
def test_a_password_may_stand_in_a_file_of_its_own(
    tmp_path: Path, service: BackingService, url: str, whole: str
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    endpoint = found(service, **{service.variable: url, f"{service.password_variable}_FILE": str(file)})
    assert endpoint.reveal() == whole
    assert "p%40" not in endpoint.shown


@pytest.mark.parametrize(
    ("service", "environment", "complaint"),
    [
        (POSTGRES, {"POSTGRES_URL": "mysql://me:secret@db/world"}, "POSTGRES_URL is no URL of PostgreSQL; write"),
        (POSTGRES, {"POSTGRES_URL": "postgresql:///secret"}, "POSTGRES_URL is no URL of PostgreSQL; write"),
        (REDIS, {"REDIS_URL": "redis://:secret@cache:port"}, "REDIS_URL is no URL of Redis; write it as redis://"),
        (MODEL, {"LLM_URL": "http://[secret"}, "LLM_URL is no URL of the model server; write"),
        (
            POSTGRES,
            {"POSTGRES_URL": "postgresql://me:secret@db/w", "POSTGRES_PASSWORD": "secret"},
            "POSTGRES_URL has a password, and POSTGRES_PASSWORD is set as well; take one of them out",
        ),
        (
            REDIS,
            {"REDIS_URL": "redis://:secret@x", "REDIS_URL_FILE": "secret"},
            "REDIS_URL and REDIS_URL_FILE are both set; unset one of them",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line_without_secrets(
    service: BackingService, environment: dict[str, str], complaint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        find(service, environment)
    assert str(caught.value).startswith(complaint)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "No such file or directory"),
        (b"", "does not hold one line of text; put into it what KEY_FILE is for"),
        (b"one\ntwo", "does not hold one line"),
        (b"k" * 5000, "does not hold one line"),
        (b"\xff\xfe", "is no text; mend KEY_FILE"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=complaint):
        secret("KEY", {"KEY_FILE": str(file)})
