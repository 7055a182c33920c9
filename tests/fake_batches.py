"""A server on this machine with files and batches, which are done when a test says so; it keeps all that it is sent."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from obedient import Body, answer, obey

Line = dict[str, Any]
Answering = Callable[[Line], Line | None]
"""Request line -> line of the output, or of the errors where it has one; ``None`` leaves it out."""


def done(request: Line, body: Body) -> Line:
    """A line with a response."""
    return {
        "id": "batch_req_1",
        "custom_id": request["custom_id"],
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
    }


def failed(request: Line, code: str, status: int | None = None) -> Line:
    """A line of the error file."""
    error = {"code": code, "message": "Bearer sk-secret: There is a fracture."}
    if status is None:
        return {"id": "x", "custom_id": request["custom_id"], "response": None, "error": error}
    response = {"status_code": status, "request_id": "r", "body": {"error": error}}
    return {"id": "x", "custom_id": request["custom_id"], "response": response, "error": None}


def always(content: str) -> Answering:
    return lambda request: done(request, answer(content))


@dataclass
class Remote:
    """A batch as the server has it."""

    id: str
    input_file_id: str
    metadata: dict[str, str]
    status: str = "in_progress"
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: dict[str, Any] | None = None

    def shown(self) -> Body:
        times = {"created_at": 1, "completion_window": "24h", "endpoint": "/v1/chat/completions", "object": "batch"}
        return {**times, **self.__dict__}


@dataclass
class Store:
    """Files and batches; `lose_next` names a path whose next request is carried out, and its response lost; one to
    `refuse_next` is not carried out."""

    answering: Answering
    at_once: bool = False
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    batches: dict[str, Remote] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    lose_next: str = ""
    refuse_next: str = ""
    log: list[str] = field(default_factory=list)
    n_chats: int = 0

    def add_file(self, name: str, content: bytes) -> str:
        file_id = f"file-{len(self.files) + len(self.deleted)}"
        self.files[file_id] = (name, content)
        return file_id

    def create(self, body: Body) -> Remote:
        assert body["endpoint"] == "/v1/chat/completions"
        remote = Remote(f"batch-{len(self.batches)}", body["input_file_id"], body.get("metadata") or {})
        self.batches[remote.id] = remote
        if self.at_once:
            self.finish()
        return remote

    def requests(self, remote: Remote) -> list[Line]:
        return [json.loads(line) for line in self.files[remote.input_file_id][1].splitlines()]

    def finish(self, status: str = "completed") -> None:
        """End every batch that runs; outputs come in reverse order."""
        for remote in self.batches.values():
            if remote.status != "in_progress":
                continue
            lines = [line for request in self.requests(remote) if (line := self.answering(request)) is not None]
            good = [line for line in lines if (line["response"] or {}).get("status_code") == 200]
            bad = [line for line in lines if line not in good]
            for kind, chosen in (("output_file_id", good), ("error_file_id", bad)):
                if chosen:
                    text = "\n".join(json.dumps(line) for line in reversed(chosen))
                    setattr(remote, kind, self.add_file(f"{kind}.jsonl", text.encode()))
            remote.status = status

    def respond(self, method: str, path: str, raw: bytes) -> tuple[int, Body | bytes]:
        _, _, kind, *rest = path.split("/")
        if self.refuse_next == f"{method} {path}":
            self.refuse_next = ""
            return 503, {"error": {"message": "Bearer sk-secret: There is a fracture."}}
        if kind == "chat":
            self.n_chats += 1
            return 200, obey(json.loads(raw))
        if kind == "files" and method == "POST":
            name, content = uploaded(raw)
            return 200, self.file(self.add_file(name, content))
        if kind == "files" and not rest:
            return 200, {"object": "list", "data": [self.file(name) for name in self.files], "has_more": False}
        if kind == "files" and rest[0] not in self.files:
            return 404, {"error": {"message": "no such file"}}
        if kind == "files" and method == "DELETE":
            self.deleted.append(rest[0])
            del self.files[rest[0]]
            return 200, {"id": rest[0], "object": "file", "deleted": True}
        if kind == "files":
            return 200, self.files[rest[0]][1]
        if method == "POST":
            return 200, self.create(json.loads(raw)).shown()
        if rest:
            return 200, self.batches[rest[0]].shown()
        return 200, {"object": "list", "data": [b.shown() for b in self.batches.values()], "has_more": False}

    def file(self, file_id: str) -> Body:
        name, content = self.files[file_id]
        about = {"object": "file", "purpose": "batch", "status": "processed", "created_at": 1}
        return {**about, "id": file_id, "filename": name, "bytes": len(content)}


def uploaded(raw: bytes) -> tuple[str, bytes]:
    """Name and content of the file in a multipart body."""
    boundary = raw.split(b"\r\n", 1)[0]
    for part in raw.split(boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        named = re.search(rb'filename="([^"]+)"', head)
        if named:
            return named.group(1).decode(), content.removesuffix(b"\r\n")
    raise AssertionError("no file in the body")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        self.store.log.append(f"{self.command} {path}")
        status, body = self.store.respond(self.command, path, raw)
        if self.store.lose_next and f"{self.command} {path}" == self.store.lose_next:
            self.store.lose_next = ""
            self.close_connection = True
            return
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def batch_endpoint(answering: Answering, *, at_once: bool = False) -> Iterator[tuple[str, Store]]:
    """The address of a running server, and what it has."""
    store = Store(answering, at_once)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handling", (Handler,), {"store": store}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
