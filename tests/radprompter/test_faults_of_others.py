"""Faults that were measured in other prompting tools, and what happens here instead; see docs/compared.md."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from label_study import ANSWER, study, write_reports
from small_region import small_region

from radprompter.answers import read
from radprompter.backends import open_backend
from radprompter.errors import TemplateError
from radprompter.journal import Journal
from radprompter.prompting.strategies import STRATEGIES
from radprompter.prompting.templates import load_template
from radprompter.records import Completion, Prompt, Report
from radprompter.region import Region
from radprompter.run import LabelRun, label_reports

REASONED = ["The report states a fracture.", ANSWER]
LABEL_FOLDER = Path("out") / "label"
TESTS = Path(__file__).parent.parent


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return small_region(tmp_path)


def run(folder: Path, answers: dict[str, Any], texts: Sequence[str], **label: Any) -> LabelRun:
    backend = {"name": "scripted", "answers": answers}
    return label_reports(study(folder, backend, {text: f"Report {text}." for text in texts}, **label))


def states(run: LabelRun) -> dict[str, list[str]]:
    return {str(name): list(row) for name, row in run.table.wide().iterrows()}


def said(prompt: Prompt) -> str:
    return "\n".join(message.content for turn in prompt.turns for message in turn.messages)


@pytest.mark.parametrize("words", ['{% include "anser_format.en.jinja" %}', "{{ anser_format }}"])
def test_a_misspelled_fragment_is_refused_and_never_an_empty_text(words: str, tmp_path: Path, region: Region) -> None:
    (tmp_path / "wrist" / "zero_shot.en.jinja").write_text(f"Read.\n{words}\n")
    with pytest.raises(TemplateError, match="anser_format"):
        load_template(region)


def test_a_fragment_may_include_fragments(tmp_path: Path, region: Region) -> None:
    (tmp_path / "wrist" / "inner.jinja").write_text("Casts do not count.")
    (tmp_path / "wrist" / "outer.jinja").write_text('Rules: {% include "inner.jinja" %}')
    (tmp_path / "wrist" / "zero_shot.en.jinja").write_text('{% include "outer.jinja" %}')
    system = load_template(region).render(Report("a", {"report": "x"})).turns[0].messages[0]
    assert system.content == "Rules: Casts do not count."


def test_variables_are_filled_in_the_system_text_too(tmp_path: Path, region: Region) -> None:
    (tmp_path / "wrist" / "zero_shot.en.jinja").write_text(
        "Read about the {{ region.title }}: {{ names | join(', ') }}."
    )
    system = load_template(region).render(Report("a", {"report": "x"})).turns[0].messages[0]
    assert (system.role, system.content) == ("system", "Read about the wrist: fracture, effusion, no_finding.")


@pytest.mark.parametrize("strategy", sorted(STRATEGIES.keys() - {"few_shot"}))
def test_what_a_report_writes_is_not_filled_in_later(strategy: str, region: Region) -> None:
    text = "{{ report.text }} {{names}} {% if x %} {{ 7 * 7 }} {{report_text}}"
    conversation = said(load_template(region, strategy=strategy).render(Report("a", {"report": text})))
    assert conversation.count(text) == 1
    assert "49" not in conversation


@pytest.mark.parametrize("value", ["NOT_AN_OPTION", "presentt", "PRESENT or ABSENT", "ERROR", "NA"])
def test_a_value_that_is_no_option_is_invalid_and_never_a_label(value: str, region: Region) -> None:
    reply = json.dumps({"fracture": value, "effusion": "absent", "no_finding": "not mentioned"})
    cells = read(Completion("a", (reply,)), Report("a", {"report": "x"}), region, "t").cells
    assert [str(cell.state) for cell in cells] == ["invalid", "negative", "not_mentioned"]
    assert value in (cells[0].repair or "")


def test_the_options_of_each_finding_are_always_told_and_constrained(region: Region) -> None:
    template = load_template(region)
    conversation = said(template.render(Report("a", {"report": "x"})))
    for options in template.answer_schema["properties"].values():
        assert all(f'"{option}"' in conversation for option in options["enum"])


@pytest.mark.parametrize("failure", ["timeout", "server_error", "truncated", "refused", "content_filter"])
def test_an_error_fails_every_finding_and_none_takes_a_default(failure: str, tmp_path: Path) -> None:
    done = run(tmp_path, {"a": {"failure": failure}, "b": ANSWER}, "ab")
    assert states(done) == {"a": ["failed"] * 3, "b": ["positive", "negative", "not_mentioned"]}
    assert f"a,fracture effusion no_finding,failed: {failure}" in (tmp_path / LABEL_FOLDER / "failures.csv").read_text()


def test_a_failed_report_stands_in_no_column_of_labels(tmp_path: Path) -> None:
    run(tmp_path, {"a": {"failure": "timeout"}, "b": ANSWER}, "ab")
    assert (tmp_path / LABEL_FOLDER / "labels.csv").read_text() == "report_id,fracture,effusion,no_finding\nb,1,0,\n"


@pytest.mark.parametrize("first", [{"failure": "timeout"}, "no answer", ["Only the first turn."], REASONED])
def test_columns_are_the_regions_whatever_the_first_row_was(first: Any, tmp_path: Path) -> None:
    done = run(tmp_path, {"a": first, "b": REASONED, "c": REASONED}, "abc", strategy="chain_of_thought")
    assert list(done.table.wide().columns) == ["fracture", "effusion", "no_finding"]
    rows = (tmp_path / LABEL_FOLDER / "labels.csv").read_text().splitlines()
    assert rows[0] == "report_id,fracture,effusion,no_finding"
    assert rows[-2:] == ["b,1,0,", "c,1,0,"]
    assert states(done)["c"] == ["positive", "negative", "not_mentioned"]


def test_a_conversation_of_two_turns_gives_one_answer(tmp_path: Path) -> None:
    reasoning = ANSWER.replace("present", "absent")
    done = run(tmp_path, {"a": [reasoning, ANSWER]}, "a", strategy="chain_of_thought")
    assert states(done) == {"a": ["positive", "negative", "not_mentioned"]}


def test_a_second_run_adds_to_what_the_first_paid_for(tmp_path: Path) -> None:
    run(tmp_path, {"a": ANSWER, "b": ANSWER}, "ab")
    recipe = study(
        tmp_path, {"name": "scripted", "answers": {"a": ANSWER, "b": ANSWER}}, {"a": "Report a.", "b": "Report b."}
    )
    write_reports(tmp_path / "reports.csv", {"a": "Report a.", "b": "Report b.", "a2": "Report a."})
    again = label_reports(recipe)
    assert again.summary["requests"] == {"asked": 0, "from_journal": 3}
    with Journal(tmp_path / LABEL_FOLDER / "journal.sqlite") as journal:
        assert len(journal) == 2


def test_rows_come_in_the_order_of_the_reports(tmp_path: Path) -> None:
    done = run(tmp_path, dict.fromkeys("cab", ANSWER), "cab")
    assert [str(name) for name in done.table.report_ids] == ["c", "a", "b"]


def test_metadata_stands_in_its_own_file_and_the_table_is_plain_csv(tmp_path: Path) -> None:
    run(tmp_path, {"a": ANSWER}, "a")
    assert "#" not in (tmp_path / LABEL_FOLDER / "labels.csv").read_text()
    manifest = json.loads((tmp_path / LABEL_FOLDER / "manifest.json").read_text())
    assert manifest["template"]["hash"]
    assert manifest["tokens"] is not None


def test_one_reports_answer_is_in_no_other_reports_prompt(tmp_path: Path, region: Region) -> None:
    template, reports = load_template(region), [Report(name, {"report": f"Report {name}."}) for name in "ab"]
    backend = open_backend({"name": "scripted", "default": ANSWER}, region)
    prompts = [template.render(report) for report in reports]
    list(backend.complete(prompts))
    assert [template.render(report) for report in reports] == prompts
    assert "Report a." not in said(prompts[1])


@pytest.mark.parametrize("reply", ['{"effusion": "absent", "fra', '{"effusion": "absent"}', '{"fracture": '])
def test_a_finding_without_an_answer_is_never_filled_with_the_first_option(reply: str, region: Region) -> None:
    cells = read(Completion("a", (reply,)), Report("a", {"report": "x"}), region, "t").cells
    assert not cells[0].state.is_label
    assert not cells[2].state.is_label


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"\btest_\w+", (TESTS.parent / "docs" / "compared.md").read_text(encoding="utf-8")))
    there = {
        name for file in TESTS.rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)
    }
    assert len(named) > 20
    assert named <= there
