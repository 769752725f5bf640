"""Health, readiness and metrics of a process over HTTP, served by the event loop in which the process works.

    /health    200 as long as the event loop turns: restart a process of which this fails
    /ready     200 when everything it needs is there, else 503; the body says what is missing
    /metrics   figures for Prometheus, in the format that the one who asks prefers

and what else the process has to show, as JSON.

An answer that does not come says as much as one that does: a process whose loop is stuck is not healthy. There are no
secrets behind these routes and no way to change anything.
"""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import contextmanager

import uvicorn
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ecology.core.errors import RunFault
from ecology.nodes.metrics import Metric

NODE_PORT = 9100
OBSERVER_PORT = 9000
LARGEST_PORT = 65535
LOOPBACK = "127.0.0.1"
STOP_S = 2
"""What an answer that is on its way gets when the service stops."""
MOST_CONNECTIONS = 100
BACKLOG = 128

Readiness = Callable[[], dict[str, bool | str]]
"""What the process needs, by name: True if it is there, else False or the reason why it is not."""

Document = Callable[[], bytes]
"""JSON, made when it is asked for."""


class Service:
    """The HTTP service of one process; `port` 0 takes any that is free, and `port` then says which.

    `readiness`, `collect` and `documents`, by path, are called for every request, in the event loop: they must look and
    not wait.
    """

    def __init__(
        self,
        readiness: Readiness,
        collect: Callable[[], Iterable[Metric]],
        host: str = LOOPBACK,
        port: int = NODE_PORT,
        *,
        documents: Mapping[str, Document] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._readiness = readiness
        self._documents = dict(documents or {})
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Figures(collect))
        ProcessCollector(registry=self._registry)
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; requests are answered when this returns. Raises RunFault if the address cannot be had."""
        assert self._serving is None, "started already"
        listener = await _listener(self.host, self.port)
        self.port = int(listener.getsockname()[1])
        self._server = _Server(self._app())
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="http service")
        await self._server.up.wait()

    async def stop(self) -> None:
        """Stop listening and let answers that are on their way end; may be called whatever came of `start`."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        self._server = self._serving = None

    def _app(self) -> Starlette:
        routes = {"/health": self._health, "/ready": self._ready, "/metrics": self._metrics}
        shown = {path: _showing(document) for path, document in self._documents.items()}
        return Starlette(routes=[Route(path, endpoint) for path, endpoint in (routes | shown).items()])

    async def _health(self, _: Request) -> Response:
        return _json({"healthy": True})

    async def _ready(self, _: Request) -> Response:
        missing = {
            name: state if isinstance(state, str) else "not yet"
            for name, state in self._readiness().items()
            if state is not True
        }
        return _json({"ready": not missing, "missing": missing}, 503 if missing else 200)

    async def _metrics(self, request: Request) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._registry), headers={"content-type": kind, "cache-control": "no-store"})


def _showing(document: Document) -> Callable[[Request], Awaitable[Response]]:
    async def show(_: Request) -> Response:
        return Response(document(), media_type="application/json", headers={"cache-control": "no-store"})

    return show


def _json(content: dict[str, object], status: int = 200) -> Response:
    return JSONResponse(content, status, headers={"cache-control": "no-store"})


class _Figures(Collector):
    """What the process counts, as something that a registry takes."""

    def __init__(self, figures: Callable[[], Iterable[Metric]]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        return self._figures()


class _Server(uvicorn.Server):
    """uvicorn as a guest: signals and what is logged are the process's affair."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=STOP_S,
            )
        )
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


async def _listener(host: str, port: int) -> socket.socket:
    """A socket that is bound to the address. Raises RunFault with the reason if it cannot be."""
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    assert 0 <= port <= LARGEST_PORT, f"no port: {port}"
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise RunFault(
            f"cannot listen at {shown} ({error})",
            remedy="give an address of this machine and a port from 1024 up",
        ) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)  # now, as with SO_REUSEADDR two may bind but only one may listen
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise RunFault(
                f"port {port} at {host} is taken", remedy="stop what listens there, or choose another port"
            ) from error
        raise RunFault(
            f"cannot listen at {shown} ({error.strerror})",
            remedy="give an address of this machine and a port from 1024 up",
        ) from error
    return listener
