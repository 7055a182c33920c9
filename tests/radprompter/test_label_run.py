"""The labeling flow: what is written, what is asked again, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from asking import asked_once
from fake_endpoint import Fault, answer, endpoint
from label_study import ANSWER, study, write_reports
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.backends.base import Backend
from radprompter.errors import BackendError, JournalError, RecipeError, TableError
from radprompter.journal import Journal
from radprompter.labeling.asking import Asker
from radprompter.labels import LabelState
from radprompter.prompting.templates import load_template
from radprompter.records import Completion, Prompt, Report, Turn
from radprompter.run import LabelRun, label, label_reports
from radprompter.store import read_labels

TEXTS = {"a": "Fracture of the radius.", "b": "No fracture.", "c": "___", "d": "Effusion, perhaps.", "e": " "}
SCRIPT = {
    "a": ANSWER,
    "b": '{"fracture": "absent", "effusion": "not mentioned", "no_finding": "present"}',
    "d": '{"fracture": "dunno", "effusion": "possible"}',
}
SCRIPTED = {"name": "scripted", "answers": SCRIPT}
FILES = ("labels.parquet", "labels.csv", "failures.csv")


def states(run: LabelRun) -> dict[str, tuple[str, ...]]:
    return {
        str(report_id): tuple(row)
        for report_id, row in zip(run.table.report_ids, run.table.wide().to_numpy(), strict=True)
    }


def test_every_report_ends_in_one_state_a_finding_in_the_order_of_the_input(tmp_path: Path) -> None:
    run = label_reports(study(tmp_path, SCRIPTED, TEXTS))
    assert states(run) == {
        "a": ("positive", "negative", "not_mentioned"),
        "b": ("negative", "not_mentioned", "positive"),
        "c": ("skipped",) * 3,
        "d": ("invalid", "uncertain", "missing"),
        "e": ("skipped",) * 3,
    }
    assert list(states(run)) == list(TEXTS)


def test_files_hold_what_the_run_returns(tmp_path: Path) -> None:
    run = label_reports(study(tmp_path, SCRIPTED, TEXTS))
    folder = tmp_path / "out" / "label"
    assert read_labels(folder / "labels.parquet").wide().equals(run.table.wide())
    assert (folder / "labels.csv").read_text() == "report_id,fracture,effusion,no_finding\na,1,0,\nb,0,,1\n"
    failures = (folder / "failures.csv").read_text().splitlines()
    assert failures[1] == "c,fracture effusion no_finding,skipped: no_text"
    assert failures[2] == (
        "d,fracture no_finding,invalid: not an allowed value: 'dunno'; asked again: not an allowed value: 'dunno'"
        " | missing: asked again: missing"
    )


def test_the_manifest_counts_every_cell_and_says_what_made_it(tmp_path: Path) -> None:
    label_reports(study(tmp_path, SCRIPTED, TEXTS))
    manifest = json.loads((tmp_path / "out" / "label" / "manifest.json").read_text())
    assert sum(manifest["states"].values()) == manifest["n_reports"] * manifest["n_findings"] == 15
    assert all(sum(states.values()) == 5 for states in manifest["counts"].values())
    assert (manifest["n_failed"], manifest["n_skipped"], manifest["failures"]) == (1, 2, {"no_text": 2})
    assert manifest["requests"] == {"asked": 4, "from_journal": 0}
    assert manifest["follow_ups"] == {"again": 1}
    assert {"schema", "template", "backend", "model", "parameters", "seed", "versions", "input", "tokens"} <= set(
        manifest
    )
    assert manifest["template"]["strategy"] == "zero_shot"
    assert len(manifest["input"]["sha256"]) == 64


def test_an_unchanged_run_is_skipped_and_says_the_same(tmp_path: Path) -> None:
    recipe = study(tmp_path, SCRIPTED, TEXTS)
    first, second = label_reports(recipe), label_reports(recipe)
    assert (first.summary["up_to_date"], second.summary["up_to_date"]) == (False, True)
    assert second.table.frame.equals(first.table.frame)
    assert {**first.summary, "up_to_date": True} == second.summary


def test_another_report_asks_for_that_report_alone(tmp_path: Path) -> None:
    recipe = study(tmp_path, {**SCRIPTED, "default": ANSWER}, TEXTS)
    label_reports(recipe)
    write_reports(tmp_path / "reports.csv", {"z": "New.", **TEXTS})
    run = label_reports(recipe)
    assert run.summary["requests"] == {"asked": 1, "from_journal": 4}
    assert list(states(run)) == ["z", *TEXTS]


def test_the_manifest_says_how_many_answers_were_there_before_the_run(tmp_path: Path) -> None:
    recipe, manifest = study(tmp_path, {**SCRIPTED, "default": ANSWER}, TEXTS), tmp_path / "out/label/manifest.json"
    label_reports(recipe)
    assert json.loads(manifest.read_text())["n_answered_before"] == 0
    write_reports(tmp_path / "reports.csv", {"z": "New.", "y": "New.", **TEXTS})  # y has the answer to z
    label_reports(recipe)
    assert json.loads(manifest.read_text())["n_answered_before"] == 3


def test_the_limit_labels_the_first_reports(tmp_path: Path) -> None:
    assert list(states(label_reports(study(tmp_path, SCRIPTED, TEXTS, limit=2)))) == ["a", "b"]


def test_a_failed_request_is_asked_again_by_the_next_run_and_the_others_are_not(tmp_path: Path) -> None:
    fixed = False

    def behave(number: int, body: dict[str, Any]) -> Any:
        broken = "No fracture" in body["messages"][-1]["content"] and not fixed
        return Fault(400) if broken else answer(ANSWER)

    with endpoint(behave) as server:
        recipe = study(tmp_path, {"name": "openai", "model": "m", "base_url": server.url}, TEXTS)
        first = label_reports(recipe)
        assert states(first)["b"] == ("failed",) * 3
        fixed = True
        second = label_reports(recipe)
        assert len(server.bodies) == 3 + 1
        assert label_reports(recipe).summary["up_to_date"]
    assert first.summary["failures"] == {"bad_request": 1, "no_text": 2}
    assert states(second)["b"] == ("positive", "negative", "not_mentioned")
    assert second.summary["requests"] == {"asked": 1, "from_journal": 2}


def test_a_stop_keeps_what_was_answered(tmp_path: Path) -> None:
    texts = {f"r{number}": f"Report {number}." for number in range(12)}
    broken = True

    def behave(number: int, body: dict[str, Any]) -> Any:
        return Fault(401) if broken and number == 7 else answer(ANSWER)

    with endpoint(behave) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 1}
        recipe = study(tmp_path, backend, texts)
        with pytest.raises(BackendError, match="401"):
            label_reports(recipe)
        assert not (tmp_path / "out" / "label" / "labels.parquet").exists()
        broken = False
        run = label_reports(recipe)
    assert run.summary["requests"] == {"asked": 5, "from_journal": 7}
    assert len(server.bodies) == 13


def test_reports_with_the_same_words_are_asked_about_once(tmp_path: Path) -> None:
    texts = {"a": "Fracture.", "b": "Fracture.", "c": "Other."}
    with endpoint(lambda n, body: answer(ANSWER)) as server:
        run = label_reports(study(tmp_path, {"name": "openai", "model": "m", "base_url": server.url}, texts))
        assert len(server.bodies) == 2
    assert list(states(run)) == ["a", "b", "c"]
    assert states(run)["a"] == states(run)["b"]


class Reversed:
    """A backend that answers in the opposite order."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.name, self.reads, self.model, self.identity = inner.name, inner.reads, inner.model, inner.identity
        self.at_once = None

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        yield from self.inner.complete(reversed(list(prompts)))

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        return self.inner.prove(turns)

    def close(self) -> None: ...


def test_the_order_of_answers_does_not_show(tmp_path: Path) -> None:
    region = small_region(tmp_path)
    template = load_template(region)
    backend = open_backend(SCRIPTED, region)
    reports = [Report(report_id, {"report": text}) for report_id, text in TEXTS.items()]
    forwards, backwards = label(reports, template, backend), label(reports, template, Reversed(backend))  # type: ignore[arg-type]
    assert forwards.frame.equals(backwards.frame)
    assert forwards.to_arrow().equals(backwards.to_arrow(), check_metadata=True)


def test_label_is_a_table_in_a_notebook(tmp_path: Path) -> None:
    region = small_region(tmp_path)
    table = label([Report("a", {"report": "x"})], load_template(region), open_backend(SCRIPTED, region))
    assert table.wide().loc["a", "fracture"] == LabelState.POSITIVE
    assert "fracture" in repr(table)


def test_rules_label_the_reports_they_are_given(tmp_path: Path) -> None:
    texts = {"a": "There is a fracture of the wrist.", "b": "No fracture. No effusion."}
    run = label_reports(study(tmp_path, {"name": "rules"}, texts))
    assert states(run)["a"][0] == "positive"
    assert states(run)["b"][:2] == ("negative", "negative")
    assert run.table.frame["evidence_found"].dropna().all()


def test_chain_of_thought_asks_twice_and_reads_the_second_reply(tmp_path: Path) -> None:
    def behave(number: int, body: dict[str, Any]) -> Any:
        return answer(ANSWER if "response_format" in body else "A fracture is stated.")

    with endpoint(behave) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url}
        run = label_reports(study(tmp_path, backend, {"a": "Fracture."}, strategy="chain_of_thought"))
        assert len(server.bodies) == 2
    assert states(run)["a"] == ("positive", "negative", "not_mentioned")


@pytest.mark.parametrize(
    ("texts", "backend", "error"),
    [
        ({}, SCRIPTED, TableError),
        ({"a": "x"}, {"name": "nobody"}, RecipeError),
        ({"a": "x"}, {"name": "openai", "model": "gpt-4o"}, RecipeError),
        ({"a": "x"}, {"name": "scripted", "delay": 1}, RecipeError),
    ],
)
def test_a_wrong_request_leaves_no_folder_of_results(
    texts: dict[str, str], backend: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    recipe = study(tmp_path, backend, texts)
    with pytest.raises(error):
        label_reports(recipe)
    assert not (tmp_path / "out").exists()


def test_a_recipe_without_the_section_is_refused(tmp_path: Path) -> None:
    recipe = study(tmp_path, SCRIPTED, TEXTS).model_copy(update={"label": None})
    with pytest.raises(RecipeError, match="no `label` section"):
        label_reports(recipe)


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_goes_on(tmp_path: Path) -> None:
    recipe = study(tmp_path, SCRIPTED, TEXTS)
    with Journal(tmp_path / "out" / "label" / "journal.sqlite"), pytest.raises(JournalError, match="in use by process"):
        label_reports(recipe)


def test_a_prompt_that_a_backend_leaves_out_has_failed(tmp_path: Path) -> None:
    class Forgetful(Reversed):
        def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
            return iter(())

    backend = Forgetful(open_backend(SCRIPTED, small_region(tmp_path)))
    prompts = [Prompt(Report("a", {"report": "x"}))]
    (completions,) = Asker(backend).hold([asked_once(prompts)])  # type: ignore[arg-type]
    assert [completion.failure for completion in completions] == ["no_answer"]


def test_the_same_completions_give_the_same_bytes_in_another_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        label_reports(study(tmp_path / name, SCRIPTED, TEXTS))
    for name in FILES:
        one, two = (tmp_path / folder / "out" / "label" / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_settings_may_have_numbers_as_names(tmp_path: Path) -> None:
    with endpoint(lambda number, body: answer(ANSWER)) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url, "extra_body": {"logit_bias": {17: -100}}}
        label_reports(study(tmp_path, backend, TEXTS))
        assert {tuple(body["logit_bias"].items()) for body in server.bodies} == {(("17", -100),)}
