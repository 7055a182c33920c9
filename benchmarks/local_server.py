"""A chat-completions server that costs little, for measurements and long tests: bytes in, prepared bytes out.

    python benchmarks/local_server.py '{"answers": ["{}"], "latency_ms": 50, "fault_share": 0.05}'

It prints its port, then serves until its input ends, and prints what it counted as JSON. A request is answered by the
number that stands as ``#123`` in its last message: with the answer at that place of `answers`, counted round. Of the
numbers, `fault_share` meet a fault first, each its own, in the order of `FAULTS`; one that is ``500`` meets it twice.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

NUMBER = re.compile(rb"#(\d+)")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

FAULTS = (
    "429", "429 with a wait", "500", "503", "reset", "reset after the work", "stall", "truncated", "garbage",
    "other model",
)  # fmt: skip
TWICE = frozenset({"500"})
WAIT_MS = 100


@dataclass
class Behaviour:
    """What the server does, and what it counted."""

    answers: list[str]
    latency_ms: float = 0.0
    fault_share: float = 0.0
    stall_s: float = 3.0
    seen: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    n_under_way: int = 0
    most_under_way: int = 0

    def __post_init__(self) -> None:
        self.prepared = [response(200, completion(text)) for text in self.answers]
        self.every = round(1 / self.fault_share) if self.fault_share else 0

    def fault(self, number: int) -> str:
        """The fault that a request meets, by its number and how often it came; none in most cases."""
        if not self.every or number % self.every:
            return ""
        kind = FAULTS[number // self.every % len(FAULTS)]
        return kind if self.seen[number] <= (2 if kind in TWICE else 1) else ""


def completion(text: str, *, model: str = "m", finish_reason: str = "stop") -> bytes:
    """The body of a chat completion."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 900, "completion_tokens": 180, "total_tokens": 1080}
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}
    return json.dumps(body).encode()


def response(status: int, body: bytes, *headers: str) -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One connection; requests on it are answered in order."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.received = bytearray()
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return
        announced = LENGTH.search(self.received, 0, head)
        end = head + 4 + (int(announced[1]) if announced else 0)
        if len(self.received) < end:
            return
        body, self.received = bytes(self.received[head + 4 : end]), self.received[end:]
        behaviour = self.behaviour
        behaviour.n_under_way += 1
        behaviour.most_under_way = max(behaviour.most_under_way, behaviour.n_under_way)
        if behaviour.latency_ms:
            self.loop.call_later(behaviour.latency_ms / 1000, self.answer, body)
        else:
            self.answer(body)

    def answer(self, body: bytes) -> None:
        behaviour = self.behaviour
        behaviour.n_under_way -= 1
        found = NUMBER.findall(body)
        number = int(found[-1]) if found else 0
        behaviour.seen[number] += 1
        place = number % len(behaviour.answers)
        kind = behaviour.fault(number)
        if not kind:
            self.transport.write(behaviour.prepared[place])
            return
        behaviour.faults[kind] += 1
        text = behaviour.answers[place]
        if kind.startswith("reset"):
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()
        elif kind == "stall":
            self.loop.call_later(behaviour.stall_s, self.transport.abort)
        elif kind == "429 with a wait":
            self.transport.write(response(429, b"{}", f"retry-after-ms: {WAIT_MS}"))
        elif kind.isdigit():
            self.transport.write(response(int(kind), b"<html>busy</html>"))
        elif kind == "truncated":
            self.transport.write(response(200, completion(text)[:-40]))
        elif kind == "garbage":
            self.transport.write(response(200, b"\x00\xff garbage"))
        else:
            self.transport.write(response(200, completion(text, model="another")))


async def serve(behaviour: Behaviour) -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(behaviour), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()
    counted = {
        "requests": behaviour.seen.total(),
        "numbers": len(behaviour.seen),
        "faults": behaviour.faults,
        "most_under_way": behaviour.most_under_way,
    }
    print(json.dumps(counted), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Behaviour(**json.loads(sys.argv[1]))))
