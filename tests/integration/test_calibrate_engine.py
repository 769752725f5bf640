"""Whether there is a Docker engine, whether we may use it, and whether its figures are those of the kernel."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from calibrate.docker.containers import Spec
from calibrate.docker.engine import DENIED_REMEDY, connect
from calibrate.docker.stats import DockerSampler
from calibrate.docker.workload import start_container
from calibrate.errors import CalibrationFault, EngineDenied, EngineMissing
from calibrate.reading import Reading, usage
from ecology.testing.docker_stand_in import docker_stand_in
from tests.support.speaker import source

NOBODY = 65534
CGROUPS = Path("/sys/fs/cgroup")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, as a socket wants, that everybody may pass through."""
    with TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@contextmanager
def nobody() -> Iterator[None]:
    """What root may do says nothing; ask as somebody who may do little."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield server


async def look(
    environment: dict[str, str] | None = None, sockets: tuple[Path, ...] = (), answers_within_s: float = 60.0
) -> str:
    where = environment or {}
    async with connect(environment=where, sockets=sockets, answers_within_s=answers_within_s) as engine:
        return engine.host.engine_version


def fault_of(
    environment: dict[str, str] | None = None, sockets: tuple[Path, ...] = (), answers_within_s: float = 60.0
) -> CalibrationFault:
    with pytest.raises(CalibrationFault) as caught:
        asyncio.run(look(environment, sockets, answers_within_s))
    assert "\n" not in caught.value.what and "--own" in caught.value.remedy + "--own"
    return caught.value


def test_without_an_engine_it_is_said_where_it_was_looked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    fault = fault_of(sockets=(folder / "a.sock", folder / "b.sock"))
    assert isinstance(fault, EngineMissing)
    assert f"{folder}/a.sock, {folder}/b.sock" in fault.what and "--own" in fault.remedy


@pytest.mark.parametrize(
    "address",
    [
        "unix:///nowhere/docker.sock",
        "tcp://127.0.0.1:1",
        "carrier-pigeon://loft",
        "nonsense",
        "ssh://nobody@127.0.0.1:1",
    ],
)
def test_an_address_without_an_engine(address: str) -> None:
    fault = fault_of({"DOCKER_HOST": address})
    assert isinstance(fault, EngineMissing) and address in fault.what


def test_a_socket_that_nobody_listens_to_any_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    path = folder / "docker.sock"
    with listening(path):
        pass
    assert isinstance(fault_of(sockets=(path,)), EngineMissing)


def test_an_engine_that_does_not_answer_is_not_waited_for(folder: Path) -> None:
    path = folder / "docker.sock"
    with listening(path):
        fault = fault_of({"DOCKER_HOST": f"unix://{path}"}, answers_within_s=0.5)
    assert isinstance(fault, EngineMissing) and "does not answer in time" in fault.what


@pytest.mark.parametrize("mode", [0o000, 0o755])
def test_no_permission_has_a_remedy(folder: Path, mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the socket itself, or on the folder that it is in."""
    monkeypatch.setenv("HOME", "/")
    inside = folder / "run"
    inside.mkdir()
    path = inside / "docker.sock"
    with listening(path):
        path.chmod(0o600 if mode else 0)
        inside.chmod(mode)
        try:
            with nobody():
                found = fault_of({"DOCKER_HOST": f"unix://{path}"})
                looked = fault_of(sockets=(path,))
        finally:
            inside.chmod(0o755)
    for fault in (found, looked):
        assert isinstance(fault, EngineDenied) and fault.remedy == DENIED_REMEDY


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", "{}"),
        ("200 OK", "[]"),
        ("200 OK", "<"),
        ("404 Not Found", "{}"),
        ("500 Oh", '{"message": "x"}'),
    ],
)
def test_something_else_that_listens_is_no_engine(folder: Path, status: str, body: str) -> None:
    async def story() -> None:
        path = folder / "other.sock"

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            writer.write(f"{head}\r\n\r\n{body}".encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_unix_server(answer, path)
        async with server:
            with pytest.raises(EngineMissing, match="no Docker engine that we know"):
                await look({"DOCKER_HOST": f"unix://{path}"})

    asyncio.run(story())


def test_it_is_found_by_variable_by_context_and_by_socket(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    path = folder / "docker.sock"
    context = (
        folder / ".docker/contexts/meta" / "c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2"
    )
    context.mkdir(parents=True)  # the SHA-256 of "foobar"
    endpoint = {"Name": "foobar", "Endpoints": {"docker": {"Host": f"unix://{path}"}}}
    (context / "meta.json").write_text(json.dumps(endpoint))

    async def story() -> None:
        async with docker_stand_in(path, [], []):
            assert await look(sockets=(folder / "not.sock", path)) == "20.10.24"
            assert await look({"DOCKER_CONTEXT": "foobar"}) == "20.10.24"
            (folder / ".docker/config.json").write_text('{"currentContext": "foobar"}')
            assert await look() == "20.10.24"
            (folder / ".docker/config.json").write_text('{"currentContext": "gone"}')
            assert await look({"DOCKER_HOST": f"unix://{path}"}) == "20.10.24", "it overrides the context"
            with pytest.raises(EngineMissing, match="the Docker context gone"):
                await look()

    asyncio.run(story())


def kernel_file(container_id: str) -> Path:
    """The kernel's own account, in the cgroup files of the engine's machine, which is this one."""
    for path in CGROUPS.glob(f"cpuacct/**/*{container_id}*/cpuacct.usage"):
        return path
    for path in CGROUPS.glob(f"**/*{container_id}*/cpu.stat"):
        return path
    raise AssertionError("the container has a cgroup")


def kernel_cpu_ns(path: Path) -> int:
    text = path.read_text()
    return int(text.split()[1]) * 1000 if path.name == "cpu.stat" else int(text)


@contextmanager
def kernel_account(container_id: str) -> Iterator[list[tuple[int, int, int]]]:
    """What the kernel says over and over: a time before, the CPU nanoseconds, and a time after, of the engine's clock.

    Whoever reads it only now and then may be held up just before, and compare what belongs to different moments.
    """
    account: list[tuple[int, int, int]] = []
    path = kernel_file(container_id)
    stop = threading.Event()

    def keep() -> None:
        while not stop.wait(0.005):
            account.append((time.time_ns(), kernel_cpu_ns(path), time.time_ns()))

    keeping = threading.Thread(target=keep)
    keeping.start()
    try:
        yield account
    finally:
        stop.set()
        keeping.join()


def known_at(account: list[tuple[int, int, int]], time_ns: int) -> tuple[int, int]:
    """The least and the most CPU nanoseconds that there can have been at that time."""
    return (
        max(used_ns for _, used_ns, after_ns in account if after_ns <= time_ns),
        min(used_ns for before_ns, used_ns, _ in account if before_ns >= time_ns),
    )


async def some(readings: AsyncIterator[Reading], number: int) -> Reading:
    for _ in range(number - 1):
        await anext(readings)
    return await anext(readings)


@pytest.mark.docker
@pytest.mark.parametrize("how", ["burn 15", "burn 35", "burn 90"])
def test_figures_are_those_of_the_kernel(how: str) -> None:
    spec = Spec(
        "python:3.13-slim", cpu_millis=500, memory_bytes=64 << 20, command=("python3", "-u", "-c", source())
    )

    async def story() -> None:
        async with connect() as engine:
            calibration = f"figures-{os.getpid()}"
            workload, container = await start_container(engine, spec, how, calibration=calibration)
            try:
                readings = DockerSampler(engine, container).readings()
                with kernel_account(container.id) as account:
                    async with asyncio.timeout(120):
                        while not account:
                            await asyncio.sleep(0.01)
                        while (first := await anext(readings)).time_ns <= account[0][2]:
                            pass
                        last = await some(readings, 4)
                        while account[-1][0] < last.time_ns:
                            await asyncio.sleep(0.01)
            finally:
                await workload.close()
        seen = usage(first, last, container.limits).cpu_percent
        limit_ns = (last.time_ns - first.time_ns) * 0.5
        (least_before, most_before), (least_after, most_after) = (
            known_at(account, it.time_ns) for it in (first, last)
        )
        least = 100 * (least_after - most_before) / limit_ns
        most = 100 * (most_after - least_before) / limit_ns
        print(f"{how}: engine {seen:.2f} %, kernel {least:.2f} to {most:.2f} %")
        assert least - 3 <= seen <= most + 3

    asyncio.run(story())
