"""Sheets that people fill: what is written, what comes back from spreadsheets and Label Studio, and what it means."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radprompter.errors import SchemaError, TableError
from radprompter.labels import LABELS, FindingSpec, LabelSchema, LabelState
from radprompter.reading import (
    DrawnReport,
    Filled,
    Sample,
    Sheet,
    Stratum,
    decide,
    left,
    read_csv,
    read_decisions,
    read_export,
    read_jsonl,
    understand,
    write_csv,
    write_disputes,
    write_interface,
    write_jsonl,
    write_rater,
    write_reference,
    write_tasks,
)
from radprompter.reading.spelling import WORDS, read_word

POSITIVE, NEGATIVE, UNCERTAIN, SILENT = LABELS
THREE = LabelSchema(
    "three",
    (FindingSpec("edema"), FindingSpec("mass"), FindingSpec("normal", states=(POSITIVE, SILENT))),
    no_finding="normal",
)


def sample_of(*report_ids: str, schema: LabelSchema = THREE, **raters: tuple[str, ...]) -> Sample:
    reports = tuple(DrawnReport(report_id, "rest", False) for report_id in report_ids)
    strata = (Stratum("rest", 10 * len(reports), len(reports), 0),)
    return Sample(schema, 7, 0.0, reports, strata, raters or {"rater1": report_ids}, {}, "")


def fill(text: str, *rows: str, delimiter: str = ",", encoding: str = "utf-8-sig") -> bytes:
    """A sheet whose rows below the header are replaced, as a spreadsheet would save it."""
    header = text.removeprefix("\ufeff").splitlines()[0].split(",")
    cells = [row.split("|") for row in rows]
    lines = (delimiter.join(line) for line in (header, *cells))
    return "\r\n".join(lines).encode(encoding)


def read(sample: Sample, content: bytes, rater: str = "rater1") -> Filled:
    (filled,) = understand(sample, [read_csv(content, sample.schema, source="sheet.csv", rater=rater)])
    return filled


@pytest.mark.parametrize(("state", "word"), [(state, word) for state, words in WORDS.items() for word in words])
def test_every_spelling_is_understood_whatever_its_case_and_the_space_around(state: LabelState, word: str) -> None:
    assert read_word(f" {word.upper()}\xa0") is state


@pytest.mark.parametrize(
    ("word", "state"),
    [("−1", UNCERTAIN), ("NOT_MENTIONED", SILENT), ("not-mentioned", SILENT), ("Nicht  erwähnt", SILENT), ("", None),
     ("2", None), ("-", None), ("nan", None), ("positive?", None), ("-0", None)],
)  # fmt: skip
def test_a_word_is_a_label_or_nothing(word: str, state: LabelState | None) -> None:
    assert read_word(word) is state


def test_no_word_is_spelled_for_two_labels() -> None:
    words = [word for words in WORDS.values() for word in words]
    assert len(words) == len(set(words))


def test_a_blank_cell_is_not_answered_and_rest_says_what_blanks_are() -> None:
    sample = sample_of("a", "b", "c", "d")
    filled = read(sample, fill(write_csv(sample, "rater1"), "1|a|p||||", "2|b|p|||nm|", "3|c|||||", "4|d||||nm|"))
    assert filled.read == {
        "b": {"edema": POSITIVE, "mass": SILENT, "normal": SILENT},
        "d": {"edema": SILENT, "mass": SILENT, "normal": SILENT},
    }
    assert filled.begun == {"a": ("mass", "normal")}
    assert left(sample, [filled]) == {"rater1": ("a", "c")}
    assert filled.problems == []


def test_every_cell_that_nobody_can_understand_is_named_with_what_is_allowed() -> None:
    sample = sample_of("a", "b", "c")
    text = write_csv(sample, "rater1")
    long = "The heart is enlarged and there is edema"
    filled = read(sample, fill(text, f"1|a|{long}|maybe so|p||", "2|b|p|n|n|nm|", "3|c|p|||neg|"))
    assert filled.problems == [
        "sheet.csv, row 2, edema: expected positive, negative, uncertain, not mentioned; found 40 characters",
        "sheet.csv, row 2, mass: expected positive, negative, uncertain, not mentioned; found 'maybe so'",
        "sheet.csv, row 3, normal: expected positive, not mentioned; found 'n'",
        "sheet.csv, row 4, normal: expected positive, not mentioned; found nothing, and 'neg' in rest",
    ]
    assert filled.read == {}
    assert filled.begun == {"a": ("edema", "mass"), "b": ("normal",), "c": ("normal",)}


def test_a_rest_that_is_no_label_is_named_and_answers_nothing() -> None:
    sample = sample_of("a")
    filled = read(sample, fill(write_csv(sample, "rater1"), "1|a|p|||done|"))
    assert filled.problems == [
        "sheet.csv, row 2, rest: expected positive, negative, uncertain, not mentioned, or nothing; found 'done'"
    ]
    assert filled.begun == {"a": ("mass", "normal")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("before", ["", "sep=;\r\n"])
def test_a_sheet_comes_back_from_any_spreadsheet(encoding: str, delimiter: str, before: str) -> None:
    sample = sample_of("Müller-1", "b")
    rows = ["1|Müller-1|möglich|ja|nicht erwähnt||süß", "2|b|nein||nicht erwähnt"]
    text = fill(write_csv(sample, "rater1"), *rows, delimiter=delimiter, encoding="utf-8").decode()
    filled = read(sample, (before + text).encode(encoding))
    assert filled.read == {"Müller-1": {"edema": UNCERTAIN, "mass": POSITIVE, "normal": SILENT}}
    assert filled.notes == {"Müller-1": "süß"}
    assert filled.begun == {"b": ("mass",)}


def test_ids_that_lost_their_zeros_are_known_where_only_one_can_be_meant() -> None:
    sample = sample_of("007", "0012", "00012", "000")
    filled = read(sample, fill(write_csv(sample, "rater1"), "1|7||||nm|"))
    assert list(filled.read) == ["007"]
    assert list(read(sample, fill(write_csv(sample, "rater1"), "1|0||||nm|")).read) == ["000"]
    with pytest.raises(TableError, match="row 2: report '' is not in the sample"):
        read(sample, fill(write_csv(sample, "rater1"), "1|||||nm|"))
    with pytest.raises(TableError, match="row 2: report '12' is not in the sample; a spreadsheet may have rewritten"):
        read(sample, fill(write_csv(sample, "rater1"), "1|12||||nm|"))


def test_ids_that_a_spreadsheet_would_run_are_neutralised_and_come_back() -> None:
    sample = sample_of("=1+1", "-2", "@x")
    text = write_csv(sample, "rater1")
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["'=1+1", "'-2", "'@x"]
    assert list(read(sample, text.replace(",,\n", ",nm,\n").encode()).read) == ["=1+1", "-2", "@x"]


def test_all_strange_reports_and_contradictions_are_named_at_once() -> None:
    sample = sample_of("a", "b")
    with pytest.raises(TableError) as caught:
        read(sample, fill(write_csv(sample, "rater1"), "1|a||||nm|", "2|x||||nm|", "3|a|p|||nm|", "4|y|||||"))
    assert str(caught.value).splitlines() == [
        "sheet.csv, row 3: report 'x' is not in the sample; a spreadsheet may have rewritten it",
        "sheet.csv, row 4: report 'a' again, otherwise than in sheet.csv, row 2",
        "sheet.csv, row 5: report 'y' is not in the sample; a spreadsheet may have rewritten it",
    ]


def test_a_copy_of_a_row_and_a_blank_row_change_nothing() -> None:
    sample = sample_of("a")
    filled = read(sample, fill(write_csv(sample, "rater1"), "1|a|||||", "1|a||||nm|", "1|a||||nm|"))
    assert list(filled.read) == ["a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04...", "is a workbook, not text; save it as CSV"),
        (b"row,id\n1,a\n", "no column 'report_id' in its first row"),
        (b"report_id,edema,mass\na,p,p\n", "missing, or there twice: normal"),
        (b"report_id,edema,mass,normal,edema\na,p,p,p,p\n", "missing, or there twice: edema"),
        (b"report_id,edema,mass,normal\na,p,p,p,p\n", "row 2: has 5 cells, and the header 4"),
        (b'report_id,edema,mass,normal\na,p,p,"p\nb,p,p,p\n', "is a quote not closed"),
        (b"\x81\x8d", "not UTF-8, UTF-16 or cp1252 text"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused_with_the_remedy(content: bytes, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read_csv(content, THREE, source="sheet.csv", rater="rater1")


def test_columns_that_people_added_are_named_and_change_nothing() -> None:
    content = b"report_id,Edema,mass ,normal,done?,,text_findings\na,p,n,nm,x,,words\n"
    sheet = read_csv(content, THREE, source="sheet.csv", rater="rater1")
    assert sheet.ignored == ("done?",)
    assert dict(sheet.rows[0].words) == {"edema": "p", "mass": "n", "normal": "nm"}


def test_a_finding_with_the_name_of_another_column_is_refused() -> None:
    schema = LabelSchema("odd", (FindingSpec("rest"), FindingSpec("text_x")))
    with pytest.raises(SchemaError, match="columns of its own with the names of these findings: rest, text_x"):
        write_csv(sample_of("a", schema=schema), "rater1")


def test_a_sheet_has_texts_and_predictions_only_where_they_are_given() -> None:
    sample = sample_of("a")
    plain = write_csv(sample, "rater1").removeprefix("\ufeff").splitlines()
    assert plain == ["row,report_id,edema,mass,normal,rest,note", "1,a,,,,,"]
    texts = {"a": {"findings": '=Edema, \n"none"', "impression": ""}}
    predicted = {"a": {"edema": "negative", "mass": "not_mentioned", "normal": "positive"}}
    text = write_csv(sample, "rater1", texts=texts, predicted=predicted, delimiter=";")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";")
    assert row["text_findings"] == '\'=Edema, \n"none"'
    assert (row["predicted_edema"], row["edema"]) == ("negative", "")


words = st.sampled_from(["", *(word for group in WORDS.values() for word in group)])
ids = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=6), min_size=1, max_size=5,
    unique=True,
)  # fmt: skip


@given(report_ids=ids, data=st.data())
def test_what_is_written_into_a_sheet_is_what_is_read_from_it(report_ids: list[str], data: st.DataObject) -> None:
    schema = LabelSchema("two", (FindingSpec("edema"), FindingSpec("mass")))
    sample = sample_of(*report_ids, schema=schema)
    written = {report: [data.draw(words) for _ in range(3)] for report in report_ids}
    table = list(csv.reader(io.StringIO(write_csv(sample, "rater1"))))
    lines = [json.loads(line) for line in write_jsonl(sample, "rater1").split("\n")[:-1]]
    for cells, item, said in zip(table[1:], lines, written.values(), strict=True):
        cells[2:5] = said
        item["labels"], item["rest"] = {"edema": said[0] or None, "mass": said[1] or None}, said[2] or None
    saved = io.StringIO()
    csv.writer(saved, delimiter=";").writerows(table)
    sheets = [
        read_csv(saved.getvalue().encode(), schema, source="s.csv", rater="a"),
        read_jsonl("\n".join(json.dumps(item) for item in lines).encode(), schema, source="s.jsonl", rater="b"),
    ]
    expected = {
        report: {name: read_word(word or said[2]) for name, word in zip(schema.names, said, strict=False)}
        for report, said in written.items()
        if (said[0] or said[2]) and (said[1] or said[2])
    }
    for filled in understand(sample, sheets):
        assert filled.read == expected
        assert not filled.problems


def test_lines_of_json_take_words_codes_and_truth_values() -> None:
    sample = sample_of("a", "b\u2028c")
    lines = write_jsonl(sample, "rater1", texts={"a": {"findings": "x"}, "b\u2028c": {"findings": "y\u2028z"}})
    first, second = (json.loads(line) for line in lines.rstrip("\n").split("\n"))
    assert first == {
        "row": 1, "report_id": "a", "text": {"findings": "x"}, "labels": {"edema": None, "mass": None, "normal": None},
        "rest": None, "note": None,
    }  # fmt: skip
    first["labels"] |= {"edema": -1, "mass": False, "normal": True}
    second["labels"] |= {"edema": 1.0, "mass": "nein"}
    content = "\n".join(json.dumps(item, ensure_ascii=False) for item in (first, second)).encode()
    (filled,) = understand(sample, [read_jsonl(content, THREE, source="s.jsonl", rater="rater1")])
    assert filled.read == {"a": {"edema": UNCERTAIN, "mass": NEGATIVE, "normal": POSITIVE}}
    assert filled.begun == {"b\u2028c": ("normal",)}


@pytest.mark.parametrize("line", ['{"labels": {}}', "[]", "{", '{"report_id": "a", "labels": 3}'])
def test_a_line_that_is_no_row_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(TableError, match=r"s\.jsonl, line 2: expected an object"):
        read_jsonl(f"\n{line}".encode(), THREE, source="s.jsonl", rater="rater1")


def test_a_line_with_a_finding_of_another_schema_is_refused() -> None:
    with pytest.raises(TableError, match="findings that 'three' does not have: fracture"):
        read_jsonl(b'{"report_id": "a", "labels": {"fracture": 1}}', THREE, source="s.jsonl", rater="rater1")


def result(name: str, *choices: str) -> dict[str, Any]:
    return {
        "id": "Dx", "from_name": name, "to_name": "report", "type": "choices", "origin": "manual",
        "value": {"choices": list(choices)},
    }  # fmt: skip


def annotation(by: Any, *results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": 9, "completed_by": by, "was_cancelled": False, "result": list(results), "lead_time": 4.2, **more}


NOTED = {"from_name": "note", "to_name": "report", "type": "textarea", "value": {"text": ["see", "me"]}}

EXPORT = [
    {"id": 1, "data": {"report_id": "a"}, "drafts": [],
     "predictions": [{"result": [result("label_edema", "positive")]}],
     "annotations": [
         annotation(1, result("label_edema", "negative"), result("rest", "not mentioned"), NOTED),
         annotation({"id": 2, "email": "b@c.org"}, result("label_edema", "positive"), result("label_mass", "negative")),
     ]},
    {"id": 2, "data": {"report_id": "b"}, "annotations": [annotation(1, was_cancelled=True)]},
    {"id": 3, "data": {"report_id": "c"}, "annotations": [],
     "predictions": [{"result": [result("rest", "not mentioned")]}]},
]  # fmt: skip

JSON_MIN = [
    {"report_id": "a", "id": 1, "label_edema": "negative", "rest": "not mentioned", "note": ["see", "me"],
     "annotator": 1, "annotation_id": 9, "created_at": "2026-01-01T00:00:00Z", "lead_time": 4.2},
    {"report_id": "a", "id": 1, "label_edema": {"choices": ["positive"]}, "label_mass": "negative",
     "annotator": "b@c.org", "annotation_id": 10, "lead_time": 1.0},
    {"report_id": "c", "id": 3, "annotator": None, "annotation_id": None, "lead_time": None},
]  # fmt: skip


@pytest.mark.parametrize("export", [EXPORT, JSON_MIN], ids=["JSON", "JSON-MIN"])
def test_both_exports_of_label_studio_say_the_same(export: list[dict[str, Any]]) -> None:
    sample = sample_of("a", "b", "c")
    sheets = read_export(json.dumps(export).encode(), THREE, source="export.json")
    one, two = understand(sample, sheets)
    assert (one.rater, two.rater) == ("annotator1", "b@c.org")
    assert one.read == {"a": {"edema": NEGATIVE, "mass": SILENT, "normal": SILENT}}
    assert one.notes == {"a": "see / me"}
    assert (two.read, two.begun) == ({}, {"a": ("normal",)})
    assert left(sample, [one, two]) == {"rater1": ("b", "c")}


def test_two_choices_for_one_finding_are_a_problem_and_no_label() -> None:
    task = {
        "id": 5,
        "data": {"report_id": "a"},
        "annotations": [annotation(1, result("label_edema", "positive", "negative"))],
    }
    (filled,) = understand(sample_of("a"), read_export(json.dumps([task]).encode(), THREE, source="export.json"))
    assert filled.problems == [
        "export.json, task 5, edema: expected positive, negative, uncertain, not mentioned; found 'positive / negative'"
    ]


@pytest.mark.parametrize("content", ["[3]", '[{"annotations": [{"result": []}]}]', '{"a": 1}'])
def test_json_that_is_no_export_is_refused(content: str) -> None:
    with pytest.raises(TableError, match=r"export\.json, task 1: expected a task of the sample"):
        read_export(content.encode(), THREE, source="export.json")
    with pytest.raises(TableError, match="not valid JSON"):
        read_export(b"[", THREE, source="export.json")


def test_the_interface_asks_about_every_finding_by_the_names_that_the_export_has() -> None:
    sections = ("findings",)
    view = ET.fromstring(write_interface(THREE, sections))
    (task,) = json.loads(write_tasks(sample_of("a"), "rater1", texts={"a": {"findings": "<b>"}}))
    assert task == {"data": {"report_id": "a", "text_findings": "<b>"}}
    texts = {tag.attrib["name"]: tag.attrib["value"] for tag in view.iter("Text")}
    assert texts == {"report": "$report_id", "text_findings": "$text_findings"}
    assert {value.removeprefix("$") for value in texts.values()} == set(task["data"])
    choices = {tag.attrib["name"]: [choice.attrib["value"] for choice in tag] for tag in view.iter("Choices")}
    assert list(choices) == ["label_edema", "label_mass", "label_normal", "rest"]
    assert choices["label_normal"] == ["positive", "not mentioned"]
    assert {tag.attrib["toName"] for tag in view.iter("Choices")} == {"report"}


def test_what_the_labeler_said_is_shown_in_label_studio_as_words_and_never_preselected() -> None:
    predicted = {"a": {"edema": "not_mentioned", "mass": "failed", "normal": "positive"}}
    (task,) = json.loads(write_tasks(sample_of("a"), "rater1", predicted=predicted))
    assert task["data"]["predicted_edema"] == "labeler: not mentioned"
    assert "predictions" not in task
    shown = {tag.attrib["value"] for tag in ET.fromstring(write_interface(THREE, with_predicted=True)).iter("Text")}
    assert shown == {f"${name}" for name in task["data"]}


def two_raters() -> tuple[Sample, tuple[Filled, ...]]:
    sample = sample_of("a", "b", "c", rater1=("a", "b"), rater2=("c", "a"))
    text = write_csv(sample, "rater1")
    sheets = [
        read_csv(fill(text, "1|a|p|n|nm||look", "2|b||||nm|"), THREE, source="sheet_rater1.csv", rater="rater1"),
        read_csv(fill(text, "1|c|u|||nm|", "2|a|u|n|nm||"), THREE, source="sheet_rater2.csv", rater="rater2"),
    ]
    return sample, understand(sample, sheets)


def test_a_disputed_cell_keeps_its_report_out_until_somebody_decides() -> None:
    sample, filled = two_raters()
    reference = decide(sample, filled, {})
    assert list(reference.labels) == ["b", "c"]
    assert [(item.report_id, item.finding, dict(item.labels)) for item in reference.undecided] == [
        ("a", "edema", {"rater1": POSITIVE, "rater2": UNCERTAIN})
    ]
    text = write_disputes(reference.disputes, ["rater1", "rater2"], {}, {"a": "look"})
    assert text.removeprefix("\ufeff").splitlines() == [
        "report_id,finding,rater1,rater2,decision,notes", "a,edema,positive,uncertain,,look",
    ]  # fmt: skip
    for word, state in (("p", POSITIVE), ("Excluded", LabelState.MISSING)):
        decisions = read_decisions(text.replace(",,look", f",{word},look").encode(), sample, source="adjudicate.csv")
        decided = decide(sample, filled, decisions)
        assert decided.undecided == ()
        assert decided.labels["a"]["edema"] is state


def test_decisions_about_cells_that_are_not_in_the_sample_are_named_at_once() -> None:
    text = "report_id,finding,decision\n7,mass,p\nx,mass,p\n007,tumor,p\n007,mass,n\n"
    with pytest.raises(TableError) as caught:
        read_decisions(text.encode(), sample_of("007"), source="adjudicate.csv")
    assert str(caught.value).splitlines() == [
        "adjudicate.csv, row 3: report 'x' is not in the sample; a spreadsheet may have rewritten it",
        "adjudicate.csv, row 4: 'tumor' is no finding of 'three'",
        "adjudicate.csv, row 5: report '007', mass is there already",
    ]


def test_a_decision_that_is_no_label_is_named() -> None:
    sample, filled = two_raters()
    text = "report_id;finding;decision\na;edema;rater 1 is right\n"
    reference = decide(sample, filled, read_decisions(text.encode(), sample, source="adjudicate.csv"))
    assert reference.problems == (
        "a, edema, decision: expected positive, negative, uncertain, not mentioned, excluded; found 'rater 1 is right'",
    )
    assert len(reference.undecided) == 1


def test_decisions_stay_in_the_file_also_those_that_nobody_needs_any_more() -> None:
    sample, filled = two_raters()
    text = "report_id,finding,rater1,decision,notes,why\na,edema,positive,p,x,1\nb,mass,positive,n,y,2\nc,mass,,,z,3\n"
    decisions = read_decisions(text.encode(), sample, source="adjudicate.csv")
    disputes = decide(sample, filled, decisions).disputes
    assert write_disputes(disputes, ["rater1", "rater2"], decisions, {}).removeprefix("\ufeff").splitlines() == [
        "report_id,finding,rater1,rater2,decision,notes,why",
        "a,edema,positive,uncertain,p,,1",
        "b,mass,positive,,n,y,2",
    ]  # fmt: skip


def test_the_reference_has_weight_stratum_and_a_word_for_every_cell() -> None:
    sample, filled = two_raters()
    reference = decide(sample, filled, {})
    assert write_reference(sample, reference.labels).splitlines() == [
        "report_id,weight,sampling_stratum,edema,mass,normal",
        "b,15.0,rest,not_mentioned,not_mentioned,not_mentioned",
        "c,15.0,rest,uncertain,not_mentioned,not_mentioned",
    ]
    assert write_rater(THREE, filled[0]).splitlines()[1] == "a,positive,negative,not_mentioned,look"


def test_names_that_differ_in_case_alone_are_refused() -> None:
    schema = LabelSchema("odd", (FindingSpec("Mass"), FindingSpec("mass")))
    with pytest.raises(SchemaError, match="differ in case alone"):
        write_csv(sample_of("a", schema=schema), "rater1")


def test_ids_are_known_by_their_space_before_anything_else() -> None:
    sample = sample_of(" a", "a", "b ")
    filled = read(sample, fill(write_csv(sample, "rater1"), "1| a||||nm|", "2|a||||nm|", "3|b||||nm|"))
    assert list(filled.read) == [" a", "a", "b "]


def test_a_decision_about_a_cell_in_which_nobody_differs_changes_nothing_and_is_told() -> None:
    sample, filled = two_raters()
    text = "report_id;finding;decision\nb;mass;p\nb;edema;\n"
    reference = decide(sample, filled, read_decisions(text.encode(), sample, source="adjudicate.csv"))
    assert reference.unused == (("b", "mass"),)
    assert reference.labels["b"]["mass"] is SILENT


def test_a_sheet_under_another_name_is_one_of_those_that_were_awaited() -> None:
    sample, (first, second) = two_raters()
    renamed = Filled("Dr. Meyer", second.read)
    assert left(sample, [first, renamed]) == {"rater1": (), "rater2": ()}
    assert left(sample, [renamed]) == {"rater1": ("a", "b"), "rater2": ("a",)}


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_a_file_holds_it_is_read_or_refused(content: bytes) -> None:
    header = b"report_id,edema,mass,normal\n"
    line = b'{"report_id": "a", "labels": {"edema": 1}}\n'
    for data in (content, header + content, line + content):
        for parse in (read_csv, read_jsonl):
            with contextlib.suppress(TableError):
                parse(data, THREE, source="sheet", rater="rater1")
        with contextlib.suppress(TableError):
            read_export(data, THREE, source="export.json")
        with contextlib.suppress(TableError):
            read_decisions(data, sample_of("a"), source="adjudicate.csv")


KEYS = (
    "data", "annotations", "result", "report_id", "from_name", "value", "choices", "label_edema", "annotator",
    "completed_by", "labels", "rest",
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(value=json_values)
def test_whatever_json_holds_it_is_read_or_refused(value: Any) -> None:
    content = json.dumps(value).encode()
    for parse in (read_export, lambda *given, source: read_jsonl(*given, source=source, rater="a")):
        with contextlib.suppress(TableError):
            understand(sample_of("a"), [*_sheets(parse(content, THREE, source="file"))])
    with contextlib.suppress(TableError):
        Sample.from_json({"format": "radprompter sample 1", "schema": value, "reports": value}, source="sample.json")


def _sheets(parsed: Sheet | tuple[Sheet, ...]) -> tuple[Sheet, ...]:
    return (parsed,) if isinstance(parsed, Sheet) else parsed


def test_each_rater_has_reports_left_and_reports_without_a_sheet_are_left_too() -> None:
    sample, filled = two_raters()
    assert left(sample, filled) == {"rater1": (), "rater2": ()}
    assert left(sample, filled[:1]) == {"rater1": (), "rater2": ("c", "a")}
    empty = Sheet("sheet_rater2.csv", "rater2", ())
    assert left(sample, understand(sample, [empty])) == {"rater1": ("a", "b"), "rater2": ("c", "a")}
