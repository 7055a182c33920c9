"""vLLM in the process, held against vLLM's server: the same weights, the same prompts, the same answers."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tiny_model import CHAT_TEMPLATE, ENVIRONMENT, LONGEST, MODEL, ROOT, VOCABULARY, vllm_python

from radprompter.backends import open_backend
from radprompter.prompting.templates import load_template
from radprompter.records import Report

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

TEXTS = {
    "en": "There is a small left apical pneumothorax. No rib fracture.",
    "de": "Kein Pneumothorax. Verdacht auf Fraktur der 5. Rippe links.",
    "long": "No pneumothorax. " * 20_000,
    "last": "No fracture.",
}
ENDING = {"frequency_penalty": 2.0, "stop": [".", ";", "!", "?"], "include_stop_str_in_output": True}
"""Random weights repeat themselves until they may not; then they come to one of these, and the reasoning has an end."""

WAYS: list[dict[str, Any]] = [
    {"template": {}, "backend": {"extra_body": {}}},
    {"template": {"strategy": "chain_of_thought"}, "backend": {"extra_body": ENDING}},
    {"template": {"plan": "label_read"}, "backend": {"extra_body": {"top_logprobs": 50}}},
    {"template": {"prefill": "The ", "stop": (".",)}, "backend": {"structured": False, "extra_body": {"top_k": 9}}},
]
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    + CHAT_TEMPLATE
)
"""What Gemma's chat template does."""

ENGINE = {
    "dtype": "float32",
    "max_model_len": LONGEST,
    "max_logprobs": VOCABULARY,
    "chunk_size": 3,
    "engine": {
        "enforce_eager": True,
        "max_num_seqs": 16,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": LONGEST,
    },
}


def offline(folder: Path, model: str, ways: list[dict[str, Any]]) -> dict[str, Any]:
    """The answers and proofs of a process in the vLLM environment, which lacks one package of ours."""
    packages = folder / "packages"
    packages.mkdir()
    found = importlib.util.find_spec("orjson")
    assert found is not None and found.origin is not None
    (packages / "orjson").symlink_to(Path(found.origin).parent)
    variables = {"PYTHONPATH": f"{ROOT}{os.pathsep}{packages}", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    done = subprocess.run(
        [str(vllm_python()), str(ROOT / "tests" / "offline_answers.py"), str(folder / "answers.json")],
        input=json.dumps({"backend": {"model": model, **ENGINE}, "texts": TEXTS, "ways": ways}),
        env={**os.environ, **ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    return found


def served(server: str, way: dict[str, Any]) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[str, Any]]:
    """The answers of the server, and what it was proven to do."""
    template = load_template("chest_ptx_ribfx", **way["template"])
    prompts = [p for name, text in TEXTS.items() for p in template.prompts(Report(name, {"report": text}))]
    settings = {"name": "openai", "model": MODEL, "base_url": server, **way["backend"]}
    backend = open_backend(settings, template.region)
    proven = dict(backend.prove(prompts[0].turns)["proven"])
    return keyed(json.loads(json.dumps([asdict(completion) for completion in backend.complete(prompts)]))), proven


def likened(proven: dict[str, Any]) -> dict[str, Any]:
    """What was proven, with probabilities rounded as far as the engine's sums agree."""
    text = json.dumps(proven)
    rounded: dict[str, Any] = json.loads(text, parse_float=lambda number: round(float(number), 3))
    return rounded


def keyed(completions: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["report_id"], "/".join(row["findings"])): row for row in completions}


def test_answers_and_proofs_in_the_process_are_those_of_the_server(server: str, tmp_path: Path) -> None:
    with urllib.request.urlopen(f"{server}/models") as response:
        model = json.load(response)["data"][0]["root"]
    (tmp_path / "no_system.jinja").write_text(NO_SYSTEM, encoding="utf-8")
    refused: dict[str, Any] = {"template": {}, "backend": {"chat_template": str(tmp_path / "no_system.jinja")}}
    done = offline(tmp_path, model, [*WAYS, refused])
    assert "vllm-offline refuses what the recipe asks for" in done["proofs"][-1]
    assert "set label.backend.system_role: false" in done["proofs"][-1]
    for way, answers, proof in zip(WAYS, done["answers"][:-1], done["proofs"][:-1], strict=True):
        (expected, proven), found = served(server, way), keyed(answers)
        assert proof["requests"] > 0
        assert likened(proof["proven"]) == likened(proven), way
        assert expected.keys() == found.keys()
        if way["template"].get("strategy") == "chain_of_thought":
            assert {len(row["replies"]) for row in answers} == {0, 2}
        for key, row in found.items():
            other = expected[key]
            assert (row["replies"], row["failure"]) == (other["replies"], other["failure"]), way
            assert row["finish_reason"] == other["finish_reason"]
            assert (row["failure"] == "beyond_context") == (key[0] == "long")
            if row["logprobs"] is None:
                assert other["logprobs"] is None
            else:
                assert row["logprobs"] == pytest.approx(other["logprobs"], abs=1e-3)
            for name in ("prompt_tokens", "completion_tokens"):
                assert row["usage"][name] == other["usage"][name]
