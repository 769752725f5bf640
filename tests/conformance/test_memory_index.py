"""One suite for every index of memories: the embedded one, and the server's over each way of talking to one.

No Qdrant server can be had where these tests run. Its adapter is held to the client library's own local mode, which
carries out the same calls in process, and over HTTP and gRPC to a stand-in.
"""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from ecology.core.seeds import Draw
from ecology.memory import qdrant_server
from ecology.memory.address import parse_url
from ecology.memory.index import Hit, MemoryIndex, Point
from ecology.memory.qdrant_edge import QdrantEdge
from ecology.memory.qdrant_server import QdrantServer, connect
from tests.support.qdrant_grpc_stand_in import QdrantGrpcStandIn
from tests.support.qdrant_stand_in import QdrantStandIn

DIMENSION = 8
Open = Callable[[str], MemoryIndex]
"""An index of a world of that name, over the same points each time."""


@pytest.fixture(params=["embedded", "client in process", "over HTTP", "over gRPC"])
def open_index(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    monkeypatch.setattr(qdrant_server, "TIMEOUT_S", 60)  # a machine that stalls is no server that is away
    if request.param == "embedded":
        yield lambda world: QdrantEdge.open(tmp_path / "index", DIMENSION, "test", world)
    elif request.param == "client in process":
        client = _LocalClient(":memory:")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that payload indexes have no effect in local mode
            yield lambda world: QdrantServer(client, "here", DIMENSION, "test", world)
        client.really_close()
    else:
        stand_in = QdrantStandIn if request.param == "over HTTP" else QdrantGrpcStandIn
        with stand_in(api_key="a key") as server:
            address = parse_url(server.url)
            yield lambda world: QdrantServer(
                connect(address, "a key"), address.shown, DIMENSION, "test", world
            )


class _LocalClient(QdrantClient):
    """In local mode a client is its points, so it outlives the index that closes it."""

    def close(self, grpc_grace: float | None = None, **kwargs: object) -> None:
        """Not yet."""

    def really_close(self) -> None:
        super().close()


def point(name: str, tenant: str = "ann", version: str = "1", **components: int) -> Point:
    vector = [0.0] * DIMENSION
    for place, value in components.items():
        vector[int(place[1:])] = value
    return Point(name, (tenant,), int(name[1:]), version, vector)


def names(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def seek(index: MemoryIndex, tenant: str = "ann", limit: int = 10, **components: int) -> list[Hit]:
    return index.search(tenant, point("m0", tenant, "1", **components).vector, limit)


def test_a_new_index_is_empty(open_index: Open) -> None:
    index = open_index("w")
    assert seek(index, c0=1) == []
    assert index.versions() == {} == index.versions(["m1"])
    assert index.cursor() is None
    index.delete(["m1"])
    index.close()


def test_the_likest_come_first_with_whole_scores(open_index: Open) -> None:
    index = open_index("w")
    index.upsert([point("m1", c0=1999, c1=3), point("m2", c0=-7), point("m3", c0=1001, c2=5)])
    assert seek(index, c0=2_000, c1=1) == [
        Hit("m1", 1, "1", 1999 * 2_000 + 3),
        Hit("m3", 3, "1", 1001 * 2_000),
        Hit("m2", 2, "1", -7 * 2_000),
    ]
    assert names(seek(index, limit=2, c0=1)) == ["m1", "m3"]
    index.close()


def test_tenants_and_worlds_are_kept_apart(open_index: Open) -> None:
    one = open_index("w")
    one.upsert([point("m1", c0=1), point("m2", "bob", c0=9)])
    one.put_cursor(17)
    one.close()
    other = open_index("other")
    assert other.cursor() is None
    other.upsert([point("m1", "ann", "other", c0=5)])
    other.put_cursor(3)
    assert [hit.score for hit in seek(other, c0=1)] == [5]
    other.close()
    one = open_index("w")
    assert names(seek(one, c0=1)) == ["m1"]
    assert names(seek(one, "bob", c0=1)) == ["m2"]
    assert seek(one, "nobody", c0=1) == []
    assert one.versions() == {"m1": "1", "m2": "1"}
    assert one.cursor() == 17
    one.close()


def test_a_point_may_have_several_tenants(open_index: Open) -> None:
    index = open_index("w")
    index.upsert([Point("m1", ("ann", "ann/shared"), 1, "1", [1.0] * DIMENSION), point("m2", c0=9)])
    assert names(seek(index, "ann/shared", c0=1)) == ["m1"]
    assert names(seek(index, c0=1)) == ["m2", "m1"]
    index.upsert([point("m1", c0=1)])
    assert seek(index, "ann/shared", c0=1) == []
    index.close()


def test_points_are_replaced_and_deleted(open_index: Open) -> None:
    index = open_index("w")
    index.upsert([point(f"m{number}", c0=number) for number in range(1, 6)])
    index.upsert([point("m5", "bob", "2", c0=50), point("m4", "ann", "3", c0=-1)])
    index.delete(["m1", "m1", "never"])
    assert names(seek(index, c0=1)) == ["m3", "m2", "m4"]
    assert names(seek(index, "bob", c0=1)) == ["m5"]
    assert index.versions() == {"m2": "1", "m3": "1", "m4": "3", "m5": "2"}
    assert index.versions(["m4", "m1"]) == {"m4": "3"}
    index.close()


def test_the_cursor_is_kept_and_withdrawn(open_index: Open) -> None:
    index = open_index("w")
    index.put_cursor(5)
    index.put_cursor(1 << 40)
    index.close()
    index = open_index("w")
    assert index.cursor() == 1 << 40
    assert index.versions() == {}, "a cursor is no memory"
    index.put_cursor(None)
    assert index.cursor() is None
    index.close()


def test_a_search_is_exact(open_index: Open) -> None:
    """Against the obviously correct one; a page cut off among ties leaves out only equals."""
    draw = Draw(5)
    index = open_index("w")
    points = [
        Point(f"m{number}", (f"t{number % 3}",), number, "1", [draw.below(5) - 2 for _ in range(DIMENSION)])
        for number in range(600)
    ]
    for start in range(0, len(points), 256):
        index.upsert(points[start : start + 256])
    assert len(index.versions()) == 600
    for tenant in ("t0", "t1", "t2"):
        sought = [draw.below(7) - 3 for _ in range(DIMENSION)]
        scores = {
            it.id: sum(a * b for a, b in zip(it.vector, sought, strict=True))
            for it in points
            if tenant in it.tenants
        }
        for limit in (1, 10, 200, 1_000):
            hits = index.search(tenant, [float(it) for it in sought], limit)
            assert [hit.score for hit in hits] == sorted(scores.values(), reverse=True)[:limit]
            assert all(scores[hit.id] == hit.score for hit in hits)
            assert len(set(names(hits))) == len(hits)
    index.close()
