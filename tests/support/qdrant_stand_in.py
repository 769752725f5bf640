"""A small HTTP server that answers the nine calls our index makes as Qdrant's REST interface documents them.

It is not Qdrant: what it shows is what the client sends and how the index bears a server that comes and goes, over real
sockets. Points live as long as the object, so a server that is stopped and started again still has them.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]


class QdrantStandIn:
    """Collections in memory behind a port of this machine's loopback, which stays the same over restarts."""

    def __init__(self, api_key: str | None = None) -> None:
        self.api_key = api_key
        self.collections: dict[str, dict[str, Json]] = {}
        self.indexed: dict[str, list[Json]] = {}
        self.created: list[Json] = []
        self.calls: list[str] = []
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, on the port of last time if there was one."""
        stand_in = self

        class Handler(_Handler):
            owner = stand_in

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, call: str, name: str, body: Json) -> object:
        """The result of one call upon a collection; KeyError for a collection or call that does not exist."""
        if call == "GET exists":
            return {"exists": name in self.collections}
        if call == "PUT ":
            self.collections[name] = {}
            self.created.append(body)
            return True
        points = self.collections[name]
        if call == "PUT index":
            self.indexed.setdefault(name, []).append(body)
            return {"operation_id": 0, "status": "completed"}
        if call == "PUT points":
            points.update({str(point["id"]): point for point in body["points"]})
            return {"operation_id": 0, "status": "completed"}
        if call == "POST points/delete":
            for point_id in body["points"]:
                points.pop(str(point_id), None)
            return {"operation_id": 0, "status": "completed"}
        if call == "POST points":
            return [_shown(points[str(it)]) for it in body["ids"] if str(it) in points]
        if call == "POST points/scroll":
            return _scrolled(points, body)
        if call == "POST points/query":
            return {"points": _found(points, body)}
        raise KeyError(call)


class _Handler(BaseHTTPRequestHandler):
    owner: QdrantStandIn

    def _serve(self) -> None:
        owner = self.owner
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        _, _, name, *rest = self.path.partition("?")[0].split("/")
        call = f"{self.command} {'/'.join(rest)}"
        owner.calls.append(call)
        if owner.api_key is not None and self.headers.get("api-key") != owner.api_key:
            self._send(401, {"status": {"error": "Must provide an API key"}})
            return
        try:
            result = owner.answer(call, name, body)
        except KeyError as error:
            self._send(404, {"status": {"error": f"Not found: {error}"}})
            return
        self._send(200, {"result": result, "status": "ok", "time": 0.0})

    do_GET = do_PUT = do_POST = _serve  # noqa: N815 - names that http.server calls

    def _send(self, status: int, body: Json) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _shown(point: Json) -> Json:
    return {"id": point["id"], "payload": point["payload"]}


def _matching(points: dict[str, Json], condition: Json | None) -> list[Json]:
    conditions = (condition or {}).get("must", [])
    return [
        points[name]
        for name in sorted(points)
        if all(_matches(points[name]["payload"].get(it["key"]), it["match"]["value"]) for it in conditions)
    ]


def _matches(kept: object, value: object) -> bool:
    return value in kept if isinstance(kept, list) else kept == value


def _scrolled(points: dict[str, Json], body: Json) -> Json:
    after = [
        it for it in _matching(points, body.get("filter")) if str(it["id"]) >= str(body.get("offset") or "")
    ]
    page, rest = after[: body["limit"]], after[body["limit"] :]
    return {"points": [_shown(it) for it in page], "next_page_offset": rest[0]["id"] if rest else None}


def _found(points: dict[str, Json], body: Json) -> list[Json]:
    assert body["params"]["exact"] is True, "an approximate search would find another world"
    scored = [
        (sum(a * b for a, b in zip(it["vector"], body["query"]["nearest"], strict=True)), it)
        for it in _matching(points, body["filter"])
    ]
    scored.sort(key=lambda pair: -pair[0])
    return [{**_shown(it), "version": 0, "score": score} for score, it in scored[: body["limit"]]]
