"""The project's Compose file at work: a project of the test's own, with passwords of its own, taken down at the end."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deployment

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 280
FILES = (ROOT / "docker-compose.yml", ROOT / "tests" / "support" / "compose-without-qdrant.yml")


class Project:
    """What `docker compose` is asked for in one project."""

    def __init__(self, name: str, folder: Path, **variables: str) -> None:
        self.name = name
        deployment.make(_example(folder))
        self._environment = {
            **os.environ,
            "ECOLOGY_SECRETS": str(folder / "secrets"),
            "OBSERVER_PORT": "0",
            "QDRANT_URL": "",
            **variables,
        }

    def compose(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """One command to its end; what it said is in the assertion if it fails."""
        files = [word for file in FILES for word in ("--file", str(file))]
        done = subprocess.run(
            ["docker", "compose", "--project-name", self.name, "--progress", "quiet", *files, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def inside(self, service: str, *command: str, index: int = 1, check: bool = True) -> str:
        """What a command in a container of the service says."""
        done = self.compose("exec", "-T", "--index", str(index), service, *command, check=check)
        return done.stdout + done.stderr

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What the engine knows of the service's containers, those that ended too."""
        ids = self.compose("ps", "--all", "--quiet", service).stdout.split()
        found = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True)
        return list(json.loads(found.stdout))


@contextmanager
def project(folder: Path, **variables: str) -> Iterator[Project]:
    """A project that is gone afterwards, with its volumes and networks."""
    it = Project(f"ecology-test-{os.getpid()}", folder, **variables)
    try:
        yield it
    finally:
        it.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")


def _example(folder: Path) -> Path:
    (folder / ".env.example").write_text((ROOT / ".env.example").read_text("utf-8"), "utf-8")
    return folder
