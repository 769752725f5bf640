"""This machine or container: programs, what it grants, ports and disk."""

import errno
import http.client
import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from calibrate.samplers.limits import detect
from ecology.app.checks.finding import Finding, failed, ok, warning
from ecology.core.errors import ArchiveFault
from ecology.nodes.service import LOOPBACK, NODE_PORT, OBSERVER_PORT
from ecology.observe.archive.repository import Repository

MB = 1_000_000
LEAST_MEMORY_MB = 512
"""A node of some 50 scripted agents occupies about 200 MB."""
LEAST_FILES = 1024
LEAST_DISK_MB = 100
SCARCE_DISK_MB = 2_000
PORTS = {"node": NODE_PORT, "observer": OBSERVER_PORT}
ANSWER_S = 2.0


def programs() -> Iterator[Finding]:
    """Versions of what everything runs on."""
    python = platform.python_version()
    sqlite = version("apsw")  # called after the SQLite that is in it
    yield ok(
        "program", f"ecology {version('agent-ecology')}, Python {python}, SQLite {sqlite}, {sys.platform}"
    )
    try:
        yield ok("git", f"git {Repository(Path(os.devnull)).require_git()}")
    except ArchiveFault as fault:
        yield failed("git", f"{fault.what}: there can be no archive", fault.remedy)


def limits() -> Iterator[Finding]:
    """CPU, memory and open files."""
    granted = detect()
    memory_mb = granted.memory_bytes // MB
    cpus = f"{granted.cpu_millis / 1000:g} CPUs ({granted.source})"
    if granted.cpu_millis < 1000:
        yield warning("cpu", cpus, "give it a whole CPU: agents wait for it in bursts")
    else:
        yield ok("cpu", cpus)
    if memory_mb < LEAST_MEMORY_MB:
        remedy = f"give it {LEAST_MEMORY_MB} MB, or it may be killed in the middle of a turn"
        yield warning("memory", f"{memory_mb} MB of memory", remedy)
    else:
        yield ok("memory", f"{memory_mb} MB of memory")
    yield _files()


def _files() -> Finding:
    try:
        import resource  # noqa: PLC0415 - Unix has it
    except ImportError:
        return ok("files", "no limit on open files that could be asked for")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < LEAST_FILES:
        return warning(
            "files", f"{soft} open files at most", f"ulimit -n {LEAST_FILES} (the limit is {hard})"
        )
    return ok("files", "any number of open files" if soft == resource.RLIM_INFINITY else f"{soft} open files")


def disk(folder: Path) -> Finding:
    """Room where runs and archives are written."""
    if not os.access(folder, os.W_OK):
        return warning(
            "disk",
            f"{folder} cannot be written: no run can be kept here",
            "nodes need no disk; for anything else start in a folder that you may write",
        )
    free_mb = shutil.disk_usage(folder).free // MB
    what = f"{free_mb} MB free in {folder}"
    if free_mb < LEAST_DISK_MB:
        return failed("disk", what, "free some space, or start elsewhere")
    if free_mb < SCARCE_DISK_MB:
        return warning("disk", what, "free some space: an event takes about 1 kB, and the archive as much")
    return ok("disk", what)


def ports() -> Iterator[Finding]:
    """Whether a node and an observer could listen where they do by themselves."""
    for name, port in PORTS.items():
        yield port_free(f"port.{name}", name, port)


def port_free(check: str, name: str, port: int) -> Finding:
    """Whether a `name` could listen on `port`, or already does."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return failed(
                    check, f"cannot listen on port {port} ({error.strerror})", "choose another port"
                )
        else:
            return ok(check, f"port {port} is free for the {name}")
    if _is_ours(port):
        return ok(check, f"port {port} is in use by a process of this project")
    return warning(
        check,
        f"port {port} is taken by another program",
        f"stop that, or start the {name} with another --port",
    )


def _is_ours(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read(1_000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return bool(answer == {"healthy": True})
