"""Asking the `openai` backend, for tests that have an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import Behaviour, Endpoint, endpoint
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.errors import BackendError
from radprompter.records import Completion, Message, Prompt, Questions, Report, Turn

SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def prompt(report_id: str, *turns: Turn) -> Prompt:
    one = Turn((Message("system", "Read."), Message("user", f"Report {report_id}")), 50, SCHEMA)
    return Prompt(Report(report_id, {"findings": "x"}), turns or (one,))


def ask(server: Endpoint, prompts: list[Prompt], tmp_path: Path, **settings: Any) -> dict[str, Completion]:
    backend = open_backend({"name": "openai", "model": "m", "base_url": server.url, **settings}, small_region(tmp_path))
    completions = list(backend.complete(prompts))
    backend.close()
    assert sorted(c.report_id for c in completions) == sorted(p.report.id for p in prompts)
    return {completion.report_id: completion for completion in completions}


def ask_until_stopped(server: Endpoint, prompts: list[Prompt], tmp_path: Path, **settings: Any) -> list[Completion]:
    """What a run that stops with an error had handed over by then."""
    settings = {"name": "openai", "model": "m", "base_url": server.url, **settings}
    completions: list[Completion] = []
    with pytest.raises(BackendError):
        completions.extend(open_backend(settings, small_region(tmp_path)).complete(prompts))
    return completions


def asked_once(prompts: Sequence[Prompt]) -> Questions[list[Completion]]:
    """A conversation that asks some prompts together, and nothing more."""
    return list((yield prompts))


def ask_one(behaviour: Behaviour, tmp_path: Path, **settings: Any) -> tuple[Completion, Endpoint]:
    with endpoint(behaviour) as server:
        return ask(server, [prompt("a")], tmp_path, **settings)["a"], server
