"""The model server's API key: from the environment or a file, and never out again except in the request."""

from collections.abc import Mapping
from pathlib import Path

from ecology.core.errors import UsageError

KEY_VARIABLE = "ECOLOGY_LLM_API_KEY"
KEY_FILE_VARIABLE = "ECOLOGY_LLM_API_KEY_FILE"

_MAX_KEY_CHARACTERS = 4096


class ApiKey:
    """A secret that shows itself only through `reveal`: not in a repr, a format, a pickle or an encoder."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        assert secret, "no key is None, not an empty one"
        self._secret = secret

    def reveal(self) -> str:
        """The key itself; for the request header."""
        return self._secret

    def redact(self, text: str) -> str:
        """`text` without the key: servers quote it in their errors."""
        return text.replace(self._secret, "***")

    def __repr__(self) -> str:
        return "ApiKey(***)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("an API key is not to be stored")


def read_api_key(environment: Mapping[str, str]) -> ApiKey | None:
    """The key that the environment names, None if it names none. Raises UsageError, which never quotes it."""
    direct = environment.get(KEY_VARIABLE, "").strip()
    path = environment.get(KEY_FILE_VARIABLE, "").strip()
    if direct and path:
        raise UsageError(f"{KEY_VARIABLE} and {KEY_FILE_VARIABLE} are both set", remedy="unset one of them")
    if direct:
        return _checked(direct, KEY_VARIABLE)
    if path:
        return _checked(_read(path), f"the file in {KEY_FILE_VARIABLE} ({path})")
    return None


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            # One more than allowed, so that a wrong path to something huge is refused, not read.
            return file.read(_MAX_KEY_CHARACTERS + 1).decode("ascii").strip()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"cannot read {path} ({reason})", remedy=f"mend {KEY_FILE_VARIABLE}") from None
    except UnicodeDecodeError:
        raise UsageError(
            f"{path} is not a text file with a key", remedy=f"mend {KEY_FILE_VARIABLE}"
        ) from None


def _checked(secret: str, source: str) -> ApiKey:
    if not secret:
        raise UsageError(f"{source} is empty", remedy="put the key in, alone on one line")
    if len(secret) > _MAX_KEY_CHARACTERS or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise UsageError(f"{source} does not hold a key", remedy="put the key in, alone on one line")
    return ApiKey(secret)
