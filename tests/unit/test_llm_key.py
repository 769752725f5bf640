"""The API key comes from one place and goes nowhere but into the request."""

import pickle
from pathlib import Path

import msgspec
import pytest

from ecology.core.errors import UsageError
from ecology.llm.key import KEY_FILE_VARIABLE, KEY_VARIABLE, ApiKey, read_api_key

SECRET = "sk-very-secret"


def key_file(folder: Path, content: bytes) -> dict[str, str]:
    path = folder / "key"
    path.write_bytes(content)
    return {KEY_FILE_VARIABLE: str(path)}


def test_no_variable_no_key() -> None:
    assert read_api_key({}) is None
    assert read_api_key({KEY_VARIABLE: "", KEY_FILE_VARIABLE: " "}) is None


def test_the_key_itself() -> None:
    key = read_api_key({KEY_VARIABLE: f" {SECRET}\n"})
    assert key is not None
    assert key.reveal() == SECRET


def test_the_key_from_a_file(tmp_path: Path) -> None:
    key = read_api_key(key_file(tmp_path, f"{SECRET}\r\n".encode()))
    assert key is not None
    assert key.reveal() == SECRET


def test_both_is_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="both set; unset one"):
        read_api_key({**key_file(tmp_path, b"x"), KEY_VARIABLE: SECRET})


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"two words", b"a\nb", b"\xff\xfe", b"k" * 5_000, b"a\x00b"]
)
def test_a_file_that_holds_no_key(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        read_api_key(key_file(tmp_path, content))
    assert KEY_FILE_VARIABLE in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="cannot read"):
            read_api_key({KEY_FILE_VARIABLE: str(path)})


def test_a_bad_key_is_not_quoted() -> None:
    with pytest.raises(UsageError) as caught:
        read_api_key({KEY_VARIABLE: "half a-secret"})
    assert "secret" not in str(caught.value)


def test_the_key_does_not_show() -> None:
    key = ApiKey(SECRET)
    assert SECRET not in f"{key} {key!r} {[key]}"
    assert key.redact(f"bad key {SECRET}!") == "bad key ***!"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        msgspec.json.encode({"key": key})
