"""The command that serves a model: what it would start, what it refuses, and how it says that a start failed."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.errors import InputError, RadprompterError
from radprompter.serving import ServerPlan, check_plan, recipe_lines, serving


def a_python(folder: Path, *, runs: str) -> Path:
    """Something that looks like a Python with vLLM, and runs a shell command instead of the server."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit 0\n{runs}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_dry_run_prints_the_command_and_why_and_starts_nothing(tmp_path: Path) -> None:
    given = ["serve", str(tmp_path), "--dry-run", "--port", "8123", "--tensor-parallel", "2"]
    shown = CliRunner().invoke(app, [*given, "--", "--dtype", "float32"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    command = shlex.split(shown.stdout.splitlines()[0])
    assert {"VLLM_NO_USAGE_STATS=1", "HF_HUB_OFFLINE=1", "--host=127.0.0.1", "--port=8123"} <= set(command)
    assert {"--tensor-parallel-size=2", "--enable-prefix-caching", "--no-enable-log-requests"} <= set(command)
    assert command[-2:] == ["--dtype", "float32"]
    (config,) = [flag for flag in command if flag.startswith("--structured-outputs-config=")]
    assert json.loads(config.partition("=")[2])["disable_any_whitespace"] is True
    assert "computed once" in shown.stdout


def test_the_recipe_lines_name_the_model_as_it_is_served() -> None:
    plan = ServerPlan("/models/m", Path("python"), extra=("--served-model-name", "mine"))
    assert recipe_lines(plan)[2:] == ("    name: vllm", "    model: mine", "    base_url: http://127.0.0.1:8000/v1")


@pytest.mark.parametrize(
    ("python", "expected"), [(sys.executable, "vLLM is not installed"), ("/no/such/python", "cannot be run")]
)
def test_an_environment_without_vllm_is_refused_in_one_message(python: str, expected: str) -> None:
    refused = CliRunner().invoke(app, ["serve", "m", "--python", python])
    assert refused.exit_code == 2
    assert expected in refused.stderr


def test_a_port_that_is_taken_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        plan = ServerPlan("m", a_python(tmp_path, runs="sleep 60"), port=taken.getsockname()[1])
        with pytest.raises(InputError, match="is in use"):
            check_plan(plan)


def test_a_server_that_does_not_come_up_shows_the_end_of_its_log(tmp_path: Path) -> None:
    plan = ServerPlan("m", a_python(tmp_path, runs="echo out of memory; exit 3"), port=1)
    with pytest.raises(RadprompterError, match=r"exit code 3.*\nout of memory"), serving(plan):
        pass


def test_a_server_that_is_not_ready_in_time_is_ended_with_all_its_processes(tmp_path: Path) -> None:
    plan = ServerPlan("m", a_python(tmp_path, runs=f"sleep 987 & echo $! > {tmp_path}/child; wait"), port=1)
    with pytest.raises(RadprompterError, match="not ready in 2 s"), serving(plan, start_limit_s=2):
        pass
    assert _has_ended(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize(
    ("how", "code", "child"),
    [
        (signal.SIGINT, 0, "sleep 987"),
        (signal.SIGTERM, 0, "sleep 987"),
        (signal.SIGKILL, -signal.SIGKILL, "(trap '' TERM; exec sleep 987)"),  # which does not end when it is told to
    ],
)
def test_however_the_command_ends_none_of_its_processes_is_left(
    how: signal.Signals, code: int, child: str, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "health").touch()
    server = f"exec {sys.executable} -m http.server {port} --bind 127.0.0.1 --directory {tmp_path}"
    python = a_python(tmp_path, runs=f"{child} & echo $$ $! > {tmp_path}/processes; {server}")
    command = [sys.executable, "-c", "from radprompter.cli.app import main; main()", "serve", "m"]
    with subprocess.Popen(
        [*command, f"--python={python}", f"--port={port}"],
        stdout=subprocess.PIPE,
        text=True,
        # a shell that runs the tests in the background has interrupts ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as serve:
        assert serve.stdout is not None
        assert any(line.startswith("ready at") for line in serve.stdout)
        processes = [int(number) for number in (tmp_path / "processes").read_text().split()]
        assert all(map(_runs, processes))
        serve.send_signal(how)
        assert serve.wait(60) == code
    assert all(map(_has_ended, processes))


def _has_ended(process: int) -> bool:
    """Whether a process ends, if not at once then soon."""
    until = time.monotonic() + 20
    while time.monotonic() < until and _runs(process):
        time.sleep(0.05)
    return not _runs(process)


def _runs(process: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return not state.stdout.strip().startswith("Z")
