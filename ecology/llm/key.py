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


def read_api_key(environment: Mapping[str, str], variable: str = KEY_VARIABLE) -> ApiKey | None:
    """The key in that variable, or in the file that `<variable>_FILE` names; None if neither is set.

    Raises UsageError, which never quotes it.
    """
    file_variable = f"{variable}_FILE"
    direct = environment.get(variable, "").strip()
    path = environment.get(file_variable, "").strip()
    if direct and path:
        raise UsageError(f"{variable} and {file_variable} are both set", remedy="unset one of them")
    if direct:
        return _checked(direct, variable)
    if path:
        return _checked(_read(path, file_variable), f"the file in {file_variable} ({path})")
    return None


def _read(path: str, file_variable: str) -> str:
    try:
        with Path(path).open("rb") as file:
            # One more than allowed, so that a wrong path to something huge is refused, not read.
            return file.read(_MAX_KEY_CHARACTERS + 1).decode("ascii").strip()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"cannot read {path} ({reason})", remedy=f"mend {file_variable}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a text file with a key", remedy=f"mend {file_variable}") from None


def _checked(secret: str, source: str) -> ApiKey:
    if not secret:
        raise UsageError(f"{source} is empty", remedy="put the key in, alone on one line")
    if len(secret) > _MAX_KEY_CHARACTERS or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise UsageError(f"{source} does not hold a key", remedy="put the key in, alone on one line")
    return ApiKey(secret)
