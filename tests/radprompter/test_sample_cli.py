"""`radprompter sample`: from a label table to sheets, and from what people gave back to a reference."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_study import write_recipe, write_reports
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.files import read_table
from radprompter.label_table import LabelTable
from radprompter.labels import LabelState
from radprompter.reading import Sample, assign, draw_reports, read_csv, stratify, understand, write_csv, write_reference
from radprompter.store import read_labels, read_reference, write_labels

N = 40
WORDS = {"positive": "ja", "negative": "nein", "uncertain": "unklar", "not_mentioned": "nicht erwähnt"}


def call(*arguments: Any, code: int = 0) -> Any:
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty labeled reports about a wrist, two of which have no words."""
    folder = tmp_path_factory.mktemp("study")
    texts = {}
    for number in range(N):
        fracture = "Fracture." if number % 10 == 0 else "Possible fracture." if number % 10 == 1 else "No fracture."
        texts[f"{number:03}"] = "___" if number in (2, 3) else f"{fracture} Patient {number // 2}."
    write_reports(folder / "reports.csv", texts)
    call("label", write_recipe(folder, {"name": "rules"}))
    return folder


@pytest.fixture
def labels(study: Path) -> Path:
    return study / "out/label/labels.parquet"


def rows_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """As Excel saves it in Germany."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode("cp1252"))


def fill(path: Path, **words: str) -> None:
    """Fill all rows of a sheet alike."""
    write_rows(path, [{**row, **words} for row in rows_of(path)])


def test_a_filled_sheet_becomes_a_reference_with_weights_that_agree_takes(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    said = call("sample", "draw", labels, "--n", 16, "--out", folder).stdout
    assert "16 of 38 reports drawn, 5 at random; 40 in the table, 0 of them lack a label, 2 have no words" in said
    fill(folder / "sheet.csv", fracture="ja", rest="nicht erwähnt")
    call("sample", "read", folder)
    rows = rows_of(folder / "reference.csv")
    assert list(rows[0]) == ["report_id", "weight", "sampling_stratum", "fracture", "effusion", "no_finding"]
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(38)
    assert {row["sampling_stratum"] for row in rows} == {"uncertain:fracture", "positive:fracture", "nothing_positive"}
    assert json.loads(call("agree", labels, folder / "reference.csv", "--json").stdout)["n_reports"] == 16
    sample = json.loads((folder / "sample.json").read_text())
    assert {row["report_id"]: float(row["weight"]) for row in rows} == {
        item["report_id"]: item["weight"] for item in sample["reports"]
    }


def test_a_sheet_that_is_filled_in_part_gives_what_is_complete_and_says_what_is_left(
    labels: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "sample"
    call("sample", "draw", labels, "--n", 12, "--random-share", 1, "--out", folder)
    rows = rows_of(folder / "sheet.csv")
    rows[0] |= {"fracture": "ja", "rest": "nicht erwähnt"}
    rows[1] |= {"fracture": "ja"}
    rows[2] |= {"fracture": "jain", "rest": "nm"}
    write_rows(folder / "sheet.csv", rows)
    result = call("sample", "read", folder, code=1)
    assert "row 4, fracture: expected positive, negative, uncertain, not mentioned; found 'jain'" in result.stderr
    assert f"{rows[1]['report_id']}: no label yet for effusion, no_finding" in result.stdout
    assert "left to read: 11: " in result.stdout
    assert "right only if what is left is like what was read" in result.stdout
    (row,) = rows_of(folder / "reference.csv")
    assert (row["report_id"], row["weight"], row["sampling_stratum"]) == (rows[0]["report_id"], "38.0", "all")
    summary = json.loads(call("sample", "read", folder, "--json", code=1).stdout)
    assert (summary["n_in_reference"], summary["done"], len(summary["left"]["rater1"])) == (1, False, 11)


def test_the_random_share_can_be_read_alone(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    call("sample", "draw", labels, "--n", 16, "--random-share", 0.5, "--out", folder)
    fill(folder / "sheet.csv", rest="nicht erwähnt")
    call("sample", "read", folder, "--random-share-only", "--out", tmp_path / "random.csv")
    rows = rows_of(tmp_path / "random.csv")
    assert len(rows) == 8
    assert {(row["weight"], row["sampling_stratum"]) for row in rows} == {("4.75", "all")}


def test_sheets_have_texts_only_where_they_are_named_and_then_for_the_owner_alone(
    study: Path, labels: Path, tmp_path: Path
) -> None:
    said = call("sample", "draw", labels, "--n", 10, "--out", tmp_path / "blind").stdout
    assert "hold the reports' texts" not in said
    assert list(rows_of(tmp_path / "blind/sheet.csv")[0])[:3] == ["row", "report_id", "fracture"]
    for name, more in (
        ("recipe", ("--recipe", study / "recipe.yaml")),
        ("table", ("--reports", study / "reports.csv", "--text", "text")),
    ):
        folder = tmp_path / name
        said = call("sample", "draw", labels, "--n", 10, "--out", folder, *more).stdout
        assert "the sheets hold the reports' texts" in said and "Patient" not in said
        assert (folder / "sheet.csv").stat().st_mode & 0o777 == 0o600
        texts = [text for row in rows_of(folder / "sheet.csv") for key, text in row.items() if key.startswith("text_")]
        assert len(texts) == 10
        assert all("fracture" in text.lower() for text in texts)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--recipe", "a.yaml", "--reports", "b.csv"), "--recipe and --reports both name a table"),
        (("--one-per", "patient"), "name the table with that column, by --reports or --recipe"),
        (("--n", "99"), "only 38 can be drawn"),
        (("--without", "nowhere"), "nowhere: no such file; `radprompter sample draw` writes it"),
    ],
)
def test_a_draw_that_cannot_be_is_refused_and_writes_nothing(
    more: tuple[str, ...], said: str, labels: Path, tmp_path: Path
) -> None:
    assert said in call("sample", "draw", labels, "--out", tmp_path / "sample", *more, code=2).stderr
    assert not (tmp_path / "sample").exists()


def test_a_table_that_lacks_a_drawn_report_is_refused(labels: Path, tmp_path: Path) -> None:
    write_reports(tmp_path / "few.csv", {"000": "Fracture."})
    result = call("sample", "draw", labels, "--n", 38, "--out", tmp_path / "s", "--reports", tmp_path / "few.csv",
                  "--text", "text", code=2)  # fmt: skip
    assert "few.csv: lacks 37 of the drawn reports; the first is '001'" in result.stderr


def test_a_sheet_that_is_there_is_never_replaced(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    draw = ("sample", "draw", labels, "--n", 12, "--out", folder)
    call(*draw)
    fill(folder / "sheet.csv", rest="nm")
    filled = (folder / "sheet.csv").read_bytes()
    assert "this very sample is there already; nothing was written" in call(*draw).stdout
    assert "holds another sample" in call(*draw, "--seed", 8, code=2).stderr
    (folder / "sample.json").unlink()
    assert "is there already, and no sample with it" in call(*draw, code=2).stderr
    assert (folder / "sheet.csv").read_bytes() == filled


def test_a_reference_that_was_changed_by_hand_is_kept(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    call("sample", "draw", labels, "--n", 12, "--out", folder)
    fill(folder / "sheet.csv", rest="nm")
    call("sample", "read", folder)
    fill_again = rows_of(folder / "sheet.csv", ";")
    write_rows(folder / "sheet.csv", [{**row, "fracture": "p"} for row in fill_again])
    call("sample", "read", folder)  # what the command wrote itself is replaced
    reference = folder / "reference.csv"
    reference.write_text(reference.read_text().replace("positive,", "negative,"))
    assert "reference.csv: exists with other content" in call("sample", "read", folder, code=2).stderr
    call("sample", "read", folder, "--overwrite")
    assert {row["fracture"] for row in rows_of(reference)} == {"positive"}


def test_two_raters_one_adjudicator(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    said = call("sample", "draw", labels, "--n", 16, "--out", folder, "--raters", 2, "--overlap", 0.5).stdout
    assert "rater1 reads 12, rater2 reads 12" in said
    first, second = (rows_of(folder / f"sheet_rater{number}.csv") for number in (1, 2))
    both = {row["report_id"] for row in first} & {row["report_id"] for row in second}
    assert len(both) == 8
    fill(folder / "sheet_rater1.csv", fracture="p", rest="nm", note="=see")
    assert "left to read for rater2: 12" in call("sample", "read", folder / "sheet_rater1.csv", code=1).stdout
    fill(folder / "sheet_rater2.csv", fracture="u", rest="nm")
    said = call("sample", "read", folder, code=1).stdout
    assert "cells in which raters differ: 8, of them undecided: 8" in said
    assert len(rows_of(folder / "reference.csv")) == 8
    assert {row["fracture"] for row in rows_of(folder / "rater_rater1.csv")} == {"positive"}
    adjudicate = folder / "adjudicate.csv"
    assert adjudicate.stat().st_mode & 0o777 == 0o600
    rows = rows_of(adjudicate)
    assert (rows[0]["rater1"], rows[0]["rater2"], rows[0]["notes"]) == ("positive", "uncertain", "rater1: =see")
    rows = [{**row, "report_id": row["report_id"].lstrip("0") or "0"} for row in rows]  # as a spreadsheet does
    write_rows(adjudicate, [{**row, "decision": "excluded" if not at else "ja"} for at, row in enumerate(rows)])
    decided = adjudicate.read_bytes()
    call("sample", "read", folder)
    assert adjudicate.read_bytes() == decided
    reference = rows_of(folder / "reference.csv")
    assert len(reference) == 16
    states = {row["report_id"]: row["fracture"] for row in reference}
    assert sorted(states[report] for report in both) == ["missing", *["positive"] * 7]
    table = read_reference(folder / "reference.csv", read_labels(labels).schema)
    assert table.counts()["fracture"][LabelState.MISSING] == 1


def test_a_later_sample_leaves_out_an_earlier_one(labels: Path, tmp_path: Path) -> None:
    call("sample", "draw", labels, "--n", 20, "--out", tmp_path / "first")
    call("sample", "draw", labels, "--n", 10, "--out", tmp_path / "second", "--without", tmp_path / "first")
    first, second = (json.loads((tmp_path / name / "sample.json").read_text()) for name in ("first", "second"))
    ids = [{report["report_id"] for report in sample["reports"]} for sample in (first, second)]
    assert (len(ids[0]), len(ids[1]), len(ids[0] & ids[1])) == (20, 10, 0)
    assert second["population"]["n_drawable"] == 18
    assert second["without"] == [first["id"]]
    fill(tmp_path / "first/sheet.csv", rest="nm")
    result = call("sample", "read", tmp_path / "second", tmp_path / "first", code=2)
    assert "holds another sample, with other weights; read it by itself" in result.stderr


def test_at_most_one_report_of_a_patient_is_drawn_and_stands_for_all(labels: Path, tmp_path: Path) -> None:
    rows = [f"{number:03},p{number // 2},x" for number in range(N)]
    (tmp_path / "patients.csv").write_text("\n".join(["report_id,patient,findings", *rows]) + "\n")
    table = ("--reports", tmp_path / "patients.csv", "--text", "findings", "--one-per", "patient")
    call("sample", "draw", labels, "--n", 12, "--out", tmp_path / "s", *table)
    sample = json.loads((tmp_path / "s/sample.json").read_text())
    patients = [int(report["report_id"]) // 2 for report in sample["reports"]]
    assert len(set(patients)) == 12
    assert {report["stands_for"] for report in sample["reports"]} == {2}
    later = call(
        "sample", "draw", labels, "--n", 7, "--out", tmp_path / "t", "--without", tmp_path / "s", *table, "--json"
    )
    assert json.loads(later.stdout)["population"]["n_drawable"] == 2 * 7


def test_label_studio_there_and_back(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    call("sample", "draw", labels, "--n", 10, "--out", folder, "--format", "label-studio", "--show-labels")
    assert "label_fracture" in (folder / "interface.xml").read_text()
    tasks = json.loads((folder / "tasks.json").read_text())
    for number, task in enumerate(tasks):
        chosen = [
            {"from_name": "label_fracture", "to_name": "report", "type": "choices", "value": {"choices": ["positive"]}},
            {"from_name": "rest", "to_name": "report", "type": "choices", "value": {"choices": ["not mentioned"]}},
        ]
        task |= {"id": number, "annotations": [{"completed_by": 3, "result": chosen, "was_cancelled": number == 0}]}
    export = tmp_path / "project-1.json"
    export.write_text(json.dumps(tasks))
    assert "no sheet in it; name the filled sheets, or the export" in call("sample", "read", folder, code=2).stderr
    said = call("sample", "read", export, "--sample", folder, code=1).stdout
    assert "annotator3: 9 reports read" in said
    assert f"left to read: 1: {tasks[0]['data']['report_id']}" in said
    assert {row["fracture"] for row in rows_of(folder / "reference.csv")} == {"positive"}


def test_lines_of_json_there_and_back(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    call("sample", "draw", labels, "--n", 10, "--out", folder, "--format", "jsonl")
    lines = [json.loads(line) for line in (folder / "sheet.jsonl").read_text().splitlines()]
    filled = [{**line, "labels": {**line["labels"], "fracture": 0}, "rest": "not mentioned"} for line in lines]
    (folder / "sheet.jsonl").write_text("".join(json.dumps(line) + "\n" for line in filled))
    call("sample", "read", folder)
    assert {row["fracture"] for row in rows_of(folder / "reference.csv")} == {"negative"}


def test_failed_reports_are_drawn_where_asked_for(labels: Path, tmp_path: Path) -> None:
    table = read_labels(labels)
    frame = table.frame.copy()
    frame.loc[frame["report_id"].isin(["010", "020"]), "state"] = "failed"
    write_labels(tmp_path / "with_failed", LabelTable(table.schema, frame))
    path = tmp_path / "with_failed/labels.parquet"
    without = json.loads(call("sample", "draw", path, "--n", 36, "--out", tmp_path / "a", "--json").stdout)
    assert "failed" not in {stratum["name"] for stratum in without["strata"]}
    asked = call("sample", "draw", path, "--n", 38, "--out", tmp_path / "b", "--failed", "--json")
    first = json.loads(asked.stdout)["strata"][0]
    assert (first["name"], first["n_population"], first["n_drawn"]) == ("failed", 2, 2)


def test_weights_find_the_truth_of_real_reports(shared: Path, tmp_path: Path) -> None:
    """Of 200 reports that were read, sampled by the rules' labels: weighted shares and agreement are those of all."""
    truth = read_table(shared / "data/iu_reports/annotated_200.csv")
    recipe = tmp_path / "iu.yaml"
    recipe.write_text(json.dumps({
        "name": "iu", "out": str(tmp_path / "iu"),
        "label": {
            "reports": {
                "path": str(shared / "data/iu_reports/reports.csv"), "id": "report_id",
                "only": truth["report_id"].tolist(),
            },
            "region": "chest", "backend": {"name": "rules"},
        },
    }))  # fmt: skip
    call("label", recipe)
    path = tmp_path / "iu/label/labels.parquet"
    table = read_labels(path)
    read = LabelTable.from_wide(truth, table.schema, source="annotated_200.csv").wide()
    strata = stratify(table)
    finding = "lung_opacity"
    shares, plain, same = [], [], []
    for seed in range(30):
        drawn = draw_reports(strata, n=90, random_share=0.3, seed=seed)
        raters = assign(drawn, n_raters=1, overlap=0, seed=seed)
        sample = Sample(table.schema, seed, 0.3, drawn.reports, drawn.strata, raters, {}, "")
        rows = list(csv.reader(io.StringIO(write_csv(sample, "rater1").removeprefix("\ufeff"))))
        for row in rows[1:]:
            row[2:-2] = [WORDS[read.loc[row[1], name]] for name in table.schema.names]
        saved = io.StringIO()
        csv.writer(saved, delimiter=";").writerows(rows)
        (filled,) = understand(
            sample, [read_csv(saved.getvalue().encode("cp1252"), table.schema, source="sheet.csv", rater="rater1")]
        )
        assert {report: dict(labels) for report, labels in filled.read.items()} == {
            report: read.loc[report].to_dict() for report in sample.report_ids
        }
        text = write_reference(sample, filled.read)
        if seed < 10:
            (tmp_path / "reference.csv").write_text(text)
            same.append(same_cells(path, tmp_path / "reference.csv"))
        reference = list(csv.DictReader(io.StringIO(text)))
        weight = np.array([float(row["weight"]) for row in reference])
        positive = np.array([row[finding] == "positive" for row in reference])
        assert weight.sum() == pytest.approx(len(strata.of))
        shares.append(float((weight * positive).sum() / weight.sum()))
        plain.append(float(positive.mean()))
    true_share = float((read.loc[list(strata.of), finding] == "positive").mean())
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert abs(np.mean(shares) - true_share) < 3.5 * error
    assert abs(np.mean(plain) - true_share) > 5 * error  # what the weights undo
    whole = truth[truth["report_id"].isin(list(strata.of))]
    whole.to_csv(tmp_path / "whole.csv", index=False)
    spread = np.std(same, ddof=1)
    assert abs(np.mean(same) - same_cells(path, tmp_path / "whole.csv")) < 4 * spread / np.sqrt(len(same))
    assert 0 < spread < 0.02


def same_cells(labels: Path, reference: Path) -> float:
    """The share of equal cells that `radprompter agree` finds."""
    states = "positive,negative,uncertain,not_mentioned"
    options = ("--definition", "cell_accuracy", "--rounds", 0, "--reference-states", states, "--json")
    said = call("agree", labels, reference, *options)
    (values,) = json.loads(said.stdout)["values"].values()
    return float(values["cell_accuracy"]["same"])


def test_a_recipe_that_masks_identifiers_masks_them_in_the_sheet(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", {"a": "Fracture. Seen by Dr. John Miller."})
    recipe = write_recipe(tmp_path, {"name": "rules"}, privacy={"action": "mask"})
    call("label", recipe)
    labels = tmp_path / "out/label/labels.parquet"
    call("sample", "draw", labels, "--n", 1, "--out", tmp_path / "sample", "--recipe", recipe)
    (row,) = rows_of(tmp_path / "sample/sheet.csv")
    assert "Fracture" in row["text_report"]
    assert "Miller" not in row["text_report"]
