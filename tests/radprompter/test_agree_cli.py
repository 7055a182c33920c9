"""`radprompter agree` on files: what it prints, writes, refuses, and holds beside an earlier agreement."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from label_tables import label_table
from typer.testing import CliRunner

from radprompter.agreement.definitions import DEFINITIONS
from radprompter.cli.app import app
from radprompter.label_table import LabelTable
from radprompter.store import write_labels

FINDINGS = ["edema", "pleural_effusion"]
OURS = {"CXR1": "+-", "CXR2": "-+", "CXR3": "?.", "CXR4": "+-", "CXR5": ".+", "CXR6": "--"}
THEIRS = {"CXR1": "+-", "CXR2": "++", "CXR3": "-.", "CXR4": "+-", "CXR5": ".-", "CXR6": "--"}
TRUTH = """report_id,edema,pleural_effusion,site,patient_id
CXR1,1,0,north,p1
CXR2,0,1,north,p1
CXR3,-1,,south,p2
CXR4,1,0,south,p3
CXR5,,1,south,p4
CXR7,1,1,south,p4
"""


def call(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, ["agree", *map(str, arguments)])


def written(folder: Path, rows: dict[str, str]) -> Path:
    table: LabelTable = label_table(rows, FINDINGS)
    write_labels(folder / "label", table)
    return folder / "label" / "labels.parquet"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return written(tmp_path / "rules", OURS)


def test_equal_weights_are_said_too_and_so_is_a_labeler_that_cannot_doubt(tmp_path: Path) -> None:
    for name, rows in {"truth": "a,1,3.5 b,0,3.5 c,-1,3.5", "student": "a,1,1 b,0,1 c,1,1"}.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["report_id,edema,weight", *rows.split()]) + "\n")
    shown = call(tmp_path / "student.csv", tmp_path / "truth.csv", "--rounds", 0).stdout
    assert "reports are weighted: n and counts are sums of weights" in shown
    assert "student cannot say uncertain" in shown and "truth.csv cannot" not in shown


def test_one_patient_alone_has_no_interval_and_no_resamples_are_claimed(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("report_id,edema,patient_id\na,1,p\nb,0,p\n")
    (tmp_path / "student.csv").write_text("report_id,edema\na,1\nb,1\n")
    shown = call(tmp_path / "student.csv", tmp_path / "truth.csv").stdout
    assert "intervals: none, too few patients to resample" in shown and "resamples of" not in shown


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH)
    return path


def test_it_says_what_was_compared_and_every_number_with_its_definition(labels: Path, truth: Path) -> None:
    shown = call(labels, truth, "--by", "site", "--rounds", 50).stdout
    for line in (
        "rules against truth.csv: 5 reports, 2 findings",
        "intervals: 95% of 50 resamples of 4 patients, seed 7",
        "reports of rules, truth.csv that not all tables have, left out: 1 of each",
        "columns of truth.csv that are no findings: site, patient_id",
        "uncertain_is_negative: positive against all else; uncertain and not mentioned count as negative",
        "same label: cell_accuracy, cells with the same one of four labels",
        "cells of all findings, the reference in rows, the labeler in columns",
    ):
        assert line in shown, line
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    assert (rows["edema"][1:3], rows["edema"][-1]) == (["5", "2"], "1.000")
    assert rows["site=north"][1] == "2"
    assert "refused" not in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_a_definition_that_is_named_twice_is_reported_once(labels: Path, truth: Path) -> None:
    once, twice = (
        call(labels, truth, "--rounds", 10, *["--definition", "uncertain_is_positive"] * times) for times in (1, 2)
    )
    assert once.exit_code == 0, once.output
    assert twice.stdout == once.stdout


def test_json_is_one_line_with_every_number_over_all_findings(labels: Path, truth: Path) -> None:
    summary = json.loads(call(labels, truth, "--rounds", 0, "--json").stdout)
    assert (summary["n_reports"], summary["unit"], summary["n_units"]) == (5, "patient", 4)
    assert summary["values"]["rules"]["cell_accuracy"]["same"] == 1
    assert summary["values"]["rules"].keys() == DEFINITIONS.keys()
    assert summary["headline"] == "uncertain_is_negative"


def test_files_have_every_number_and_no_report(labels: Path, truth: Path, tmp_path: Path) -> None:
    out = tmp_path / "agree"
    done = call(labels, truth, "--by", "site", "--rounds", 20, "--out", out)
    assert done.stdout.splitlines()[-1] == f"wrote agreement.json, agreement.csv, confusions.csv, tables.md to {out}"
    content = json.loads((out / "agreement.json").read_text())
    with (out / "agreement.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        numbers = content["numbers"] if not row["group"] else next(
            one["numbers"] for one in content["groups"] if one["name"] == row["group"]
        )  # fmt: skip
        of = numbers[row["definition"]][row["measure"]][row["labeler"]]
        if row["task"]:
            number = of["tasks"][row["finding"]][row["task"]]
        else:
            number = of["findings"][row["finding"]] if row["finding"] else of["all"]
        assert (number["value"] is None) == (row["value"] == "") == (number["reason"] is not None)
        if row["value"]:
            assert float(row["value"]) == number["value"]
    with (out / "confusions.csv").open() as file:
        cells = list(csv.DictReader(file))
    assert sum(int(row["n"]) for row in cells if not row["group"]) == 5 * 2
    by_name = {one["name"]: one for one in content["definitions"]}
    assert by_name["macro"]["hash"] == DEFINITIONS["macro"].hash
    assert by_name["uncertain_is_negative"]["meaning"]["reference"]["states"]["uncertain"] == "negative"
    for path in out.iterdir():
        assert "CXR" not in path.read_text(), path.name
    assert "NaN" not in (out / "agreement.json").read_text()


def test_labelers_are_compared_with_the_methods_that_were_asked_for(labels: Path, truth: Path, tmp_path: Path) -> None:
    other, out = written(tmp_path / "other", THEIRS), tmp_path / "agree"
    asked = ("--also", f"second={other}", "--rounds", 50, "--mcnemar", "mid_p", "--wilcoxon", "normal_approximation")
    done = call(labels, truth, *asked, "--out", out)
    assert done.stdout.splitlines()[-1].endswith("tables.md, differences.csv to " + str(out))
    lines = [line.split() for line in done.stdout.splitlines()]
    pairs = [line for line in lines if line[:3] == ["rules", "–", "second"]]
    assert pairs[0][-5:] == ["2", "/", "0", "0.2500", "0.2500"]  # reports that one alone has right, and McNemar's mid-p
    assert pairs[1][-3:] == ["normal", "2", "0"]
    content = json.loads((out / "agreement.json").read_text())
    headline = content["comparisons"][0]
    assert headline["definition"] == "uncertain_is_negative"
    assert headline["methods"] == {"mcnemar": "mid_p", "wilcoxon": "normal_approximation", "level": 0.95, "alpha": 0.05}
    assert {row["mcnemar"]["method"] for row in headline["differences"]} == {"mid_p"}
    assert all(family["correction"] == "Benjamini-Hochberg" for family in headline["families"])
    with (out / "differences.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["definition"], row["finding"]) for row in rows[:3]] == [
        ("uncertain_is_negative", ""),
        ("uncertain_is_negative", "edema"),
        ("uncertain_is_negative", "pleural_effusion"),
    ]
    by_finding = {(row["definition"], row["finding"]): row for row in rows}
    cells = by_finding["cell_accuracy", "pleural_effusion"]
    assert (cells["only_first_right"], cells["only_second_right"]) == ("1", "0")


def test_a_method_that_there_is_not_is_refused(labels: Path, truth: Path) -> None:
    refused = call(labels, truth, "--wilcoxon", "asymptotic")
    assert refused.exit_code == 2
    assert "wilcoxon" in refused.output and "normal_approximation" in refused.output


def test_another_agreement_is_not_written_over_unless_asked(labels: Path, truth: Path, tmp_path: Path) -> None:
    out = tmp_path / "agree"
    assert call(labels, truth, "--rounds", 5, "--out", out).exit_code == 0
    assert call(labels, truth, "--rounds", 5, "--out", out).exit_code == 0
    refused = call(labels, truth, "--rounds", 6, "--out", out)
    assert refused.exit_code == 2
    assert "agreement.json: exists with other content; name another folder, or add --overwrite" in refused.output
    assert call(labels, truth, "--rounds", 6, "--out", out, "--overwrite").exit_code == 0


def test_several_labelers_stand_side_by_side_with_their_differences(labels: Path, truth: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other", THEIRS)
    result = call(labels, truth, "--also", f"student={other}", "--rounds", 50)
    assert result.exit_code == 0, result.output
    assert "over the scores of the findings:" in result.stdout
    assert "rules, student against truth.csv: 5 reports, 2 findings" in result.stdout
    assert "rules – student" in result.stdout
    assert "differences of F1 under uncertain_is_negative, over all findings" in result.stdout


def test_cells_without_a_label_are_counted_and_said(truth: Path, tmp_path: Path) -> None:
    gappy = written(tmp_path / "gappy", {**OURS, "CXR1": "!!"})
    shown = call(gappy, truth, "--rounds", 5).stdout
    assert "cells that gappy has no label for, counted as wrong: 2 of 10" in shown


def test_a_csv_may_be_another_labeler(labels: Path, truth: Path, tmp_path: Path) -> None:
    other = tmp_path / "readers.csv"
    other.write_text("report_id,Pleural Effusion,edema\nCXR1,0,1\nCXR2,1,1\n")
    summary = json.loads(call(labels, truth, "--also", f"reader={other}", "--rounds", 5, "--json").stdout)
    assert summary["n_reports"] == 2
    assert summary["values"]["reader"]["positive_pooled"]["f1"] == 0.8


def test_an_earlier_agreement_of_the_same_reports_stands_beside(labels: Path, truth: Path, tmp_path: Path) -> None:
    out = tmp_path / "first"
    call(labels, truth, "--rounds", 5, "--out", out)
    other = written(tmp_path / "other", THEIRS)
    shown = call(other, truth, "--rounds", 5, "--beside", out / "agreement.json").stdout
    assert f"F1 under uncertain_is_negative, beside {out}/agreement.json" in shown
    beside = shown.split("beside")[1].splitlines()
    assert next(line.split()[1:] for line in beside if line.startswith("edema")) == ["0.800", "1.000"]


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ("", ("--definition", "uncertain_is_positive"),
         "other definition \\(uncertain by the reference: positive in uncertain_is_positive, negative in"),
        ("CXR6,0,0,south,p5\n", (), "other reports"),
        ("edema,", ("--match", "edema=edema"), "other findings|no finding"),
    ],
)  # fmt: skip
def test_numbers_that_do_not_mean_the_same_are_not_put_side_by_side(
    labels: Path, truth: Path, tmp_path: Path, change: str, arguments: tuple[str, ...], message: str
) -> None:
    out = tmp_path / "first"
    call(labels, truth, "--rounds", 0, "--out", out)
    if change == "edema,":
        truth.write_text("\n".join(",".join(line.split(",")[::2]) for line in TRUTH.splitlines()) + "\n")
        arguments = ()
    else:
        truth.write_text(TRUTH + change)
    refused = call(labels, truth, "--rounds", 0, "--beside", out / "agreement.json", *arguments)
    assert refused.exit_code == 2
    assert "may not be compared" in refused.output
    assert re.search(message, refused.output.replace("\n", " "))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--definition", "f1"), "definition 'f1': expected one of uncertain_is_negative"),
        (("--match", "edema"), "--match edema: expected two names with = between them"),
        (("--also", "rules=x.parquet"), "rules is what"),
        (("--by", "ward"), "--by ward: no such column; columns of the reference and the reports that are no findings: "
                           "site, patient_id"),
        (("--by", "length"), "the reports' texts are not at hand"),
        (("--level", "2"), "agree: level: input should be less than 1 (found 2.0)"),
        (("--beside", "nowhere.json"), "nowhere.json: no such file"),
        (("--reference-states", "positive,perhaps"), "reference_states.1"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_one_message_and_exit_code_2(
    labels: Path, truth: Path, arguments: tuple[str, ...], message: str
) -> None:
    refused = call(labels, truth, *arguments)
    assert refused.exit_code == 2
    assert message in refused.output.replace("\n", " ")


def test_a_definition_that_does_not_fit_is_refused_and_listed(labels: Path, tmp_path: Path) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_text("report_id,edema,pleural_effusion\nCXR1,1,0\nCXR2,0,1\nCXR3,1,0\n")
    refused = call(labels, binary, "--definition", "macro")
    assert refused.exit_code == 2
    assert "Definitions that fit these tables: uncertain_is_negative, uncertain_is_positive" in refused.output
    shown = call(labels, binary, "--rounds", 5).stdout
    assert "refused: mention, negative, negative_pooled - it keeps not mentioned apart from negative" in shown
    declared = call(labels, binary, "--definition", "macro", "--rounds", 5, "--reference-states",
                    "positive,negative,uncertain,not_mentioned")  # fmt: skip
    assert declared.exit_code == 0, declared.output


def test_reports_of_a_file_give_groups_by_column_and_length(labels: Path, truth: Path, tmp_path: Path) -> None:
    reports = tmp_path / "reports.csv"
    rows = [f"CXR{number},{' '.join(['word'] * number)},{'CT' if number < 3 else 'XR'}" for number in range(1, 7)]
    reports.write_text("report_id,text,device\n" + "\n".join(rows) + "\n")
    shown = call(labels, truth, "--reports", reports, "--by", "device,length", "--rounds", 5).stdout
    assert [line.split()[:2] for line in shown.splitlines() if "=" in line and "same" not in line] == [
        ["device=CT", "2"], ["device=XR", "3"], ["length=short", "2"], ["length=medium", "2"], ["length=long", "1"],
    ]  # fmt: skip
    assert "1 to 2 words" in shown


def test_a_page_has_no_word_of_any_report_unless_asked(labels: Path, truth: Path, tmp_path: Path) -> None:
    reports = tmp_path / "reports.csv"
    reports.write_text("report_id,text\n" + "".join(f"CXR{n},canary of {n}\n" for n in range(1, 7)))
    other = written(tmp_path / "other", THEIRS)
    arguments = (other, truth, "--reports", reports, "--rounds", 5, "--page", "--overwrite", "--out", tmp_path / "out")
    assert call(*arguments).exit_code == 0
    page = tmp_path / "out" / "page.html"
    assert "CXR" not in page.read_text()
    assert "canary" not in page.read_text()
    said = call(*arguments, "--show-text").stdout
    assert "page.html holds reports' text: keep it where they may be" in said.replace("\n", " ")
    assert "canary of 2" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    assert "canary" not in (tmp_path / "out" / "agreement.json").read_text()


def test_a_page_with_text_needs_texts_and_a_folder(labels: Path, truth: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (("--page",), "--page needs --out DIR"),
        (("--show-text", "--out", tmp_path / "x"), "--show-text needs --page"),
        (("--show-text", "--page", "--out", tmp_path / "x", "--rounds", 5), "texts are not at hand"),
    ):
        refused = call(labels, truth, *arguments)
        assert refused.exit_code == 2
        assert message in refused.output.replace("\n", " ")
    assert not (tmp_path / "x").exists()


def test_definitions_are_listed_with_what_each_says() -> None:
    shown = call("--definitions").stdout
    for name in DEFINITIONS:
        assert name in shown
    listed = json.loads(call("--definitions", "--json").stdout)
    assert listed["macro"]["hash"] == DEFINITIONS["macro"].hash
    assert call().exit_code == 2


def test_two_csvs_are_compared_by_the_columns_of_the_first_that_hold_labels_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "index.csv", tmp_path / "reader.csv"
    first.write_text("filename,Effusion,mass,site,No Finding\na,1,0,x,0\nb,0,1,y,0\nc,0,0,y,1\n")
    second.write_text("report_id,pleural_effusion,mass,hernia,No Finding\na,1,0,0,0\nb,1,1,0,0\nc,0,0,0,1\n")
    arguments = (first, second, "--id", "filename", "--match", "Effusion=pleural_effusion", "--rounds", 5)
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert "index against reader.csv: 3 reports, 2 findings" in result.stdout
    assert "left out of reader.csv: hernia - no finding of the labels has this name" in result.stdout
    assert "left out of reader.csv: No Finding - it says that there is no other finding, and only" in result.stdout
    summary = json.loads(call(*arguments, "--json").stdout)
    assert summary["values"]["index"]["uncertain_is_negative"]["sensitivity"] == 0.75


def test_a_reference_that_is_called_as_a_labeler_goes_by_its_path(labels: Path, tmp_path: Path) -> None:
    reference = written(tmp_path / "elsewhere" / "rules", THEIRS)
    shown = call(labels, reference, "--rounds", 5).stdout
    assert f"rules against {reference}: 6 reports, 2 findings" in shown.replace("\n", " ")


def test_costs_are_those_of_the_manifest_that_belongs_to_the_labels(labels: Path, truth: Path) -> None:
    manifest = {
        "n_reports": 6, "schema": {"hash": label_table(OURS, FINDINGS).schema.hash}, "seconds": 36.0, "n_failed": 1,
        "n_answered_before": 0, "tokens": {"prompt": 9000, "completion": 100},
    }  # fmt: skip
    (labels.parent / "manifest.json").write_text(json.dumps(manifest))
    shown = call(labels, truth, "--rounds", 5).stdout
    row = next(line for line in shown.splitlines() if "9,000" in line)
    assert row.split() == ["rules", "6", "100.00", "9,000", "100", "–", "1"]
    (labels.parent / "manifest.json").write_text(json.dumps(manifest | {"n_reports": 7}))
    assert "minutes per 1,000" not in call(labels, truth, "--rounds", 5).stdout
