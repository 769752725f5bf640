"""Files with secrets: readable for us and for nobody else. What is in them is never shown."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from ecology.app.checks.finding import Finding, failed, ok, warning
from ecology.app.memory import KEY_VARIABLE as QDRANT_KEY
from ecology.core.errors import UsageError
from ecology.llm.key import KEY_VARIABLE
from ecology.nodes.endpoints import FILE, SERVICES, secret

CONTAINERS_OWN = Path("/run/secrets")
"""Where Docker and Kubernetes put secrets: nobody but the container sees that folder, whatever a file's mode."""


def variables() -> list[str]:
    """The variables whose values may be secret; each may name a file instead by the same name with `_FILE`."""
    named = [name for service in SERVICES for name in (service.variable, service.password_variable) if name]
    return [*named, QDRANT_KEY, KEY_VARIABLE]


def check(environment: Mapping[str, str]) -> Iterator[Finding]:
    """A finding for each file that the environment names."""
    for variable in variables():
        path = environment.get(variable + FILE, "").strip()
        if path:
            yield _look(f"key.{variable.lower()}", variable, Path(path), environment)


def _look(check: str, variable: str, path: Path, environment: Mapping[str, str]) -> Finding:
    try:
        secret(variable, environment)
    except UsageError as fault:
        return failed(check, fault.what, fault.remedy)
    if open_to_all(path):
        return warning(
            check, f"{variable}{FILE}: every user of this machine can read {path}", f"chmod 600 {path}"
        )
    return ok(check, f"{variable}{FILE}: {path} can be read, and by nobody else")


def open_to_all(path: Path) -> bool:
    """Whether any user of this machine may read the file: it lets them, and so does every folder on the way."""
    whole = path.resolve()
    if whole.is_relative_to(CONTAINERS_OWN):
        return False
    return bool(whole.stat().st_mode & stat.S_IROTH) and all(
        folder.stat().st_mode & stat.S_IXOTH for folder in whole.parents
    )
