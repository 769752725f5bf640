"""An observer process: the world that it watches, where it keeps the archive, and its life."""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from ecology.app.interruption import Interruption
from ecology.app.observer_figures import Figures
from ecology.core.clock import host_ns, utc_stamp
from ecology.core.errors import UsageError
from ecology.nodes.endpoints import Endpoint
from ecology.nodes.service import LOOPBACK, OBSERVER_PORT, Service
from ecology.observe.live.observer import Observer
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_watch import Watch

SUMMARY = "/api/v1/summary"


class Place(msgspec.Struct, frozen=True):
    """Where an observer finds its world, keeps the archive and answers."""

    postgres: Endpoint
    archive: Path
    host: str = LOOPBACK
    port: int = OBSERVER_PORT


async def watch(place: Place, say: Callable[[str], None]) -> None:
    """Watch the world until a signal comes. Raises EcologyError for what keeps it from beginning."""
    _make_folder(place.archive)
    with Interruption() as interruption:
        holder = f"{socket.gethostname()[:40]}-{os.getpid()}-{utc_stamp()}-{host_ns()}"
        stop = asyncio.Event()
        try:
            store = await PostgresStore.open(place.postgres.reveal(), seed=os.getpid())
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
            return
        try:
            with interruption.ends(stop.set):
                observer = Observer(Watch(store), place.archive, holder, say)
                await _serve(observer, place, stop, say)
        finally:
            await store.close()


async def _serve(observer: Observer, place: Place, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    figures = Figures(observer)
    service = Service(
        figures.readiness, figures.metrics, place.host, place.port, documents={SUMMARY: figures.summary}
    )
    try:
        await service.start()
        say(f"the observer answers at http://{service.host}:{service.port}{SUMMARY}")
        await observer.run(stop)
    finally:
        await service.stop()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot keep an archive in {folder} ({error.strerror})", remedy="give another --archive"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write into {folder}", remedy="give another --archive, or mend its mode")
