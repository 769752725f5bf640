"""The same stand-in behind gRPC: its messages are those of the client's own generated modules.

They have no types, and the names of the methods are the protocol's.
"""

# ruff: noqa: ANN401, N802

import importlib
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from qdrant_client import models
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

from tests.support.qdrant_stand_in import Json, QdrantStandIn

grpc: Any = importlib.import_module("grpc")
messages: Any = importlib.import_module("qdrant_client.grpc")
collections_service: Any = importlib.import_module("qdrant_client.grpc.collections_service_pb2_grpc")
points_service: Any = importlib.import_module("qdrant_client.grpc.points_service_pb2_grpc")


class QdrantGrpcStandIn:
    """Collections in memory behind a gRPC port of this machine's loopback."""

    def __init__(self, api_key: str | None = None) -> None:
        self.behind = QdrantStandIn(api_key)
        self._server: Any = grpc.server(ThreadPoolExecutor(max_workers=2))
        collections_service.add_CollectionsServicer_to_server(_Collections(self.behind), self._server)
        points_service.add_PointsServicer_to_server(_Points(self.behind), self._server)
        self._port: int = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(None).wait()


class _Servicer:
    def __init__(self, behind: QdrantStandIn) -> None:
        self._behind = behind

    def _answer(self, context: Any, call: str, name: str, body: Json) -> Any:
        if ("api-key", self._behind.api_key) not in [tuple(it) for it in context.invocation_metadata()]:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Must provide an API key")
        self._behind.calls.append(call)
        try:
            return self._behind.answer(call, name, body)
        except KeyError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Not found: {error}")


class _Collections(_Servicer, collections_service.CollectionsServicer):  # type: ignore[misc]
    def CollectionExists(self, request: Any, context: Any) -> Any:
        found = self._answer(context, "GET exists", request.collection_name, {})
        return messages.CollectionExistsResponse(result=messages.CollectionExists(exists=found["exists"]))

    def Create(self, request: Any, context: Any) -> Any:
        self._answer(context, "PUT ", request.collection_name, {})
        return messages.CollectionOperationResponse(result=True)


class _Points(_Servicer, points_service.PointsServicer):  # type: ignore[misc]
    def _done(self, context: Any, call: str, name: str, body: Json) -> Any:
        self._answer(context, call, name, body)
        status = messages.UpdateStatus.Completed
        return messages.PointsOperationResponse(result=messages.UpdateResult(operation_id=0, status=status))

    def CreateFieldIndex(self, request: Any, context: Any) -> Any:
        return self._done(context, "PUT index", request.collection_name, {"field_name": request.field_name})

    def Upsert(self, request: Any, context: Any) -> Any:
        points = [GrpcToRest.convert_point_struct(it).model_dump() for it in request.points]
        return self._done(context, "PUT points", request.collection_name, {"points": points})

    def Delete(self, request: Any, context: Any) -> Any:
        chosen = GrpcToRest.convert_points_selector(request.points)
        assert isinstance(chosen, models.PointIdsList)
        return self._done(context, "POST points/delete", request.collection_name, {"points": chosen.points})

    def Get(self, request: Any, context: Any) -> Any:
        ids = [GrpcToRest.convert_point_id(it) for it in request.ids]
        found = self._answer(context, "POST points", request.collection_name, {"ids": ids})
        return messages.GetResponse(result=[_retrieved(it) for it in found])

    def Scroll(self, request: Any, context: Any) -> Any:
        body: Json = {
            "filter": GrpcToRest.convert_filter(request.filter).model_dump(),
            "limit": request.limit,
            "offset": GrpcToRest.convert_point_id(request.offset) if request.HasField("offset") else None,
        }
        page = self._answer(context, "POST points/scroll", request.collection_name, body)
        after = page["next_page_offset"]
        return messages.ScrollResponse(
            result=[_retrieved(it) for it in page["points"]],
            next_page_offset=None if after is None else RestToGrpc.convert_extended_point_id(after),
        )

    def Query(self, request: Any, context: Any) -> Any:
        body: Json = {
            "query": {"nearest": list(request.query.nearest.dense.data)},
            "filter": GrpcToRest.convert_filter(request.filter).model_dump(),
            "params": {"exact": request.params.exact},
            "limit": request.limit,
        }
        found = self._answer(context, "POST points/query", request.collection_name, body)
        points = [models.ScoredPoint.model_validate(it) for it in found["points"]]
        return messages.QueryResponse(result=[RestToGrpc.convert_scored_point(it) for it in points])


def _retrieved(point: Json) -> Any:
    return RestToGrpc.convert_retrieved_point(models.Record.model_validate(point))
