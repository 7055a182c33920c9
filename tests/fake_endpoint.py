"""A chat-completions server on this machine that answers, or fails, as a test says; it counts what it is asked."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from obedient import Body, answer, is_canary, obey


@dataclass(frozen=True)
class Fault:
    """A response that is no answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"error": {"message": "Bearer sk-secret: no", "code": null}}'
    delay_s: float = 0.0
    reset: bool = False
    endless: bool = False  # the body, again and again
    announced: int | None = None  # what is said of its size


__all__ = ["Body", "answer"]

Behaviour = Callable[[int, Body], Body | Fault]


class Endpoint(ThreadingHTTPServer):
    """The server; `bodies` are the requests so far, `times` when they came, `keys` and `headers` what they carried.

    `crowd` has, for each request, how many were under way when it came and how many had been answered before.

    The made-up questions by which a run begins are answered as they should be, and counted apart in `canaries`; unless
    the server is not `honest`: then they are requests like others.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, behaviour: Behaviour, *, honest: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.honest = honest
        self.canaries: list[Body] = []
        self.lock = threading.Lock()
        self.bodies: list[Body] = []
        self.times: list[float] = []
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.crowd: list[tuple[int, int]] = []
        self.n_connections = 0
        self.n_answered = 0
        self.n_at_once = 0
        self.most_at_once = 0

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.n_connections += 1
        super().process_request(request, client_address)

    def asked(self) -> Counter[str]:
        """How often each last message was sent."""
        return Counter(body["messages"][-1]["content"] for body in self.bodies)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server = self.server
        if server.honest and is_canary(body):
            server.canaries.append(body)
            self._respond(obey(body))
            return
        with server.lock:
            number = len(server.bodies)
            server.bodies.append(body)
            server.times.append(time.monotonic())
            server.keys.append(self.headers.get("authorization", ""))
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            server.paths.append(self.path)
            server.n_at_once += 1
            server.crowd.append((server.n_at_once, server.n_answered))
            server.most_at_once = max(server.most_at_once, server.n_at_once)
        try:
            response = server.behaviour(number, body)
            fault = response if isinstance(response, Fault) else Fault(body=json.dumps(response).encode())
            time.sleep(fault.delay_s)
        finally:
            with server.lock:  # before it is sent: the next request may come before this thread goes on
                server.n_at_once -= 1
        with server.lock:
            server.n_answered += not isinstance(response, Fault)
        self._send(fault)

    def _respond(self, response: Body) -> None:
        self._send(Fault(body=json.dumps(response).encode()))

    def _send(self, fault: Fault) -> None:
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        self.send_response(fault.status)
        for name, value in {"content-type": "application/json", **fault.headers}.items():
            self.send_header(name, value)
        if not fault.endless:
            self.send_header("content-length", str(fault.announced or len(fault.body)))
        self.end_headers()
        self.wfile.write(fault.body)
        self.close_connection = self.close_connection or fault.endless or fault.announced is not None
        while fault.endless:  # until the client goes away
            self.wfile.write(fault.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def endpoint(
    behaviour: Behaviour, *, honest: bool = True, certificate: tuple[Path, Path] | None = None
) -> Iterator[Endpoint]:
    """A running server; behind TLS where there is a certificate (with its key)."""
    server = Endpoint(behaviour, honest=honest)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
