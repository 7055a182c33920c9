"""A vLLM server with the settings that labeling needs: its command, its start, and its end with all its processes."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from radprompter.errors import InputError, RadprompterError

MODULE = "vllm.entrypoints.openai.api_server"
"""Started as a module, which every build of vLLM has; the `vllm` command of some does not start."""

LEASH = str(Path(__file__).with_name("leash.py"))

POLL_S = 0.5
END_S = 30.0
TAIL_LINES = 15


class Flag(NamedTuple):
    """A flag of the server, and why it is set."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """What to serve and how.

    Parameters
    ----------
    model:
        Folder of the model, or its name on a hub.
    python:
        The Python of an environment that has vLLM.
    extra:
        Further flags, which win over those here.
    """

    model: str
    python: Path
    host: str = "127.0.0.1"
    port: int = 8000
    tensor_parallel: int = 1
    max_num_seqs: int = 256
    max_logprobs: int = 128
    chat_template: Path | None = None
    extra: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The address to write into a recipe on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}/v1"

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The flags, in order, each with its reason."""
        flags = (
            Flag(f"--model={self.model}", "what is served; the recipe's `model` has the same name"),
            Flag(f"--host={self.host}", "who can reach the server: 127.0.0.1 is this machine alone"),
            Flag(f"--port={self.port}", "where it listens"),
            Flag(f"--tensor-parallel-size={self.tensor_parallel}", "GPUs that share the model"),
            Flag("--enable-prefix-caching", "instructions are the same in every request: they are computed once"),
            Flag(f"--max-num-seqs={self.max_num_seqs}", "requests that are answered at the same time"),
            Flag(f"--max-logprobs={self.max_logprobs}", "plan label_read looks for its letters among so many tokens"),
            Flag(
                '--structured-outputs-config={"backend": "xgrammar", "disable_any_whitespace": true}',
                "a weak model would fill its JSON with white space until it is cut off",
            ),
            Flag("--no-enable-log-requests", "reports do not stand in the server's log"),
        )
        template = Flag(f"--chat-template={self.chat_template}", "instead of the model's own chat template")
        return (*flags, *((template,) if self.chat_template is not None else ()))

    @property
    def command(self) -> list[str]:
        """The whole command."""
        return [str(self.python), "-m", MODULE, *(flag.text for flag in self.flags), *self.extra]

    @property
    def environment(self) -> dict[str, str]:
        """Variables beside those that are set: nothing is told to anyone, a local model asks no hub."""
        offline = {"HF_HUB_OFFLINE": "1"} if Path(self.model).is_dir() else {}
        return {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", **offline}

    @property
    def served_name(self) -> str:
        """The name by which requests ask for the model."""
        names = [flag.partition("=")[2] for flag in self.extra if flag.startswith("--served-model-name=")]
        if "--served-model-name" in self.extra[:-1]:
            names.append(self.extra[self.extra.index("--served-model-name") + 1])
        return names[-1] if names else self.model


def check_plan(plan: ServerPlan) -> None:
    """Refuse what cannot start.

    Raises
    ------
    InputError
        If there is no such Python or chat template, vLLM is not in its environment, or the port is taken.
    """
    if plan.chat_template is not None and not plan.chat_template.is_file():
        raise InputError(f"--chat-template: {plan.chat_template}: no such file")
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vllm') is None)"
    try:
        found = subprocess.run([plan.python, "-c", probe], capture_output=True, check=False).returncode == 0
    except OSError:
        raise InputError(
            f"--python: {plan.python}: cannot be run; give the Python of an environment with vLLM"
        ) from None
    if not found:
        raise InputError(
            f"vLLM is not installed for {plan.python}: install the extra `vllm` there (a GPU and Linux are needed), "
            "or give --python the Python of an environment that has it"
        )
    with socket.socket() as probe_socket, suppress(OSError):
        probe_socket.settimeout(1)
        probe_socket.connect((plan.host, plan.port))
        raise InputError(f"--port: {plan.port} is in use on {plan.host}; choose another")


@contextmanager
def serving(
    plan: ServerPlan, *, start_limit_s: float = 1800, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A running server that answers; ended, with every process that it started, when the block or this process ends.

    Raises
    ------
    RadprompterError
        If it does not come up; the message has the end of its log, which has no report in it: none was sent.
    """
    with tempfile.NamedTemporaryFile(prefix="radprompter-serve-", suffix=".log", delete=log is None) as own:
        path = log or Path(own.name)
        with path.open("wb") as output:
            server = subprocess.Popen(
                [sys.executable, "-I", LEASH, *plan.command],
                env={**os.environ, **plan.environment},
                stdin=subprocess.PIPE,  # never written to: it closes when this process ends, even if it is killed
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait(plan, server, path, start_limit_s)
            yield server
        finally:
            end_group(server)
            if server.stdin is not None:
                server.stdin.close()


def _wait(plan: ServerPlan, server: subprocess.Popen[bytes], log: Path, limit_s: float) -> None:
    until = time.monotonic() + limit_s
    while time.monotonic() < until and server.poll() is None:
        if is_healthy(plan.host, plan.port):
            return
        time.sleep(POLL_S)
    reason = (
        f"ended with exit code {server.returncode}" if server.poll() is not None else f"not ready in {limit_s:.0f} s"
    )
    raise RadprompterError(f"the server did not come up: {reason}; the end of its log:\n{tail(log)}")


def is_healthy(host: str, port: int) -> bool:
    """Whether a server says that it is ready; asked directly, whatever proxy is set."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def tail(log: Path, n_lines: int = TAIL_LINES) -> str:
    """The last lines of a log, none longer than 300 characters."""
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(line[:300] for line in lines[-n_lines:]) or "(empty)"


def end_group(server: subprocess.Popen[bytes]) -> None:
    """End a server and all processes of its group, which is its own; those that do not end are killed."""
    for how, wait_s in ((signal.SIGTERM, END_S), (signal.SIGKILL, END_S)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(server.pid, how)
        with suppress(subprocess.TimeoutExpired):
            server.wait(wait_s)
        if server.poll() is not None and not _has_members(server.pid, wait_s if how is signal.SIGTERM else 1):
            return


def _has_members(group: int, wait_s: float) -> bool:
    """Whether any process of a group is left after a while."""
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return False
        time.sleep(0.1)
    return True


def recipe_lines(plan: ServerPlan) -> Sequence[str]:
    """The lines of a recipe that use the server."""
    settings: Mapping[str, str] = {"name": "vllm", "model": plan.served_name, "base_url": plan.url}
    return ("label:", "  backend:", *(f"    {name}: {value}" for name, value in settings.items()))
