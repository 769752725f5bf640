"""`ecology doctor` at a real Redis: there, locked, and gone."""

import asyncio
from pathlib import Path

import pytest

from ecology.app.checks.finding import Finding
from ecology.app.doctor import examine
from tests.support import patient
from tests.support.redis import redis_server

SECRET = "geheim"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers, or nobody is there."""
    patient.with_redis(monkeypatch)


async def asked(url: str, folder: Path) -> Finding:
    (found,) = [it for it in await examine({"REDIS_URL": url}, folder, 5.0) if it.check == "redis"]
    assert SECRET not in str(found)
    return found


def test_a_redis_that_lets_us_in_refuses_us_or_is_gone(tmp_path: Path) -> None:
    async def story() -> None:
        async with redis_server(password=SECRET) as server:
            place = f"127.0.0.1:{server.port}"
            right = await asked(f"redis://:{SECRET}@{place}/0", tmp_path)
            assert (right.state, right.what) == ("ok", f"Redis at {place}/0 answers")
            none = await asked(f"redis://{place}", tmp_path)
            assert (none.state, none.remedy) == ("failed", "write redis://USER:PASSWORD@HOST:PORT")
            wrong = await asked(f"redis://:{SECRET}x@{place}", tmp_path)
            assert (wrong.state, wrong.what) == (
                "failed",
                f"Redis at {place} knows no such user and password",
            )
        gone = await asked(f"redis://:{SECRET}@{place}/0", tmp_path)
        assert gone.state == "failed"
        assert gone.what.startswith(f"Redis at {place} cannot be reached")
        assert gone.remedy == "start it, or check host and port in REDIS_URL"

    asyncio.run(story())


def test_a_redis_without_a_password_where_one_is_given(tmp_path: Path) -> None:
    async def story() -> None:
        async with redis_server() as server:
            found = await asked(f"redis://:{SECRET}@127.0.0.1:{server.port}", tmp_path)
            assert found.state == "failed"
            assert found.what.endswith("has no password and the URL has one")

    asyncio.run(story())
