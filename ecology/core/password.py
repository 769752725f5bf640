"""The one kind of chance that must not be repeatable: passwords of servers that live as long as a run, and names that
no other process has."""

import secrets

_BYTES = 24


def new_password() -> str:
    """One that nobody can guess, of letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(_BYTES)
