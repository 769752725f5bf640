"""The embedded index: Qdrant's engine in this process, one shard in one folder, no server.

Searches are exact, over the tenant's points only, which the indexed field finds; so nothing is ever optimised, which
would hold up the process. The shard has a write-ahead log; one that cannot be opened is made anew, since all that was
in it can be had from HEAD.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import qdrant_edge as qdrant

from ecology.memory.address import MARK, require_folder
from ecology.memory.index import Hit, IndexUnavailable, Point, Vector
from ecology.memory.points import CURSOR_TENANT, cursor_point, point_uuid, tenant_field

_SCROLL = 4_096


class QdrantEdge:
    """A `MemoryIndex` in a folder. `world` keeps apart what worlds that share a folder remember."""

    def __init__(self, shard: qdrant.EdgeShard, dimension: int, world: str) -> None:
        self._shard = shard
        self._dimension = dimension
        self._world = world

    @classmethod
    def open(cls, folder: Path, dimension: int, embedding: str, world: str = "") -> "QdrantEdge":
        """The index in that folder, a new one if there is none or one of another embedding, or one that is damaged.

        Raises UsageError for a folder that holds something else.
        """
        mark = folder / MARK
        require_folder(folder)
        with _faults(folder):
            if mark.is_file():
                if mark.read_text(encoding="utf-8") == embedding:
                    try:
                        return cls(qdrant.EdgeShard.load(str(folder / "shard")), dimension, world)
                    except Exception as error:
                        if "WouldBlock" in str(error):
                            raise  # another process has it
                shutil.rmtree(folder)
            shard = _create(folder, dimension)
            mark.write_text(embedding, encoding="utf-8")
            return cls(shard, dimension, world)

    def upsert(self, points: Sequence[Point]) -> None:
        records = [
            qdrant.Point(
                point_uuid(self._world, point.id),
                list(point.vector),
                {
                    "tenant": [tenant_field(self._world, tenant) for tenant in point.tenants],
                    "world": self._world,
                    "id": point.id,
                    "born": point.born,
                    "version": point.version,
                },
            )
            for point in points
        ]
        with _faults():
            self._shard.update(qdrant.UpdateOperation.upsert_points(records))

    def delete(self, ids: Sequence[str]) -> None:
        with _faults():
            self._shard.update(
                qdrant.UpdateOperation.delete_points([point_uuid(self._world, name) for name in ids])
            )

    def search(self, tenant: str, vector: Vector, limit: int) -> list[Hit]:
        request = qdrant.QueryRequest(
            query=qdrant.Query.Nearest(list(vector)),
            filter=_equals("tenant", tenant_field(self._world, tenant)),
            limit=limit,
            params=qdrant.SearchParams(exact=True),
            with_payload=True,
        )
        with _faults():
            found = self._shard.query(request)
        return [
            Hit(told["id"], told["born"], told["version"], int(point.score))
            for point in found
            if (told := point.payload) is not None
        ]

    def versions(self, ids: Sequence[str] | None = None) -> dict[str, str]:
        with _faults():
            if ids is not None:
                names: list[qdrant.PointId] = [point_uuid(self._world, name) for name in ids]
                return _told_versions(self._shard.retrieve(names, with_payload=True, with_vector=False))
            return dict(self._all_versions())

    def _all_versions(self) -> Iterator[tuple[str, str]]:
        offset: qdrant.PointId | None = None
        while True:
            request = qdrant.ScrollRequest(
                offset=offset, limit=_SCROLL, filter=_equals("world", self._world), with_payload=True
            )
            records, offset = self._shard.scroll(request)
            yield from _told_versions(records).items()
            if offset is None:
                return

    def cursor(self) -> int | None:
        with _faults():
            kept = self._shard.retrieve([cursor_point(self._world)], with_payload=True, with_vector=False)
        payload = kept[0].payload if kept else None
        return None if payload is None else int(payload["cursor"])

    def put_cursor(self, sequence: int | None) -> None:
        place = cursor_point(self._world)
        if sequence is None:
            operation = qdrant.UpdateOperation.delete_points([place])
        else:
            payload = {"tenant": CURSOR_TENANT, "cursor": sequence}
            operation = qdrant.UpdateOperation.upsert_points(
                [qdrant.Point(place, [0.0] * self._dimension, payload)]
            )
        with _faults():
            self._shard.update(operation)

    def close(self) -> None:
        with _faults():
            self._shard.close()


def _create(folder: Path, dimension: int) -> qdrant.EdgeShard:
    place = folder / "shard"
    place.mkdir(parents=True)
    config = qdrant.EdgeConfig(
        vectors=qdrant.EdgeVectorParams(size=dimension, distance=qdrant.Distance.Dot),
        max_search_threads=1,
    )
    shard = qdrant.EdgeShard.create(str(place), config)
    for field, is_tenant in (("tenant", True), ("world", False)):
        params = qdrant.KeywordIndexParams(is_tenant=is_tenant)
        shard.update(qdrant.UpdateOperation.create_field_index(field, params))
    return shard


def _equals(field: str, value: str) -> qdrant.Filter:
    return qdrant.Filter(must=[qdrant.FieldCondition(key=field, match=qdrant.MatchValue(value))])


def _told_versions(records: list[qdrant.Record]) -> dict[str, str]:
    told = (record.payload for record in records)
    return {payload["id"]: payload["version"] for payload in told if payload is not None}


@contextmanager
def _faults(folder: Path | None = None) -> Iterator[None]:
    """The engine raises plain Exceptions: as faults of this index."""
    try:
        yield
    except Exception as error:
        where = "the embedded index of memories" if folder is None else f"the index of memories in {folder}"
        said = " ".join(str(error).split())[:200]
        raise IndexUnavailable(
            f"{where} does not work ({said})",
            remedy="see that the disk is not full and that nobody else has it open",
        ) from error
