"""Attributes on their way from answers to files: failures, votes, tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typed_region import cell_of, found, typed_region

from radprompter import LabelTable, Report, label, load_template, open_backend
from radprompter.answers import read, read_letter, vote
from radprompter.labeling.section import label_template
from radprompter.labels import CELL_FIELDS, LabelState
from radprompter.recipe import LabelRecipe, StudyRecipe
from radprompter.records import Completion
from radprompter.region import Region
from radprompter.run import label_reports
from radprompter.store import read_labels, write_labels

REPORT = Report("r1", {"report": "Transverse fracture of the left radius, step 2,5 cm. No effusion."})


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return typed_region(Path(tmp_path_factory.mktemp("templates")))


@pytest.mark.parametrize(("failure", "status"), [("timeout", "failed"), ("no_text", "skipped")])
def test_without_an_answer_no_attribute_has_one(failure: str, status: str, region: Region) -> None:
    cells = read(Completion("r1", (), failure=failure), REPORT, region, "test").cells
    assert {a.status for cell in cells for a in cell.attributes} == {status}
    assert [len(cell.attributes) for cell in cells] == [10, 1, 0, 0]


def test_where_states_alone_are_asked_no_attribute_is_claimed(region: Region) -> None:
    completions = [Completion("r1", ('{"fracture": "present"}',)), Completion("r1", (), failure="no_text")]
    readings = [read(completion, REPORT, region, "test", states_only=True) for completion in completions]
    letters = [Completion("r1", ("A",), findings=("fracture",), logprobs=p) for p in ({"A": -0.01}, {}, None)]
    letters.append(Completion("r1", (), findings=("fracture",), failure="timeout"))
    readings += [read_letter(letter, REPORT, region, "test", least_mass=0.5) for letter in letters]
    assert all(cell.attributes == () for reading in readings for cell in reading.cells)


def test_the_rules_say_nothing_of_attributes(tmp_path: Path) -> None:
    template = load_template(typed_region(tmp_path))
    table = label([REPORT, Report("r2", {"report": " "})], template, open_backend({"name": "rules"}, template.region))
    assert table.wide().loc["r1", "fracture"] == "positive"
    assert table.attributes().empty


def test_the_first_sample_with_the_elected_state_gives_its_attributes(region: Region) -> None:
    values = [{"state": "absent"}, {"state": "present", "side": "left"}, {"state": "present", "side": "right"}]
    (elected,) = vote([cell_of(region, value) for value in values], region)
    assert (elected.state, found(elected, "side")) == (LabelState.POSITIVE, ("answered", "left", None))
    tied = list(vote([cell_of(region, values[0]), cell_of(region, values[1])], region))
    assert (tied[0].state, {a.status for a in tied[0].attributes}) == (LabelState.UNCERTAIN, {"missing"})


def table_of(region: Region, value: Any) -> LabelTable:
    reply = json.dumps({"fracture": value, "healing": "absent", "refracture": "absent", "effusion": "absent"})
    return LabelTable.from_cells(read(Completion("r1", (reply,)), REPORT, region, "test").cells, region.schema)


def test_attributes_in_long_form_survive_the_file(region: Region, tmp_path: Path) -> None:
    table = table_of(region, {"state": "present", "step": "2,5 cm", "joints": ["ulnocarpal", "radiocarpal"],
                              "device": "=HYPERLINK(1)"})  # fmt: skip
    assert write_labels(tmp_path, table) == ("labels.parquet", "labels.csv", "failures.csv", "attributes.csv")
    for frame in (table.attributes(), read_labels(tmp_path / "labels.parquet").attributes()):
        rows = {row["attribute"]: row for row in frame.to_dict("records")}
        assert list(rows) == [*region.findings["fracture"].attributes, "stage"]
        assert rows["step"] == {"report_id": "r1", "finding": "fracture", "attribute": "step", "value": 25.0,
                                "unit": "mm", "status": "answered", "written": "2,5 cm"}  # fmt: skip
        assert rows["joints"]["value"] == ["ulnocarpal", "radiocarpal"]
    lines = list(csv.reader((tmp_path / "attributes.csv").read_text().splitlines()))
    assert lines[0] == ["report_id", "finding", "attribute", "value", "unit", "status", "written"]
    written = {line[2]: line for line in lines[1:]}
    assert written["step"][3:] == ["25.0", "mm", "answered", "2,5 cm"]
    assert written["joints"][3] == "ulnocarpal; radiocarpal"
    assert written["device"][3:] == ["'=HYPERLINK(1)", "", "answered", "'=HYPERLINK(1)"]
    assert written["side"][3:] == ["", "", "missing", ""]


def test_a_table_without_attributes_leaves_no_file_of_an_earlier_one(region: Region, tmp_path: Path) -> None:
    table = table_of(region, "present")
    write_labels(tmp_path, table)
    bare = LabelTable(table.schema, table.frame.assign(attributes=None))
    assert "attributes.csv" not in write_labels(tmp_path, bare)
    assert not (tmp_path / "attributes.csv").exists()
    assert list(bare.attributes().columns)[:3] == ["report_id", "finding", "attribute"]


def test_a_table_of_before_there_were_attributes_is_read(region: Region) -> None:
    arrow = table_of(region, "present").to_arrow()
    older = LabelTable.from_arrow(arrow.drop_columns(["attributes"]))
    assert list(older.frame.columns) == list(CELL_FIELDS)
    assert older.attributes().empty
    assert older.wide().loc["r1"].tolist() == ["positive", "negative", "negative", "negative"]


def test_a_report_goes_through_the_whole_flow(region: Region) -> None:
    answers = {"r1/fracture": '{"evidence": "left  RADIUS", "answer": "present", "side": "left", "step": "2,5 cm"}'}
    backend = open_backend({"name": "scripted", "answers": answers, "default": '{"answer": "absent"}'}, region)
    table = label([REPORT], load_template(region, plan="per_finding"), backend)
    row = table.frame.iloc[0]
    assert (row["state"], row["evidence"], bool(row["evidence_found"])) == ("positive", "left  RADIUS", True)
    answered = table.attributes().query("status == 'answered'")
    assert list(zip(answered["attribute"], answered["value"], strict=True)) == [("side", "left"), ("step", 25.0)]


def test_a_run_writes_attributes_once_and_again_if_they_are_gone(tmp_path: Path) -> None:
    typed_region(tmp_path)
    (tmp_path / "reports.csv").write_text("report_id,text\nr1,Left fracture.\n")
    answer = '{"fracture": {"evidence": "Left  FRACTURE", "state": "present", "side": "left"}, "effusion": "absent"}'
    section = {
        "reports": {"path": str(tmp_path / "reports.csv"), "text": "text"},
        "region": "typed",
        "templates": str(tmp_path),
        "backend": {"name": "scripted", "default": answer},
    }
    study = StudyRecipe.model_validate({"name": "Study", "out": str(tmp_path / "out"), "label": section})
    path = tmp_path / "out" / "label" / "attributes.csv"
    assert not label_reports(study).summary["up_to_date"]
    written = path.read_text()
    assert "r1,fracture,side,left,,answered,left\n" in written
    assert label_reports(study).summary["up_to_date"]
    path.unlink()
    assert not label_reports(study).summary["up_to_date"]
    assert path.read_text() == written


def test_a_recipe_may_ask_any_region_for_quotes(tmp_path: Path) -> None:
    section = LabelRecipe.model_validate({"reports": {"path": "r.csv"}, "region": "thumb", "evidence": True})
    template = label_template(section)
    assert all(finding.evidence for finding in template.region.findings.values())
    answer = '{"fracture": {"evidence": "two ‹b> fractures", "state": "present"}}'
    backend = open_backend({"name": "scripted", "default": answer}, template.region)
    row = label([Report("r1", {"report": "Two <b> fractures."})], template, backend).frame.iloc[0]
    assert (row["state"], bool(row["evidence_found"]), row["attributes"]) == ("positive", True, None)
