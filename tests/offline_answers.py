"""Prompts answered by the `vllm-offline` backend after its proof, in a process with vLLM: JSON in, JSON out."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # vLLM may start processes of its own that import this file
    from radprompter.backends import open_backend
    from radprompter.errors import BackendError
    from radprompter.prompting.templates import load_template
    from radprompter.records import Prompt, Report

    asked: dict[str, Any] = json.load(sys.stdin)
    answers: list[list[dict[str, Any]]] = []
    proofs: list[Any] = []
    backend = None
    for way in asked["ways"]:
        template = load_template("chest_ptx_ribfx", **way["template"])
        prompts: list[Prompt] = [
            prompt
            for name, text in asked["texts"].items()
            for prompt in template.prompts(Report(name, {"report": text}))
        ]
        opened: Any = open_backend({"name": "vllm-offline", **asked["backend"], **way["backend"]}, template.region)
        if backend is not None:
            opened._llm = backend._llm  # one model for all ways
        try:
            proofs.append(opened.prove(prompts[0].turns))
        except BackendError as error:
            proofs.append(str(error))
        answers.append([asdict(completion) for completion in opened.complete(prompts)])
        backend = opened
    Path(sys.argv[1]).write_text(json.dumps({"answers": answers, "proofs": proofs}))
