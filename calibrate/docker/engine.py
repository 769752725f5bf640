"""A Docker engine that we may talk to, through the client aiodocker; everything has a time limit.

It is looked for where the `docker` command does: `DOCKER_HOST`, then the present context (`DOCKER_CONTEXT`, or what
`docker context use` chose), then the usual sockets. aiodocker alone would take a context before `DOCKER_HOST`.
"""

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiodocker
import aiohttp
import msgspec

from calibrate.errors import CalibrationFault, EngineDenied, EngineMissing

ANSWERS_WITHIN_S = 60.0
CONNECTS_WITHIN_S = 5.0

START_REMEDY = "start Docker, set DOCKER_HOST, or calibrate this process' own limits with --own"
DENIED_REMEDY = (
    "join the group `docker` (sudo usermod -aG docker $USER, then log in anew), "
    "or calibrate this process' own limits with --own"
)


class Host(msgspec.Struct, frozen=True):
    """The machine that the engine runs on, as its `/version` and `/info` have it."""

    engine_version: str
    api_version: str
    cgroup_version: int | None
    cpus: int
    memory_bytes: int
    name: str


class Engine:
    """A connection to an engine, and its host. Made by `connect`."""

    def __init__(self, docker: aiodocker.Docker, address: str, host: Host) -> None:
        self.docker = docker
        self.address = address
        self.host = host


@asynccontextmanager
async def connect(
    address: str | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    sockets: tuple[Path, ...] | None = None,
    answers_within_s: float = ANSWERS_WITHIN_S,
) -> AsyncIterator[Engine]:
    """An engine that answers, at `address` (`unix:///…`, `tcp://…`) or where it is usually found.

    Raises `EngineMissing` if there is none, with where it was looked for, and `EngineDenied` if we may not ask it.
    """
    timeout = aiohttp.ClientTimeout(total=answers_within_s, sock_connect=CONNECTS_WITHIN_S)
    found, context = (address, None) if address is not None else _look_for(environment, sockets)
    shown = found or f"the Docker context {context}"
    try:
        docker = aiodocker.Docker(url=found, context=context, timeout=timeout)
    except (aiodocker.DockerError, ValueError, ImportError, OSError) as error:
        raise EngineMissing(f"no Docker engine can be at {shown}: {error}", remedy=START_REMEDY) from error
    try:
        yield Engine(docker, shown, await _host(docker, shown))
    finally:
        await docker.close()


async def lines_of(
    engine: Engine, path: str, params: Mapping[str, str], silent_within_s: float | None = None
) -> AsyncGenerator[bytes, None]:
    """The lines of an answer without end; none if the engine knows no such thing (404). Close the generator.

    aiodocker has streams of its own, but leaves it to the garbage collector to close what was not read to its end.
    """
    docker = engine.docker
    timeout = aiohttp.ClientTimeout(sock_connect=CONNECTS_WITHIN_S, sock_read=silent_within_s)
    url = f"{docker.docker_host}/{docker.api_version}/{path}"
    with faults(engine.address):
        async with docker.session.get(url, params=params, timeout=timeout) as response:
            if response.status == 404:
                return
            if response.status != 200:
                said = one_line((await response.content.read(1000)).decode("utf-8", "replace"))
                raise CalibrationFault(f"the Docker engine refuses {path}: {said}")
            try:
                async for line in response.content:
                    yield line
            except ValueError as error:
                raise CalibrationFault(f"the Docker engine says too much at once: {error}") from error


@contextmanager
def faults(where: str) -> Iterator[None]:
    """Turn what the engine says, or that it says nothing, into our faults.

    Who can make more of a refusal (`DockerError`) catches it inside.
    """
    try:
        yield
    except aiodocker.DockerError as error:
        if error.status != 900:  # aiodocker's own number for "no connection"
            raise refused("do what was asked", error) from error
        if isinstance(_cause(error), PermissionError):
            raise EngineDenied(
                f"the Docker engine at {where} may not be used by this user", remedy=DENIED_REMEDY
            ) from error
        raise EngineMissing(f"no Docker engine answers at {where}", remedy=START_REMEDY) from error
    except TimeoutError as error:
        raise EngineMissing(
            f"the Docker engine at {where} does not answer in time",
            remedy="see whether `docker info` answers; restart Docker if it does not",
        ) from error
    except aiohttp.ClientError as error:
        raise EngineMissing(
            f"the Docker engine at {where} broke off: {one_line(str(error)) or type(error).__name__}",
            remedy="see whether `docker info` answers",
        ) from error


def refused(doing: str, error: aiodocker.DockerError) -> CalibrationFault:
    """The engine answered, and said no."""
    return CalibrationFault(f"the Docker engine could not {doing}: {one_line(error.message)}")


def one_line(message: str) -> str:
    """What an engine says, on one line of no more than 300 characters."""
    line = " ".join(message.split())
    return line if len(line) <= 300 else line[:299] + "…"


def _cause(error: BaseException) -> BaseException | None:
    """The error of the operating system behind what aiohttp and aiodocker made of it."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, OSError):
        seen = seen.__cause__ or seen.__context__
    return getattr(seen, "os_error", seen)


def _look_for(
    environment: Mapping[str, str], sockets: tuple[Path, ...] | None
) -> tuple[str | None, str | None]:
    """(address, None) or (None, name of a context)."""
    if address := environment.get("DOCKER_HOST"):
        return address, None
    context = environment.get("DOCKER_CONTEXT") or _present_context()
    if context and context != "default":
        return None, context
    candidates = _usual_sockets(environment) if sockets is None else sockets
    for path in candidates:
        try:
            if path.is_socket():
                return f"unix://{path}", None
        except PermissionError as error:
            raise EngineDenied(
                f"the Docker engine at {path} may not be used by this user", remedy=DENIED_REMEDY
            ) from error
    looked = ", ".join(str(path) for path in candidates)
    raise EngineMissing(
        f"there is no Docker engine: DOCKER_HOST is not set, and none of these is a socket: {looked}",
        remedy=START_REMEDY,
    )


def _usual_sockets(environment: Mapping[str, str]) -> tuple[Path, ...]:
    runtime = environment.get("XDG_RUNTIME_DIR")
    return (
        Path("/run/docker.sock"),
        Path("/var/run/docker.sock"),
        Path.home() / ".docker/run/docker.sock",
        *([Path(runtime) / "docker.sock"] if runtime else []),  # an engine without root
    )


def _present_context() -> str | None:
    try:
        config = json.loads((Path.home() / ".docker" / "config.json").read_bytes())
    except (OSError, ValueError):  # without one, or with one that aiodocker could not read either
        return None
    context = config.get("currentContext") if isinstance(config, dict) else None
    return context if isinstance(context, str) else None


async def _host(docker: aiodocker.Docker, where: str) -> Host:
    with faults(where):
        try:
            version, info = await docker.version(), await docker.system.info()
            cgroup = info.get("CgroupVersion")  # since API 1.41; an older engine knows only version 1
            return Host(
                engine_version=str(version["Version"]),
                api_version=str(version["ApiVersion"]),
                cgroup_version=int(cgroup) if cgroup else None,
                cpus=int(info["NCPU"]),
                memory_bytes=int(info["MemTotal"]),
                name=str(info.get("Name", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineMissing(
                f"what answers at {where} is no Docker engine that we know ({error})"
            ) from error
        except aiodocker.DockerError as error:
            if error.status == 900:
                raise
            raise EngineMissing(
                f"what answers at {where} is no Docker engine that we know ({one_line(error.message)})"
            ) from error
