"""A real file system of a few megabytes: what happens when it is full is not simulated. Needs root on Linux."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(place: Path, kib: int) -> Iterator[Path]:
    """An empty file system of that size at `place` while the context is open."""
    place.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def resize(place: Path, kib: int) -> None:
    """Make room, as one does."""
    _mount("-o", f"remount,size={kib}k", str(place))


def protect(place: Path) -> None:
    """Nothing can be written there any more."""
    _mount("-o", "remount,ro", str(place))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)
