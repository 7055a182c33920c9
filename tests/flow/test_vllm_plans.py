"""The read-out of a real vLLM server, held against the model's own softmax."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tiny_model import MODEL, VOCABULARY, vllm_python

from radprompter.labels import LabelState
from radprompter.prompting.templates import load_template
from radprompter.recipe import StudyRecipe
from radprompter.records import Prompt, Report
from radprompter.run import label_reports

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

TEXTS = {
    "en": "There is a small left apical pneumothorax. No rib fracture.",
    "de": "Kein Pneumothorax. Verdacht auf Fraktur der 5. Rippe links.",
}
ALL_TOKENS = {"top_logprobs": VOCABULARY}
"""Letters are not among the likeliest tokens of a model with random weights, so all tokens are asked for."""


def recipe(folder: Path, server: str, **settings: Any) -> StudyRecipe:
    reports = folder / "reports.jsonl"
    rows = [{"id": report_id, "text": text} for report_id, text in TEXTS.items()]
    reports.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    section = {
        "reports": {"path": reports, "id": "id", "text": "text"},
        "region": "chest_ptx_ribfx",
        "plan": "label_read",
        "least_label_mass": settings.pop("least_label_mass", 0),
        "backend": {"name": "openai", "model": MODEL, "base_url": server, **settings},
    }
    return StudyRecipe.model_validate({"name": "noise", "out": folder / "out", "label": section})


def softmax(server: str, prompts: list[Prompt]) -> list[dict[str, float]]:
    """Token -> probability for each prompt, by transformers on the weights that the server has loaded."""
    with urllib.request.urlopen(f"{server}/models") as response:
        folder = json.load(response)["data"][0]["root"]
    conversations = [[asdict(message) for message in prompt.turns[0].messages] for prompt in prompts]
    done = subprocess.run(
        [str(vllm_python()), str(Path(__file__).parent.parent / "tiny_softmax.py"), folder],
        input=json.dumps(conversations).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    answers: list[dict[str, float]] = json.loads(done.stdout)
    return answers


def test_read_out_probabilities_are_the_models_own_softmax_over_the_letters(server: str, tmp_path: Path) -> None:
    frame = label_reports(recipe(tmp_path, server, extra_body=ALL_TOKENS)).table.frame
    template = load_template("chest_ptx_ribfx", plan="label_read")
    prompts = [p for name, text in TEXTS.items() for p in template.prompts(Report(name, {"report": text}))]
    assert len(frame) == len(prompts) == 4
    for (_, cell), prompt, shares in zip(frame.iterrows(), prompts, softmax(server, prompts), strict=True):
        assert (cell["report_id"], (cell["finding"],)) == (prompt.report.id, prompt.findings)
        masses = {
            state: sum(share for token, share in shares.items() if token.strip().casefold() == letter.casefold())
            for letter, state in template.region.letters(cell["finding"]).items()
        }
        mass = sum(masses.values())
        for state in (LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN):
            assert cell[f"p_{state}"] == pytest.approx(masses[state] / mass, abs=1e-4)
        assert cell["state"] == max(masses, key=masses.__getitem__)
        assert float(cell["repair"].removeprefix("label mass ")) == pytest.approx(mass, abs=1.5e-4)


def test_a_model_that_does_not_speak_of_the_letters_gives_no_label(server: str, tmp_path: Path) -> None:
    run = label_reports(recipe(tmp_path, server, least_label_mass=0.5))
    assert set(run.table.frame["state"]) == {LabelState.FAILED}
    assert run.table.frame["repair"].str.fullmatch(r"label mass 0\.\d{4} below 0\.5").all()
    assert run.summary["failures"] == {}
