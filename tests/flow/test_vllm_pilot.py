"""Token counts and a pilot against a real vLLM server, whose model has random weights."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_model import MODEL

from radprompter.backends import open_backend
from radprompter.prompting.templates import load_template
from radprompter.prompting.tokens import count_prompt_tokens, load_counter
from radprompter.recipe import StudyRecipe
from radprompter.records import Report
from radprompter.run import label_reports
from radprompter.trials import run_pilot

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

TEXTS = {
    "a": "There is a small left apical pneumothorax. No rib fracture.",
    "b": "Fracture of the fifth rib. <b>No</b> pneumothorax, naïve — 3 × 4 mm.",
    "c": "Normal chest.",
}


def backend(server: str) -> dict[str, object]:
    noise = {"temperature": 1.0, "seed": 7, "extra_body": {"stop": ["."], "include_stop_str_in_output": True}}
    return {"name": "openai", "model": MODEL, "base_url": server, **noise}


def model_folder(server: str) -> Path:
    with urllib.request.urlopen(f"{server}/models") as response:
        return Path(json.load(response)["data"][0]["root"])


@pytest.mark.parametrize("plan", ["one_json", "per_finding"])
def test_the_models_tokenizer_counts_what_the_server_counts_but_for_the_chat_template(plan: str, server: str) -> None:
    pytest.importorskip("tokenizers", reason="the extra `tokens` is not installed")
    counter = load_counter(model_folder(server))
    template = load_template("chest_ptx_ribfx", plan=plan)  # type: ignore[arg-type]
    around = counter.count("<|start|>system\n<|end|>\n<|start|>user\n<|end|>\n<|start|>assistant\n")
    prompts = [prompt for name, text in TEXTS.items() for prompt in template.prompts(Report(name, {"report": text}))]
    short = [replace(prompt, turns=(replace(prompt.turns[0], max_tokens=1),)) for prompt in prompts]
    found = open_backend(backend(server), template.region).complete(short)
    counted = {(one.report_id, one.findings): one.usage.prompt_tokens for one in found}
    for prompt in prompts:
        expected = count_prompt_tokens(prompt, counter) + around
        assert counted[prompt.report.id, prompt.findings] == expected


def test_a_pilot_labels_in_three_plans_and_a_full_run_finds_its_answers(server: str, tmp_path: Path) -> None:
    rows = [json.dumps({"id": name, "text": text}) for name, text in TEXTS.items()]
    (tmp_path / "reports.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "truth.csv").write_text("report_id,pneumothorax,rib_fracture\na,1,0\nb,0,1\nc,,\n")
    section = {
        "reports": {"path": tmp_path / "reports.jsonl", "id": "id", "text": "text"},
        "region": "chest_ptx_ribfx",
        "plan": "per_finding",
        "backend": backend(server),
    }
    study = StudyRecipe.model_validate({"name": "noise", "out": tmp_path / "out", "label": section})
    found = run_pilot(study, n=2, reference=tmp_path / "truth.csv")
    assert [trial.n_requests for trial in found.trials] == [2, 4, 4]
    assert all(trial.prompt_tokens > 100 * trial.n_requests and trial.seconds > 0 for trial in found.trials)
    one_json, per_finding, label_read = found.trials
    assert one_json.n_unanswered == per_finding.n_unanswered == 0  # constrained answers of a model without sense
    assert label_read.n_unanswered == 4  # which does not speak of the letters
    assert label_read.completion_tokens == 4
    assert found.n_all == 3 and found.reference is not None
    assert label_reports(study).summary["requests"] == {"asked": 2, "from_journal": 4}
