"""What `docker compose` needs before its first start: `.env` and a file for each password. Makes what is missing.

Nothing that is there is changed, so that it can be run again at any time. Only the standard library is used.
"""

import os
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ".env"
EXAMPLE = ".env.example"
FOLDER_VARIABLE = "ECOLOGY_SECRETS"
PASSWORDS = ("postgres_password", "redis_password", "qdrant_api_key")
PASSWORD_BYTES = 24


class DeploymentError(Exception):
    """The text says what cannot be made and how to mend it."""


def make(root: Path = ROOT) -> "list[Path]":
    """Make what is missing, and name it. Raises DeploymentError, and OSError where a file cannot be written."""
    made = []
    settings = root / SETTINGS
    if not settings.exists():
        _write(settings, (root / EXAMPLE).read_text("utf-8"), 0o600)  # a model's key may be written into it
        made.append(settings)
    folder = root / _folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in PASSWORDS:
        path = folder / name
        if not path.exists():
            # The containers' users, who are nobody here, must be able to read it; the folder keeps others out.
            _write(path, secrets.token_hex(PASSWORD_BYTES) + "\n", 0o444)
            made.append(path)
    return made


def _folder(settings: Path) -> str:
    for line in settings.read_text("utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == FOLDER_VARIABLE and value.strip():
            return value.strip().strip("'\"")
    raise DeploymentError(
        f"{settings} does not say where the passwords are; add {FOLDER_VARIABLE}=./secrets to it"
    )


def _write(path: Path, text: str, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    path.chmod(mode)  # whatever the umask made of it


if __name__ == "__main__":
    try:
        made = make()
    except DeploymentError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"cannot write {error.filename} ({error.strerror}); make it writable for you")
    for path in made:
        print(f"made {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
    if not made:
        print("nothing was missing")
