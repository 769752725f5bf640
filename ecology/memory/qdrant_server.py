"""The index on a Qdrant server, over HTTP or gRPC: one collection for all worlds and agents, kept apart by tenant.

Every call has a deadline, and none is repeated here: a server that is away costs its callers that deadline at the most,
and what it misses stays noted (see `memories`).
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from qdrant_client import QdrantClient, models

from ecology.memory.address import ServerAddress
from ecology.memory.index import Hit, IndexUnavailable, Point, Vector
from ecology.memory.points import CURSOR_TENANT, cursor_point, point_uuid, tenant_field

TIMEOUT_S = 1
COLLECTION = "ecology-memory"
_SCROLL = 1_024


def connect(address: ServerAddress, api_key: str | None) -> QdrantClient:
    """A client for that server. It says nothing to it yet."""
    scheme = "https" if address.tls else "http"
    return QdrantClient(
        url=f"{scheme}://{address.host}:{address.port}",
        grpc_port=address.port,
        prefer_grpc=address.grpc,
        # As a header, for the client would warn of a key without TLS, which inside one machine's network is no mistake.
        headers={} if api_key is None else {"api-key": api_key},
        timeout=TIMEOUT_S,
        check_compatibility=False,  # it would ask at once, and print what it found
    )


def probe(address: ServerAddress, api_key: str | None) -> None:
    """Ask it something that it answers only to who has its key. Raises IndexUnavailable."""
    client = connect(address, api_key)
    try:
        with _faults(address.shown):
            client.collection_exists(COLLECTION)
    finally:
        client.close()


class QdrantServer:
    """A `MemoryIndex` on a server. `world` keeps apart what the worlds that share it remember."""

    def __init__(self, client: QdrantClient, shown: str, dimension: int, embedding: str, world: str) -> None:
        """Makes the collection if there is none yet."""
        self._client = client
        self._shown = shown
        self._dimension = dimension
        self._world = world
        self._collection = f"{COLLECTION}-{embedding}"
        try:
            self._found()
        except IndexUnavailable:
            client.close()
            raise

    def _found(self) -> None:
        with self._faults():
            if self._client.collection_exists(self._collection):
                return
            try:
                self._client.create_collection(
                    self._collection,
                    vectors_config=models.VectorParams(size=self._dimension, distance=models.Distance.DOT),
                    # No graph over all tenants, one inside each: every search is within one.
                    hnsw_config=models.HnswConfigDiff(payload_m=16, m=0),
                )
            except Exception:
                # Another node may have been faster.
                if not self._client.collection_exists(self._collection):
                    raise
            for field, is_tenant in (("tenant", True), ("world", False)):
                self._client.create_payload_index(
                    self._collection,
                    field,
                    models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=is_tenant),
                )

    def upsert(self, points: Sequence[Point]) -> None:
        records = [
            models.PointStruct(
                id=str(point_uuid(self._world, point.id)),
                vector=list(point.vector),
                payload={
                    "tenant": [tenant_field(self._world, tenant) for tenant in point.tenants],
                    "world": self._world,
                    "id": point.id,
                    "born": point.born,
                    "version": point.version,
                },
            )
            for point in points
        ]
        with self._faults():
            self._client.upsert(self._collection, records, wait=True)

    def delete(self, ids: Sequence[str]) -> None:
        names: list[models.ExtendedPointId] = [str(point_uuid(self._world, name)) for name in ids]
        with self._faults():
            self._client.delete(self._collection, models.PointIdsList(points=names), wait=True)

    def search(self, tenant: str, vector: Vector, limit: int) -> list[Hit]:
        with self._faults():
            found = self._client.query_points(
                self._collection,
                query=list(vector),
                query_filter=_equals("tenant", tenant_field(self._world, tenant)),
                search_params=models.SearchParams(exact=True),
                limit=limit,
                with_payload=True,
            ).points
            return [
                Hit(told["id"], int(told["born"]), told["version"], int(point.score))
                for point in found
                if (told := point.payload) is not None
            ]

    def versions(self, ids: Sequence[str] | None = None) -> dict[str, str]:
        with self._faults():
            if ids is not None:
                names = [str(point_uuid(self._world, name)) for name in ids]
                return _told_versions(self._client.retrieve(self._collection, names, with_payload=True))
            return dict(self._all_versions())

    def _all_versions(self) -> Iterator[tuple[str, str]]:
        offset = None
        while True:
            records, offset = self._client.scroll(
                self._collection,
                scroll_filter=_equals("world", self._world),
                limit=_SCROLL,
                offset=offset,
                with_payload=True,
            )
            yield from _told_versions(records).items()
            if offset is None:
                return

    def cursor(self) -> int | None:
        with self._faults():
            kept = self._client.retrieve(
                self._collection, [str(cursor_point(self._world))], with_payload=True
            )
            payload = kept[0].payload if kept else None
            return None if payload is None else int(payload["cursor"])

    def put_cursor(self, sequence: int | None) -> None:
        place = str(cursor_point(self._world))
        with self._faults():
            if sequence is None:
                self._client.delete(self._collection, models.PointIdsList(points=[place]), wait=True)
                return
            payload = {"tenant": CURSOR_TENANT, "cursor": sequence}
            point = models.PointStruct(id=place, vector=[0.0] * self._dimension, payload=payload)
            self._client.upsert(self._collection, [point], wait=True)

    def close(self) -> None:
        self._client.close()

    def _faults(self) -> AbstractContextManager[None]:
        return _faults(self._shown)


@contextmanager
def _faults(shown: str) -> Iterator[None]:
    """The client raises what HTTP, gRPC, pydantic and itself raise: all of it as faults of the index there."""
    try:
        yield
    except Exception as error:
        said = " ".join(str(error).split())[:160] or type(error).__name__
        raise IndexUnavailable(
            f"the index of memories at {shown} does not answer ({said})",
            remedy="see whether the server runs, its log, and QDRANT_API_KEY",
        ) from error


def _equals(field: str, value: str) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key=field, match=models.MatchValue(value=value))])


def _told_versions(records: Sequence[models.Record]) -> dict[str, str]:
    told = (record.payload for record in records)
    return {payload["id"]: payload["version"] for payload in told if payload is not None}
