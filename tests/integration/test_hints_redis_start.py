"""A Redis that is not as the URL says: one line that says what and how to mend it, at the start and without secrets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from ecology.app.local_server import HOST
from ecology.core.errors import UsageError
from ecology.nodes.redis_hints import RedisHints
from tests.support import patient
from tests.support.redis import Certificates, Way, redis_server, until

PASSWORD = "pass/word:with@all#of%them"
WRITTEN = "pass%2Fword%3Awith%40all%23of%25them"
USERS = (
    f"user node on >{WRITTEN} resetchannels &ecology:* -@all +subscribe +publish +ping",
    f"user deaf on >{WRITTEN} resetchannels &other:* -@all +subscribe +publish +ping",
    f"user mute on >{WRITTEN} resetchannels &ecology:* -@all +subscribe +ping",
)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said at the start of what is mistaken is said of an answer: a late one counts as none."""
    patient.with_redis(monkeypatch)


async def hears(url: str) -> None:
    """A hint over this URL arrives. Raises UsageError."""
    looks: list[int] = []
    end = RedisHints(url, "w", "n")
    try:
        await end.start(lambda: looks.append(1))
        await until(lambda: looks == [1] and end.state().connected)
        end.tell(["n"])
        await until(lambda: looks == [1, 1])
    finally:
        await end.stop()


def refusal(url: str) -> str:
    """What is said to somebody who starts with this URL."""
    with pytest.raises(UsageError) as raised:
        asyncio.run(hears(url))
    told = str(raised.value)
    assert "\n" not in told
    assert not any(secret in told for secret in (PASSWORD, WRITTEN, "hunter2"))
    return told.replace(f"{HOST}:", "HOST:")


async def refused(url: str) -> str:
    """The same inside an event loop."""
    return await asyncio.to_thread(refusal, url)


def test_user_and_password() -> None:
    async def story() -> None:
        async with redis_server(password=WRITTEN, options=USERS) as server:
            at = f"{HOST}:{server.port}"
            where = f"Redis at HOST:{server.port}"
            written = WRITTEN.replace("%", "%25")
            await hears(f"redis://:{written}@{at}")
            await hears(f"redis://default:{written}@{at}")
            await hears(f"redis://node:{written}@{at}")
            told = await refused(f"redis://{at}")
            assert (
                told
                == f"{where} wants a password and the URL has none; write redis://USER:PASSWORD@HOST:PORT"
            )
            for wrong in (
                f"redis://:hunter2@{at}",
                f"redis://node:hunter2@{at}",
                f"redis://who:{written}@{at}",
            ):
                assert (await refused(wrong)).startswith(f"{where} knows no such user and password; ")
            for forbidden in ("deaf", "mute"):
                told = await refused(f"redis://{forbidden}:{written}@{at}")
                assert told.startswith(f"{where} lets in this user but forbids what hints need; ACL SETUSER ")

    asyncio.run(story())


@pytest.mark.parametrize("user", ["", "default"])
def test_a_password_where_none_is_configured(user: str) -> None:
    async def story() -> None:
        async with redis_server() as server:
            told = await refused(f"redis://{user}:hunter2@{HOST}:{server.port}")
            assert told == (
                f"Redis at HOST:{server.port} has no password and the URL has one; "
                "set `requirepass` there, or take the password out of the URL"
            )

    asyncio.run(story())


@asynccontextmanager
async def encrypted(folder: Path) -> AsyncIterator[tuple[Certificates, int]]:
    """A Redis behind TLS: its certificates, its port."""
    certificates = Certificates(folder)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(redis_server(password="hunter2"))
        way = await stack.enter_async_context(Way(server.port, certificates.server()).kept_open())
        yield certificates, way.port


def test_tls(tmp_path: Path) -> None:
    async def story() -> None:
        async with encrypted(tmp_path) as (certificates, port):
            at = f"localhost:{port}?ssl_ca_certs={certificates.authority}"
            await hears(f"rediss://:hunter2@{at}")
            assert "knows no such user and password" in await refused(f"rediss://:wrong@{at}")

    asyncio.run(story())


def test_tls_that_cannot_be_trusted(tmp_path: Path) -> None:
    async def story() -> None:
        async with encrypted(tmp_path) as (certificates, port):
            told = await refused(f"rediss://:hunter2@localhost:{port}")
            assert told.startswith(
                f"the certificate of Redis at localhost:{port} is not to be trusted: unable to "
            )
            assert "; put ?ssl_ca_certs=FILE with the authority's certificate" in told
            told = await refused(f"rediss://:hunter2@{HOST}:{port}?ssl_ca_certs={certificates.authority}")
            assert "IP address mismatch" in told
            assert "name the host as the certificate does" in told

    asyncio.run(story())


def test_tls_on_one_side_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ecology.nodes.redis_hints.ANSWER_S", 1.0
    )  # who waits for the rest of a line says nothing

    async def story() -> None:
        async with encrypted(tmp_path) as (_, port):
            told = await refused(f"redis://:hunter2@localhost:{port}")
            assert (
                told
                == f"Redis at localhost:{port} wants TLS; write rediss:// for redis://, or its other port"
            )
        for password in ("", "other"):
            async with redis_server(password=password) as server:
                told = await refused(f"rediss://:hunter2@{HOST}:{server.port}")
                where = f"Redis at HOST:{server.port}"
                assert told == f"{where} speaks no TLS; write redis:// for rediss://, or its other port"

    asyncio.run(story())


def test_what_answers_is_something_else() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def story() -> None:
        async with await asyncio.start_server(answer, HOST, 0) as server:
            port = server.sockets[0].getsockname()[1]
            told = await refused(f"redis://{HOST}:{port}")
            assert (
                told == f"what answers is no Redis at HOST:{port}; look at the port; for TLS write rediss://"
            )

    asyncio.run(story())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "is none of a Redis server; write redis://"),
        ("localhost:6379", "is none of a Redis server; write redis://"),
        ("http://hunter2@localhost", "is none of a Redis server; write redis://"),
        ("redis://", "names no host; write redis://"),
        ("redis://:hunter2/x@localhost:6379", "is none; write redis://"),
        ("redis://:hun#ter2@localhost", "is none; write redis://"),
        ("redis://localhost#hunter2", "has a # in it; in a password # is written %23"),
        ("redis://localhost:port", "is none; write redis://"),
        ("redis://localhost:65536", "is none; write redis://"),
        ("redis://[::1", "is none; write redis://"),
        ("redis://node@localhost", "names a user without a password; write redis://USER:PASSWORD"),
        ("unix://run/redis.sock", "names no socket; write unix:///PATH, with three slashes"),
        ("unix:///", "names no socket; write unix:///PATH, with three slashes"),
        (
            "redis://localhost?timeout=hunter2",
            "has 'timeout' after the question mark; known are ssl_ca_certs, ",
        ),
        ("redis://localhost?ssl_ca_certs=x", "names certificates but asks for no TLS; write rediss://"),
        (
            "rediss://localhost?ssl_keyfile=x",
            "has ssl_keyfile without ssl_certfile; name the client's certificate",
        ),
        (
            "rediss://localhost?ssl_ca_certs=/none",
            "names /none as ssl_ca_certs: No such file or directory; it must",
        ),
        (
            f"rediss://localhost?ssl_certfile={__file__}",
            f"names {__file__} as ssl_certfile: is no such file in PEM",
        ),
    ],
)
def test_a_url_of_no_redis(url: str, told: str) -> None:
    assert refusal(url).startswith(f"the URL of Redis {told}")


def test_nothing_shows_the_password() -> None:
    end = RedisHints("redis://node:hunter2@localhost", "w", "n")
    assert "hunter2" not in repr(end._address) + str(end._address) + f"{end._address}"
    assert str(end._address) == "Redis at localhost:6379"
