"""A model that is not there, talks nonsense, or goes away in the middle: said in one line, or lived with."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecology.events.records import ActionTaken, ModelCalled
from ecology.kernel.refusals import UNREACHABLE_MODEL
from ecology.testing.model_server import Fail, Hang, ModelServer, Noise, Page, Say, Script, always, cycle
from tests.support.command import Finished, called, ecology, environment, finish, started
from tests.support.enough import committed, lasting
from tests.support.stored_run import wrongs

NOOP = Say('{"action": "noop"}', delay_ms=50)


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The URL of a model server with that mind, on a thread of its own."""
    loop = asyncio.new_event_loop()
    ready: list[str] = []
    up, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with ModelServer(script) as server:
            ready.append(server.url)
            up.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    up.wait()
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def arguments(url: str, duration: str = "4s", *, agents: int = 4) -> tuple[str, ...]:
    """A short run of agents that a model thinks for."""
    model = ("--policy", "llm", "--llm-url", url, "--model", "fake")
    # Thoughts are cheap here: what is tested is the model's moods, not scarcity.
    physics = ("--set", "resources.flow.llm_rate={rate: 1000, capacity: 10000}")
    return ("run", "--agents", str(agents), "--duration", duration, "--quiet", *model, *physics)


def test_nobody_answers_within_ten_seconds(tmp_path: Path) -> None:
    """Nobody listening, or somebody who never answers: exit 1, one line, no run directory."""
    nobody = f"http://127.0.0.1:{free_port()}/v1"
    with (
        serving(always(Hang())) as mute,
        started(*arguments(nobody), cwd=tmp_path) as one,
        started(*arguments(mute), cwd=tmp_path) as other,
    ):
        for process, url in ((one, nobody), (other, mute)):
            finished = finish(process)
            assert finished.code == 1, finished
            assert url in finished.complaint
            assert finished.out == ""
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_waiting_for_a_model_can_be_given_up(number: int, tmp_path: Path) -> None:
    """With --wait-for-model it says what it waits for, until it comes or somebody has had enough."""
    url = f"http://127.0.0.1:{free_port()}/v1"
    loud = [word for word in arguments(url) if word != "--quiet"]
    with started(*loud, "--wait-for-model", cwd=tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"waiting for fake at {url}\n"
        time.sleep(0.5)
        process.send_signal(number)
        finished = finish(process)
    assert finished.code == 130
    assert finished.complaint == "interrupted"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "answer", [Page(b"<html>Please log in</html>"), Fail(401, "no such key"), Fail(404, "no model here")]
)
def test_no_model_at_the_start(answer: Page | Fail, tmp_path: Path) -> None:
    with serving(always(answer)) as url:
        finished = ecology(*arguments(url), cwd=tmp_path)
    assert finished.code == 1, finished
    assert url in finished.complaint
    assert not (tmp_path / "runs").exists()


def _summary(finished: Finished, home: Path) -> dict[str, object]:
    assert finished.code == 0, finished
    assert finished.err == ""
    assert wrongs(home / "runs" / "latest") == []
    summary: dict[str, object] = json.loads((home / "runs" / "latest" / "summary.json").read_text())
    return summary


def test_a_model_that_talks_nonsense(tmp_path: Path) -> None:
    """Its agents read refusals, the world goes on, and what was billed is paid."""
    nonsense = (
        "I am sorry, Dave.", "", "{", "[]", '{"action": "conquer"}', '{"action": "write", "artifact": 5}',
        '{"action": "transfer", "to": "agent-0002", "amount": -1}', "\u0000\ufffd" * 50, '{"action": "noop"}',
        '{"action": "sleep", "duration_ms": 99999999999999999999}', "[" * 5_000, '{"a":' * 3_000,
    )  # fmt: skip
    answers = [Say(text) for text in nonsense]

    def told() -> set[str]:
        return {event.answer for event in committed(tmp_path) if isinstance(event, ModelCalled)}

    def refused() -> int:
        return sum(
            event.outcome == "refused" for event in committed(tmp_path) if isinstance(event, ActionTaken)
        )

    with (
        serving(
            cycle([answers[-4], *answers, Fail(400, "context too long"), Page(b"\xff\xfe"), Noise(b"?\r\n")])
        ) as url,
        lasting(lambda: told() >= {"ok", "unparsable"} and refused() > 20),
    ):
        finished = called(*arguments(url, "5s"), cwd=tmp_path)
    summary = _summary(finished, tmp_path)
    refusals = summary["refusals"]
    assert isinstance(refusals, dict)
    assert sum(refusals.values()) > 10
    assert told() >= {"ok", "unparsable"}
    assert "Traceback" not in (tmp_path / "runs" / "latest" / "run.yaml").read_text()
    assert not (tmp_path / "runs" / "latest" / "crashes.log").exists()


def test_a_model_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    """Its agents wait and try again, and nobody is frozen; when it is back they think on."""
    port = free_port()

    def serve() -> subprocess.Popen[bytes]:
        say = ["--say", NOOP.text, "--delay-ms", str(NOOP.delay_ms)]
        server = subprocess.Popen(
            [sys.executable, "-m", "ecology.testing.model_server", "--port", str(port), *say],
            stdout=subprocess.PIPE,
            env=environment(),
        )
        assert server.stdout is not None
        server.stdout.readline()  # its URL: it is up, and the run's patience at its start is not for imports
        return server

    def thoughts() -> int:
        return sum(isinstance(event, ActionTaken) and event.reason is None for event in committed(tmp_path))

    def thinking() -> bool:
        before = thoughts()
        time.sleep(0.5)
        return thoughts() > before

    server = serve()
    with started(*arguments(f"http://127.0.0.1:{port}/v1", "5m"), cwd=tmp_path) as process:
        try:
            _until(lambda: (tmp_path / "runs" / "latest" / "ecology.sqlite").exists() and thinking())
            server.kill()
            server.communicate()
            _until(lambda: any(_away(event) for event in committed(tmp_path)))
            assert process.poll() is None, "the world goes on"
            server = serve()
            _until(thinking)
        finally:
            server.kill()
            server.communicate()
        process.terminate()
        assert finish(process).code == 130
    states = [event for event in committed(tmp_path) if getattr(event, "state", "") in ("frozen", "blocked")]
    assert not states
    assert wrongs(tmp_path / "runs" / "latest") == []


def _away(event: object) -> bool:
    return isinstance(event, ActionTaken) and event.reason == UNREACHABLE_MODEL


def _until(true: Callable[[], bool]) -> None:
    patience = time.monotonic() + 60
    while not true():
        assert time.monotonic() < patience, "it did not come to this"
        time.sleep(0.1)
