"""A stand-in for a Docker engine, on a socket, for machines without one: as much of its API as `calibrate` uses.

Containers are processes of this machine that run the container's command, without any limits; statistics are replayed
from recordings. Refusals, states and the framing of streams are as engine 20.10 (API 1.41) has them. It passes the same
conformance suite as the real one.
"""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from ecology.testing.docker_processes import ContainerProcess, StandInContainer

CPUS = 2
MEMORY_BYTES = 8 << 30
LEAST_MEMORY_BYTES = 6 << 20
NEVER = "0001-01-01T00:00:00Z"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DockerStandIn:
    """The engine; made by `docker_stand_in`."""

    def __init__(self, images: Sequence[str], stats: Sequence[Mapping[str, Any]]) -> None:
        self.images = images
        self.stats = stats
        self.containers: dict[str, StandInContainer] = {}
        self.execs: dict[str, ContainerProcess] = {}
        self._listeners: list[asyncio.Queue[dict[str, Any]]] = []
        self._made = 0

    def exhaust(self, name: str) -> None:
        """What the kernel does to a container that wants too much memory."""
        container = self._container(name)
        container.oom_killed = True
        container.kill()
        self._tell(container, "oom")

    def routes(self) -> list[web.RouteDef]:
        """The API, with and without its version."""
        handlers: list[tuple[str, str, Handler]] = [
            ("GET", "version", self._version),
            ("GET", "info", self._info),
            ("GET", "events", self._events),
            ("GET", "containers/json", self._list),
            ("POST", "containers/create", self._create),
            ("GET", "containers/{id}/json", self._inspect),
            ("GET", "containers/{id}/stats", self._stats),
            ("POST", "containers/{id}/start", self._start),
            ("POST", "containers/{id}/kill", self._kill),
            ("POST", "containers/{id}/attach", self._attach),
            ("DELETE", "containers/{id}", self._remove),
            ("POST", "containers/{id}/exec", self._make_exec),
            ("POST", "exec/{id}/start", self._start_exec),
            ("GET", "exec/{id}/json", self._inspect_exec),
        ]
        return [
            web.route(verb, prefix + path, handler)
            for verb, path, handler in handlers
            for prefix in ("/", "/v1.41/")
        ]

    def _container(self, name: str) -> StandInContainer:
        for container in self.containers.values():
            if name in (container.id, container.name):
                return container
        raise _refusal(404, f"No such container: {name}")

    async def _version(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"Version": "20.10.24", "ApiVersion": "1.41"})

    async def _info(self, _request: web.Request) -> web.StreamResponse:
        info = {"CgroupVersion": "1", "NCPU": CPUS, "MemTotal": MEMORY_BYTES, "Name": "stand-in"}
        return web.json_response(info)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        wanted = json.loads(request.query.get("filters", "{}"))
        found = []
        for container in self.containers.values():
            described = container.described()
            labels = described["Config"]["Labels"]
            have = {*labels, *(f"{name}={value}" for name, value in labels.items())}
            seen = container.running or "all" in request.query
            if seen and have.issuperset(wanted.get("label", ())):
                found.append({"Id": container.id, "Names": [described["Name"]], "Labels": labels})
        return web.json_response(found)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        config = await request.json()
        limits = config.get("HostConfig", {})
        if config["Image"] not in self.images:
            raise _refusal(404, f"No such image: {config['Image']}")
        if limits.get("NanoCpus", 0) > CPUS * 10**9:
            said = f"Range of CPUs is from 0.01 to {CPUS}.00, as there are only {CPUS} CPUs available"
            raise _refusal(400, said)
        if 0 < limits.get("Memory", 0) < LEAST_MEMORY_BYTES:
            raise _refusal(400, "Minimum memory limit allowed is 6MB")
        self._made += 1
        name = request.query.get("name", f"nameless-{self._made}")
        if any(container.name == name for container in self.containers.values()):
            raise _refusal(409, f'Conflict. The container name "/{name}" is already in use')
        container = StandInContainer(self._made, name, config)
        self.containers[container.id] = container
        return web.json_response({"Id": container.id, "Warnings": []}, status=201)

    async def _inspect(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._container(request.match_info["id"]).described())

    async def _start(self, request: web.Request) -> web.StreamResponse:
        main = self._container(request.match_info["id"]).main
        try:
            await main.start()
        except FileNotFoundError:
            raise _refusal(400, _no_program(main)) from None
        return web.Response(status=204)

    async def _kill(self, request: web.Request) -> web.StreamResponse:
        container = self._container(request.match_info["id"])
        if not container.running:
            raise _refusal(409, f"Container {container.id} is not running")
        container.kill()
        return web.Response(status=204)

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        container = self._container(request.match_info["id"])
        await container.end()
        if container.main.process is not None:
            self._tell(container, "die", exitCode=str(container.main.exit_code))
        del self.containers[container.id]
        return web.Response(status=204)

    def _tell(self, container: StandInContainer, action: str, **attributes: str) -> None:
        event = {
            "Type": "container",
            "Action": action,
            "Actor": {"ID": container.id, "Attributes": attributes},
        }
        for listener in self._listeners:
            listener.put_nowait(event)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        wanted = json.loads(request.query.get("filters", "{}"))
        response = await _streaming(request)
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._listeners.append(heard)
        while True:
            event = await heard.get()
            if event["Actor"]["ID"] in wanted["container"] and event["Action"] in wanted["event"]:
                await response.write(json.dumps(event).encode() + b"\n")

    async def _stats(self, request: web.Request) -> web.StreamResponse:
        """What was recorded; then, as of an engine, zeros once it has ended, and an end once it is removed."""
        container = self._container(request.match_info["id"])
        response = await _streaming(request)
        recorded = iter(self.stats)
        while container.id in self.containers:
            stats = next(recorded, None) if container.running else {"read": NEVER, "memory_stats": {}}
            if stats is not None:
                await response.write(json.dumps(stats).encode() + b"\n")
            await asyncio.sleep(0.05)
        return response

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        return await _hijacked(request, self._container(request.match_info["id"]).main)

    async def _make_exec(self, request: web.Request) -> web.StreamResponse:
        container = self._container(request.match_info["id"])
        if not container.running:
            raise _refusal(409, f"Container {container.id} is not running")
        config = await request.json()
        self._made += 1
        process = self.execs[f"{self._made:064x}"] = ContainerProcess(config["Cmd"], config.get("Env") or ())
        container.execs.append(process)
        return web.json_response({"Id": f"{self._made:064x}"}, status=201)

    async def _start_exec(self, request: web.Request) -> web.StreamResponse:
        process = self.execs[request.match_info["id"]]
        if (await request.json())["Detach"]:
            await process.start()
            assert process.process is not None
            await process.process.wait()
            return web.Response(status=200)
        return await _hijacked(request, process, begin=True)

    async def _inspect_exec(self, request: web.Request) -> web.StreamResponse:
        process = self.execs[request.match_info["id"]]
        code = 126 if process.process is None and process.started.is_set() else process.exit_code
        running = process.process is not None and code is None
        return web.json_response({"Running": running, "ExitCode": code, "ProcessConfig": {"tty": False}})


async def _streaming(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    return response


async def _hijacked(
    request: web.Request, process: ContainerProcess, *, begin: bool = False
) -> web.StreamResponse:
    """Answer 101, and from then on the connection is the process' pipes: stdin raw, stdout and stderr in frames."""
    response = web.StreamResponse(status=101, headers={"Connection": "Upgrade", "Upgrade": "tcp"})
    await response.prepare(request)
    request.protocol.set_parser(process)  # type: ignore[arg-type]  # it only feeds it, like a WebSocketReader
    transport = request.transport
    assert transport is not None

    async def pump(number: int, pipe: asyncio.StreamReader | None) -> None:
        assert pipe is not None
        while data := await pipe.read(65_536):
            transport.write(struct.pack(">BxxxL", number, len(data)) + data)

    try:
        if begin:
            await process.start()
        await process.started.wait()
        assert process.process is not None
        await asyncio.gather(pump(1, process.process.stdout), pump(2, process.process.stderr))
        await process.process.wait()
    except FileNotFoundError:
        said = f"{_no_program(process)}\r\n".encode()
        transport.write(struct.pack(">BxxxL", 1, len(said)) + said)
        process.started.set()
    transport.close()
    return response


def _no_program(process: ContainerProcess) -> str:
    return f'OCI runtime failed: exec: "{process.command[0]}": executable file not found in $PATH: unknown'


def _refusal(status: int, message: str) -> web.HTTPException:
    kinds: dict[int, type[web.HTTPException]] = {
        400: web.HTTPBadRequest,
        404: web.HTTPNotFound,
        409: web.HTTPConflict,
    }
    return kinds[status](text=json.dumps({"message": message}), content_type="application/json")


@asynccontextmanager
async def docker_stand_in(
    socket: Path, images: Sequence[str], stats: Sequence[Mapping[str, Any]]
) -> AsyncIterator[DockerStandIn]:
    """An engine at `unix://{socket}` that has these images and replays these statistics for every container."""
    engine = DockerStandIn(images, stats)
    application = web.Application()
    application.add_routes(engine.routes())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    try:
        yield engine
    finally:
        for container in engine.containers.values():
            await container.end()
        await runner.cleanup()
