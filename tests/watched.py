"""Commands of the project run where every use of a socket is written down, and refused if it leads off this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HOOK = """
import os, sys

def is_near(args):
    address = args[1] if len(args) > 1 and isinstance(args[1], tuple) else args[0]  # of connect, or of a look-up
    host = address[0] if isinstance(address, tuple) else address
    host = host.decode() if isinstance(host, bytes) else str(host)
    return host.startswith("127.") or host in ("::1", "localhost")

def watch(event, args):
    if event.startswith("socket.") and event not in ("socket.gethostname", "socket.sethostname"):
        if event == "socket.__new__" and int(args[1]) == 1:  # a Unix socket: asyncio wakes itself by one
            return
        if event != "socket.__new__" and getattr(args[0], "family", None) == 1:
            return
        shown = [arg.decode() if isinstance(arg, bytes) else arg for arg in args if not hasattr(arg, "fileno")]
        file = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{event} {shown}\\n".encode())
        os.close(file)
        if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname") and not is_near(args):
            raise OSError("the test lets nothing off this machine")

sys.addaudithook(watch)
"""

REACHING = ("socket.connect", "socket.getaddrinfo", "socket.gethostby", "socket.sendto", "socket.sendmsg")
"""Beginnings of events by which something is reached or looked up; sockets that are made or bound reach nobody."""


class Watched(NamedTuple):
    """What a command said, and every use of a socket that is no Unix socket."""

    code: int
    out: str
    said: str  # on stderr
    events: list[str]

    @property
    def reached(self) -> list[str]:
        """The uses by which another socket, or a name, was sought."""
        return [event for event in self.events if event.startswith(REACHING)]


def command(name: str, *arguments: str) -> list[str]:
    """The command line of `radprompter` or `imagetrain` in this Python."""
    return [sys.executable, "-c", f"from {name}.cli.app import main; main()", *arguments]


def watch(line: list[str], folder: Path, *, before: tuple[str, ...] = (), **variables: str) -> Watched:
    """Run a command, after other words such as `unshare -rn`, in a folder."""
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(HOOK)
    events = folder / "events.txt"
    events.write_text("")
    root = Path(__file__).parent.parent
    path = os.pathsep.join([str(hooks), str(root), os.environ.get("PYTHONPATH", "")])
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and "KEY" not in name}
    env = {**kept, "PYTHONPATH": path, "WATCHED": str(events), **variables}
    done = subprocess.run(
        [*before, *line], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    return Watched(done.returncode, done.stdout, done.stderr, events.read_text().splitlines())
