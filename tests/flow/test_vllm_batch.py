"""Files of requests, answered by vLLM's own batch runner, and read back into the table."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tiny_model import ENVIRONMENT, FLAGS, MODEL

from radprompter.errors import AwaitingError
from radprompter.labels import LABELS
from radprompter.recipe import StudyRecipe
from radprompter.run import label_reports

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

TEXTS = {
    "en": "There is a small left apical pneumothorax. No rib fracture.",
    "de": "Kein Pneumothorax. Verdacht auf Fraktur der 5. Rippe links.",
    "long": "No pneumothorax. " * 20_000,
}


def recipe(folder: Path) -> StudyRecipe:
    reports = folder / "reports.jsonl"
    reports.write_text("\n".join(json.dumps({"id": name, "text": text}) for name, text in TEXTS.items()))
    backend = {"name": "openai-batch", "model": MODEL, "batch": {"runner": "files"}, "extra_body": {"top_k": 5}}
    section = {
        "reports": {"path": reports, "id": "id", "text": "text"},
        "region": "chest_ptx_ribfx",
        "backend": backend,
    }
    return StudyRecipe.model_validate({"name": "noise", "out": folder / "out", "label": {**section, "reasks": 0}})


def answer(folder: Path, model: Path, python: Path) -> None:
    """Have vLLM answer each file of requests that has no output."""
    for requests in (folder / "out" / "label" / "batches").glob("*.requests.jsonl"):
        output = requests.with_name(requests.name.replace("requests", "output"))
        command = [str(python), "-m", "vllm.entrypoints.openai.run_batch", f"--model={model}", *FLAGS]
        done = subprocess.run(
            [*(flag for flag in command if "trust-request" not in flag), "-i", str(requests), "-o", str(output)],
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]


def test_vllms_batch_runner_answers_our_files_and_its_output_is_read_back(
    noise: Path, vllm: Path, tmp_path: Path
) -> None:
    with pytest.raises(AwaitingError, match="3 answers are awaited"):
        label_reports(recipe(tmp_path))
    answer(tmp_path, noise, vllm)
    run = label_reports(recipe(tmp_path))
    wide = run.table.wide()
    assert run.summary["failures"] == {"beyond_context": 1}
    assert all(set(wide.loc[name]) <= set(LABELS) for name in ("en", "de"))
    assert run.summary["tokens"]["prompt"] > 100
