"""What every backend keeps to, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_batches import always, batch_endpoint
from fake_endpoint import Endpoint, answer, endpoint
from label_study import ANSWER
from small_region import small_region

from radprompter.answers import read
from radprompter.backends import BACKENDS, find_backend, open_backend
from radprompter.backends.base import Backend
from radprompter.errors import RecipeError
from radprompter.labels import LABELS
from radprompter.prompting.templates import load_template
from radprompter.records import Prompt, Report
from radprompter.region import Region

ANSWERING = sorted(BACKENDS.keys() - {"vllm-offline"})
"""Those that need no model here; that one answers in tests/flow/test_vllm_offline.py."""

REPORTS = [Report(f"r{number}", {"report": f"There is a fracture. Number {number}."}) for number in range(20)]


@pytest.fixture(scope="module")
def server() -> Iterator[Endpoint]:
    with endpoint(lambda number, body: answer(ANSWER)) as running:
        yield running


@pytest.fixture(scope="module")
def batches() -> Iterator[str]:
    with batch_endpoint(always(ANSWER), at_once=True) as (url, _):
        yield url


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return small_region(tmp_path)


@pytest.fixture(params=sorted(BACKENDS))
def settings(request: pytest.FixtureRequest, server: Endpoint, batches: str, tmp_path: Path) -> dict[str, Any]:
    needed: dict[str, dict[str, Any]] = {
        "openai": {"model": "m", "base_url": server.url},
        "vllm": {"model": "m", "base_url": server.url},
        "openai-batch": {"model": "m", "base_url": batches, "batch": {"wait_s": 60}, "folder": str(tmp_path / "b")},
        "vllm-offline": {"model": "m"},
        "scripted": {"default": ANSWER},
    }
    return {"name": request.param, **needed.get(request.param, {})}


def prompts(backend: Backend, region: Region) -> list[Prompt]:
    template = load_template(region)
    return [(template.bare if backend.reads == "report" else template.render)(report) for report in REPORTS]


def test_a_backend_has_the_name_it_is_registered_under(settings: dict[str, Any]) -> None:
    assert find_backend(settings["name"]).name == settings["name"]


@pytest.mark.parametrize("settings", ANSWERING, indirect=True)
def test_each_prompt_is_answered_once_with_something_that_can_be_read(settings: dict[str, Any], region: Region) -> None:
    backend = open_backend(settings, region)
    completions = list(backend.complete(prompts(backend, region)))
    backend.close()
    assert sorted(c.report_id for c in completions) == sorted(report.id for report in REPORTS)
    for completion in completions:
        assert completion.failure is None
        assert completion.model
        cells = read(completion, REPORTS[0], region, "t").cells
        assert cells[0].state == "positive"
        assert all(cell.state in LABELS for cell in cells)


def test_no_prompts_give_no_completions_and_closing_twice_does_no_harm(
    settings: dict[str, Any], region: Region
) -> None:
    backend = open_backend(settings, region)
    assert list(backend.complete([])) == []
    backend.close()
    backend.close()


@pytest.mark.parametrize("settings", ANSWERING, indirect=True)
def test_what_a_backend_has_proven_can_be_written_down_and_one_without_an_endpoint_proves_nothing(
    settings: dict[str, Any], region: Region
) -> None:
    backend = open_backend(settings, region)
    proven = backend.prove(prompts(backend, region)[0].turns)
    backend.close()
    assert json.loads(json.dumps(dict(proven))) == proven
    assert bool(proven) == (settings["name"] in ("openai", "openai-batch", "vllm"))


def test_the_same_settings_are_the_same_identity_and_it_can_be_written_down(
    settings: dict[str, Any], region: Region
) -> None:
    one, two = open_backend(settings, region), open_backend(settings, region)
    assert json.dumps(dict(one.identity), sort_keys=True) == json.dumps(dict(two.identity), sort_keys=True)
    assert isinstance(one.model, str)


def test_a_setting_that_a_backend_does_not_have_is_refused(settings: dict[str, Any], region: Region) -> None:
    with pytest.raises(RecipeError, match="no_such_setting: unknown key"):
        open_backend({**settings, "no_such_setting": 1}, region)
