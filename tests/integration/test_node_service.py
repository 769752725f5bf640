"""The HTTP service of nodes and observer, asked over real sockets."""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ecology.core.errors import RunFault
from ecology.nodes.metrics import Histogram, Metric, counter, gauge
from ecology.nodes.service import Service

PATIENCE_S = 60


def nothing() -> list[Metric]:
    return []


def serving(
    use: Callable[[httpx2.AsyncClient, Service], Awaitable[None]],
    readiness: Callable[[], dict[str, bool | str]] = dict,
    collect: Callable[[], Iterable[Metric]] = nothing,
    host: str = "127.0.0.1",
) -> None:
    async def session() -> None:
        service = Service(readiness, collect, host, port=0)
        await service.start()
        shown = f"[{host}]" if ":" in host else host
        try:
            url = f"http://{shown}:{service.port}"
            async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
                await use(client, service)
        finally:
            await service.stop()

    asyncio.run(session())


def test_health_says_that_the_loop_turns() -> None:
    async def use(client: httpx2.AsyncClient, _: Service) -> None:
        answer = await client.get("/health")
        assert (answer.status_code, answer.json()) == (200, {"healthy": True})
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers

    serving(use)


def test_ready_when_nothing_is_missing() -> None:
    needs: dict[str, bool | str] = {"database": "PostgreSQL at db:5432 does not answer", "agents": False}

    async def use(client: httpx2.AsyncClient, _: Service) -> None:
        early = await client.get("/ready")
        assert early.status_code == 503
        assert early.json() == {
            "ready": False,
            "missing": {"database": "PostgreSQL at db:5432 does not answer", "agents": "not yet"},
        }
        needs.update(database=True, agents=True)
        late = await client.get("/ready")
        assert (late.status_code, late.json()) == (200, {"ready": True, "missing": {}})

    serving(use, lambda: needs)


def test_metrics_in_the_format_of_prometheus() -> None:
    waits = Histogram("ecology_wake_seconds", "From a deed to the wake-up that it caused.", (0.001, 0.01))
    waits.observe(0.001)
    waits.observe(0.002, times=2)
    waits.observe(3.0)

    def collect() -> list[Metric]:
        return [
            counter("ecology_turns_total", "Turns begun.", 7),
            counter(
                "ecology_refusals_total", "Refused deeds.", {("broke",): 2, ('say "no"\n',): 1}, ["reason"]
            ),
            gauge("ecology_agents", "Agents that this node runs.", 50),
            waits.metric(),
        ]

    async def use(client: httpx2.AsyncClient, _: Service) -> None:
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        families = {family.name: family for family in text_string_to_metric_families(answer.text)}
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for family in families.values()
            for sample in family.samples
        }
        assert found["ecology_turns_total",] == 7
        assert found["ecology_refusals_total", 'say "no"\n'] == 1
        assert found["ecology_agents",] == 50
        assert [found["ecology_wake_seconds_bucket", le] for le in ("0.001", "0.01", "+Inf")] == [1, 3, 4]
        assert found["ecology_wake_seconds_sum",] == pytest.approx(3.005)
        assert found["ecology_wake_seconds_count",] == 4
        assert families["ecology_turns"].type == "counter"
        openmetrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
        assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
        assert openmetrics.text.endswith("# EOF\n")

    serving(use, collect=collect)


def test_figures_are_those_of_the_moment() -> None:
    turns = iter(range(1, 10))

    async def use(client: httpx2.AsyncClient, _: Service) -> None:
        texts = [(await client.get("/metrics")).text for _ in range(2)]
        assert ["ecology_turns_total 1.0" in texts[0], "ecology_turns_total 2.0" in texts[1]] == [True, True]

    serving(use, collect=lambda: [counter("ecology_turns_total", "Turns.", next(turns))])


def test_other_routes_and_methods_are_refused() -> None:
    async def use(client: httpx2.AsyncClient, _: Service) -> None:
        assert (await client.get("/")).status_code == 404
        assert (await client.post("/health")).status_code == 405
        assert (await client.head("/health")).status_code == 200

    serving(use)


def test_documents_are_made_when_they_are_asked_for() -> None:
    async def session() -> None:
        turns = iter(range(1, 10))
        service = Service(dict, nothing, port=0, documents={"/api/v1/turns": lambda: b"%d" % next(turns)})
        await service.start()
        try:
            url = f"http://127.0.0.1:{service.port}"
            async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
                answers = [await client.get("/api/v1/turns") for _ in range(2)]
                assert [answer.json() for answer in answers] == [1, 2]
                assert answers[0].headers["content-type"] == "application/json"
                assert (await client.get("/health")).json() == {"healthy": True}
        finally:
            await service.stop()

    asyncio.run(session())


def test_it_also_speaks_ipv6() -> None:
    async def use(client: httpx2.AsyncClient, _: Service) -> None:
        assert (await client.get("/health")).status_code == 200

    serving(use, host="::1")


def test_after_stop_nobody_listens_and_the_port_can_be_had_again() -> None:
    async def session() -> None:
        first = Service(dict, nothing, port=0)
        await first.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", first.port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        await first.stop()  # although somebody holds a connection open
        await reader.read()
        assert reader.at_eof()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", first.port)
        second = Service(dict, nothing, port=first.port)
        await second.start()
        await second.stop()
        await second.stop()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    asyncio.run(session())


def test_a_taken_port_is_one_line() -> None:
    async def session() -> None:
        first = Service(dict, nothing, port=0)
        await first.start()
        second = Service(dict, nothing, port=first.port)
        with pytest.raises(RunFault, match=rf"^port {first.port} at 127.0.0.1 is taken; stop what .*port$"):
            await second.start()
        await second.stop()
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:
            assert (await client.get(f"http://127.0.0.1:{first.port}/health")).status_code == 200
        await first.stop()

    asyncio.run(session())


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_cannot_be_had_is_one_line(host: str) -> None:
    service = Service(dict, nothing, host, 9100)
    with pytest.raises(RunFault, match=rf"^cannot listen at {host}:9100 \(.*; give an address of this"):
        asyncio.run(service.start())


def test_signals_stay_with_the_process() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    async def use(client: httpx2.AsyncClient, _: Service) -> None:
        running = asyncio.get_running_loop()
        heard = asyncio.Event()
        running.add_signal_handler(signal.SIGTERM, heard.set)
        try:
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(heard.wait(), PATIENCE_S)
            assert (await client.get("/health")).status_code == 200  # it did not take the signal for its own
        finally:
            running.remove_signal_handler(signal.SIGTERM)

    serving(use)
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_loop_that_is_stuck_is_not_healthy() -> None:
    """The service shares the loop on purpose: what does not turn cannot answer."""

    def ask(port: int, patience_s: float) -> str:
        with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
            try:
                return connection.recv(12).decode()
            except TimeoutError:
                return "no answer"

    async def use(_: httpx2.AsyncClient, service: Service) -> None:
        assert await asyncio.to_thread(ask, service.port, PATIENCE_S) == "HTTP/1.1 200"
        assert (
            ask(service.port, 0.3) == "no answer"
        )  # asked from within the loop, which therefore stands still

    serving(use)


def test_names_of_counters_are_held_to_the_convention() -> None:
    with pytest.raises(AssertionError, match="ends in _total"):
        counter("ecology_turns", "Turns.", 1)
    with pytest.raises(AssertionError, match="is a counter's"):
        gauge("ecology_turns_total", "Turns.", 1)


def test_ready_bodies_are_json_for_machines() -> None:
    async def use(client: httpx2.AsyncClient, _: Service) -> None:
        answer = await client.get("/ready")
        assert answer.headers["content-type"] == "application/json"
        assert json.loads(answer.content)["missing"] == {"schema": "version 1, this program needs 2"}

    serving(use, lambda: {"schema": "version 1, this program needs 2"})
