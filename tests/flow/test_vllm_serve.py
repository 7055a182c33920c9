"""`radprompter serve` with a real vLLM: ready, used by the recipe lines that it prints, and gone after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_model import ENVIRONMENT, FLAGS, MODEL

from radprompter.labels import LABELS
from radprompter.recipe import StudyRecipe
from radprompter.run import label_reports

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

OURS = ("--max-num-seqs", "--max-logprobs", "--structured-outputs-config", "--trust-request-chat-template")


def test_a_server_answers_by_the_lines_it_prints_and_ends_with_all_its_processes(
    noise: Path, vllm: Path, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from radprompter.cli.app import main; main()", "serve", str(noise)]
    command += [f"--python={vllm}", f"--port={port}", "--max-num-seqs=16", "--log", str(tmp_path / "log"), "--"]
    command += [flag for flag in FLAGS if not flag.startswith(OURS)]
    server = subprocess.Popen(
        command,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        text=True,
        # a shell that runs the tests in the background has interrupts ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert server.stdout is not None
        said = [server.stdout.readline() for _ in range(7)]
        assert said[1].startswith("ready at"), "".join(said)
        backend = yaml.safe_load("".join(said[2:]))["label"]["backend"]
        assert (backend["name"], backend["model"]) == ("vllm", MODEL)
        reports = tmp_path / "reports.jsonl"
        reports.write_text(json.dumps({"id": "a", "text": "There is a small left apical pneumothorax."}))
        section = {"reports": {"path": reports, "id": "id", "text": "text"}, "region": "chest_ptx_ribfx"}
        noise = {**backend, "extra_body": {"top_k": 5}}
        study = {"name": "noise", "out": tmp_path / "out", "label": {**section, "backend": noise, "reasks": 0}}
        run = label_reports(StudyRecipe.model_validate(study))
        assert set(run.table.frame["state"]) <= set(LABELS)
        assert "pneumothorax." not in (tmp_path / "log").read_text()
    finally:
        server.send_signal(signal.SIGINT)
        code = server.wait(90)
        if server.stdout is not None:
            server.stdout.close()
    assert code == 0
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"--port={port}" not in left
