"""Several studies side by side: the tables of a paper, from the numbers of each study."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from reference.predictions import make_predictions
from typer.testing import CliRunner

from imagetrain.cli.app import app
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.evaluation.studies import side_by_side
from imagetrain.exports.several import tables_of
from imagetrain.tabling import FILES, run_tables
from radprompter.errors import DefinitionError, InputError
from radprompter.files import write_json

OPTIONS = Options(resamples=60)


def study(seed: int, options: Options = OPTIONS) -> dict:
    runs = {
        "inclusive": make_predictions(seed=seed, truth_seed=seed),
        "exclusive": make_predictions(seed=seed + 1, truth_seed=seed, shift=-0.8),
    }
    return dict(evaluate(runs, options=options).metrics)


@pytest.fixture(scope="module")
def studies() -> dict[str, dict]:
    return {"Elbow": study(1), "Thumb": study(20) | {"study": {"title": "T", "not_trained": [["Cyst", "2 positives"]]}}}


@pytest.fixture
def folders(studies: dict[str, dict], tmp_path: Path) -> list[Path]:
    for name, metrics in studies.items():
        write_json(tmp_path / name / "evaluate/metrics.json", metrics)
    return [tmp_path / name for name in studies]


def test_each_study_has_its_macro_auroc_and_range_for_each_run_inside_and_outside(studies):
    rows = side_by_side(studies)["macro"]
    assert [(row["study"], row["where"], row["run"]) for row in rows] == [
        (region, where, run)
        for region in ("Elbow", "Thumb")
        for where in ("inside", "outside")
        for run in ("inclusive", "exclusive")
    ]
    for row, own in zip(rows[4:], [studies["Thumb"]["macro"][i] for i in (0, 1, 2, 3)], strict=True):
        assert (row["auroc"], row["min"], row["max"]) == (own["auroc"], own["min"], own["max"])
        aurocs = [
            one["auroc"]["value"]
            for one in studies["Thumb"]["results"]
            if (one["set"], one["run"]) == (row["set"], row["run"]) and one["in_macro"]
        ]
        assert (row["min"], row["max"]) == (min(aurocs), max(aurocs))


def test_macro_differences_are_adjusted_over_all_studies_by_hand(studies):
    found = side_by_side(studies)
    rows = found["differences"]
    assert [(row["what"], row["where"]) for row in rows[:4]] == [
        ("inclusive − exclusive", "inside"),
        ("inclusive − exclusive", "outside"),
        ("inside − outside", "inclusive"),
        ("inside − outside", "exclusive"),
    ]
    assert found["family"]["m"] == len(rows) == 8
    ordered = sorted((row["p"] for row in rows), reverse=True)
    smallest, adjusted = 1.0, {}
    for rank, p in zip(range(8, 0, -1), ordered, strict=True):
        smallest = min(smallest, p * 8 / rank)
        adjusted[p] = smallest
    assert [row["p_adjusted"] for row in rows] == pytest.approx([adjusted[row["p"]] for row in rows], abs=1e-15)


def test_single_findings_keep_the_p_that_their_study_adjusted(studies):
    found = side_by_side(studies)
    own = studies["Elbow"]["comparisons"]["runs"]
    mine = [row for row in found["tests"] if row["study"] == "Elbow" and row["kind"] == "runs"]
    assert [row["p_adjusted"] for row in mine] == [row["p_adjusted"] for row in own["rows"]]
    assert {row["m"] for row in mine} == {own["m"]}


def test_what_is_left_out_is_listed_once_with_the_reason(studies):
    rows = side_by_side(studies)["left_out"]
    assert {"study": "Thumb", "title": "Cyst", "where": "training", "reason": "2 positives"}.items() <= rows[
        [row["title"] for row in rows].index("Cyst")
    ].items()
    bones = [row for row in rows if row["study"] == "Elbow" and row["finding"] == "osteopenia"]
    assert [(row["where"], row["reason"], row["runs"]) for row in bones] == [
        ("inside", "no positives", ["inclusive", "exclusive"]),
        ("outside", "no positives", ["inclusive", "exclusive"]),
    ]


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (Options(resamples=60, min_positives=5), "min_positives: 10 in 'A', 5 in 'B'"),
        (Options(resamples=60, alpha=0.1), "alpha: 0.05 in 'A', 0.1 in 'B'"),
        (Options(resamples=50), "resamples: 60 in 'A', 50 in 'B'"),
    ],
)
def test_studies_that_were_evaluated_otherwise_are_refused_with_the_field(other: Options, field: str):
    with pytest.raises(DefinitionError, match=field):
        side_by_side({"A": study(1), "B": study(2, other)})


def test_a_definition_in_other_words_is_refused(studies):
    other = studies["Thumb"] | {"definitions": studies["Thumb"]["definitions"] | {"auroc": "by trapezoids"}}
    with pytest.raises(DefinitionError, match=r"definition of auroc: .* in 'Elbow', by trapezoids in 'Thumb'"):
        side_by_side(studies | {"Thumb": other})


def test_a_study_against_labels_and_one_against_a_reference_are_no_table(studies):
    held = {
        name: metrics | {"identity": {"projection": {"source": source}}}
        for (name, metrics), source in zip(studies.items(), ("reference", "labels"), strict=True)
    }
    with pytest.raises(DefinitionError, match="tested against: reference in 'Elbow', labels in 'Thumb'"):
        side_by_side(held)


def test_another_seed_is_no_other_definition(studies):
    assert side_by_side({"Elbow": studies["Elbow"], "Thumb": study(20, replace(OPTIONS, seed=5))})["macro"]


def test_sites_have_their_names_where_there_are_several(studies):
    text = json.dumps(studies["Thumb"]).replace("external:beta", "external:gamma").replace('"beta"', '"gamma"')
    rows = side_by_side(studies | {"Thumb": json.loads(text)})["macro"]
    assert list(dict.fromkeys(row["where"] for row in rows)) == ["inside", "outside (beta)", "outside (gamma)"]


def agreement(value: float | None) -> dict:
    number = {"value": value, "low": value, "high": value}
    names = ("same", "report_accuracy", "uncertain_reports_reference", "uncertain_reports_labeler")
    numbers = {"cell_accuracy": {name: {"rules": {"all": number}} for name in names}}
    return {"n_reports": 9, "numbers": numbers, "groups": [{"name": "site=beta", "n_reports": 4, "numbers": numbers}]}


def test_labels_have_a_row_a_study_and_group_where_they_were_held_against_a_reference(studies):
    table = tables_of(side_by_side(studies, {"Thumb": agreement(0.98647)}))["labels"]
    assert [list(row) for row in table.rows] == [
        ["Thumb", "all", "9", *["98.6 %"] * 4],
        ["Thumb", "site beta", "4", *["98.6 %"] * 4],
    ]
    other = {"n_reports": 9, "numbers": {"macro": {}}, "groups": []}
    assert not side_by_side(studies, {"Thumb": other})["labels"]


def test_uncertain_labels_are_counted_where_classifiers_are_taught(studies):
    rows = [
        {"schema": schema, "part": part, "n_uncertain": n}
        for schema, part, n in (
            ("labels", "train", 5),
            ("labels", "validation", 2),
            ("labels", "test", 9),
            ("x", "train", 3),
        )
    ]
    found = side_by_side(studies | {"Thumb": studies["Thumb"] | {"study": {"prevalence": rows}}})
    assert [row["n_uncertain"] for row in found["studies"]] == [None, 7]


def test_every_table_has_as_many_cells_in_a_row_as_in_its_header(studies):
    for table in tables_of(side_by_side(studies, {"Thumb": agreement(None)})).values():
        assert table.rows and table.note
        assert {len(row) for row in table.rows} == {len(table.header)}
        assert all(isinstance(cell, str) for row in table.rows for cell in row)


def test_a_run_that_only_one_study_has_leaves_a_dash(studies):
    alone = {"inclusive": make_predictions(seed=9, truth_seed=9)}
    table = tables_of(side_by_side(studies | {"Clavicle": dict(evaluate(alone, options=OPTIONS).metrics)}))["macro"]
    assert table.rows[-1][-2:] == ["–", "–"] and table.rows[-1][0] == "Clavicle"


def test_the_command_writes_numbers_and_tables(folders: list[Path], tmp_path: Path):
    done = CliRunner().invoke(app, ["tables", *(f"{one.name}={one}" for one in folders), "--out", str(tmp_path / "t")])
    assert done.exit_code == 0, done.output
    assert "Macro AUROC" in done.output and "Adjusted p" in done.output
    rows = list(csv.DictReader((tmp_path / "t/macro.csv").read_text().splitlines()))
    metrics = json.loads((folders[0] / "evaluate/metrics.json").read_text())
    assert float(rows[0]["auroc_low"]) == metrics["macro"][0]["auroc"]["low"]
    assert (tmp_path / "t/differences.tex").read_text().count("inclusive") >= 4
    assert {path.name for path in (tmp_path / "t").iterdir()} == set(FILES)


def test_the_command_gives_one_line_of_json(folders: list[Path]):
    done = CliRunner().invoke(app, ["tables", *map(str, folders[:1]), "--json"])
    assert done.exit_code == 0 and len(json.loads(done.stdout)["macro"]) == 4


def test_faults_are_told_in_one_line(folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for arguments, words in (
        ([str(tmp_path)], "no such file; evaluate the study first"),
        ([str(folders[0]), str(folders[0])], "two studies are called 'Elbow'; name one of them"),
        (["recipes/study/elbow.yaml"], "runs/study_elbow/evaluate/metrics.json: no such file"),
    ):
        done = CliRunner().invoke(app, ["tables", *arguments])
        assert done.exit_code == 2 and words in done.output and "Traceback" not in done.output


@pytest.mark.parametrize("file", ["evaluate/metrics.json", "agree/agreement.json"])
@pytest.mark.parametrize("content", ["{}", "[1]", '{"format": '])
def test_a_damaged_file_is_named(folders: list[Path], file: str, content: str):
    path = folders[0] / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    done = CliRunner().invoke(app, ["tables", f"Elbow={folders[0]}"])
    assert done.exit_code == 2 and f"{path}: " in done.output.replace("\n", ""), done.output


def test_a_recipe_of_studies_stands_for_all_of_them(folders: list[Path], tmp_path: Path):
    recipe = tmp_path / "both.yaml"
    recipe.write_text(f"name: Both\nout: {tmp_path}\nstudies: {{Elbow: elbow.yaml, Thumb: thumb.yaml}}\n")
    done = CliRunner().invoke(app, ["tables", str(recipe), "--json"])
    assert done.exit_code == 0, done.output
    assert [row["study"] for row in json.loads(done.stdout)["studies"]] == ["Elbow", "Thumb"]


def test_a_folder_with_an_equals_sign_is_a_folder(studies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    write_json(tmp_path / "alpha=0.1/evaluate/metrics.json", studies["Elbow"])
    done = CliRunner().invoke(app, ["tables", "alpha=0.1", "--json"])
    assert [row["study"] for row in json.loads(done.stdout)["studies"]] == ["alpha=0.1"]


def test_the_stage_is_up_to_date_until_a_study_changes(folders: list[Path], studies, tmp_path: Path):
    named = {one.name: one for one in folders}
    assert not run_tables(named, tmp_path / "t")["up_to_date"]
    assert run_tables(named, tmp_path / "t")["up_to_date"]
    write_json(folders[0] / "evaluate/metrics.json", studies["Thumb"])
    assert not run_tables(named, tmp_path / "t")["up_to_date"]


def test_nothing_makes_no_table():
    with pytest.raises(InputError, match="no study"):
        side_by_side({})
