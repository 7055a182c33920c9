"""References: other tables, other columns, other schemas, other sites."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reference.predictions import FINDINGS, make_predictions
from shapes import shapes_recipe, write_study

from imagetrain.evaluation.report import evaluate
from imagetrain.gathering.references import explain_references, hold_against, load_reference
from imagetrain.gathering.sources import check_files
from imagetrain.recipe import EvaluateRecipe, Reference, StudyRecipe
from imagetrain.records import Predictions
from imagetrain.run import run_train
from radprompter.cli.run import plan
from radprompter.errors import RecipeError, TableError
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState

NAN = np.nan


def four_studies(*findings: str) -> Predictions:
    """Studies a to d, of which a is for training, b and c are inside and d is outside at beta."""
    shape = (4, len(findings))
    parts, sites = ("train", "test", "test", "external"), ("alpha", "alpha", "alpha", "beta")
    return Predictions(tuple("abcd"), tuple("abcd"), sites, parts, findings, np.zeros(shape), np.full(shape, 1.0))


def said_by(path: Path, text: str, *findings: str, **keys: object) -> list[list[float]]:
    path.write_text(text)
    reference = Reference.model_validate({"path": path, **keys})
    return load_reference(reference, four_studies(*findings)).targets.T.tolist()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, [NAN, 0, 0]),
        ({"uncertain": "positive"}, [1, 0, 0]),
        ({"uncertain": "negative"}, [0, 0, 0]),
        ({"not_mentioned": "ignore"}, [NAN, 0, NAN]),
    ],
)
def test_states_become_what_the_projection_says(tmp_path: Path, keys: dict[str, str], expected: list[float]):
    text = "study_id,fracture\nb,uncertain\nc,Negative\nd,not_mentioned\n"
    np.testing.assert_array_equal(said_by(tmp_path / "r.csv", text, "fracture", **keys), [[NAN, *expected]])


@pytest.mark.parametrize(("not_mentioned", "expected"), [("negative", [1, NAN, 0]), ("ignore", [1, NAN, NAN])])
def test_chexpert_codes_need_to_be_told_what_a_blank_is(tmp_path: Path, not_mentioned: str, expected: list[float]):
    text = "study_id,fracture\nb,1.0\nc,-1.0\nd,\n"
    with pytest.raises(TableError, match=r"fracture has uncertain labels and blank cells: .*`not_mentioned`"):
        said_by(tmp_path / "r.csv", text, "fracture")
    found = said_by(tmp_path / "r.csv", text, "fracture", not_mentioned=not_mentioned)
    np.testing.assert_array_equal(found, [[NAN, *expected]])


def test_a_blank_of_a_definitive_table_is_not_known(tmp_path: Path):
    found = said_by(tmp_path / "r.csv", "study_id,fracture\nb,1\nc,0\nd,\n", "fracture")
    np.testing.assert_array_equal(found, [[NAN, 1, 0, NAN]])


def test_several_columns_are_positive_if_any_is_and_negative_if_all_are(tmp_path: Path):
    text = "study_id,Rib fracture,clavicle\nb,1,\nc,0,0\nd,0,\n"
    found = said_by(
        tmp_path / "r.csv", text, "fracture", "clavicle", findings={"fracture": ["Rib fracture", "clavicle"]}
    )
    np.testing.assert_array_equal(found, [[NAN, 1, 0, NAN], [NAN, NAN, 0, NAN]])


def test_a_finding_may_be_said_to_have_no_counterpart(tmp_path: Path):
    found = said_by(tmp_path / "r.csv", "study_id,a,b\nb,1,1\nc,0,0\nd,0,0\n", "a", "b", findings={"a": []})
    np.testing.assert_array_equal(found, [[NAN] * 4, [NAN, 1, 0, 0]])


@pytest.mark.parametrize("form", ["labels.parquet", "wide.parquet"])
def test_parquet_is_read_as_a_label_table_or_as_a_table_of_ones_own(tmp_path: Path, form: str):
    import pandas as pd
    import pyarrow.parquet as pq

    path = tmp_path / form
    if form == "labels.parquet":
        schema = LabelSchema("s", (FindingSpec("fracture"), FindingSpec("other")))
        states = {"b": LabelState.POSITIVE, "c": LabelState.NOT_MENTIONED, "d": LabelState.FAILED}
        cells = [Cell(study, name, state) for study, state in states.items() for name in schema.names]
        pq.write_table(LabelTable.from_cells(cells, schema).to_arrow(), path)
    else:
        frame = pd.DataFrame({"study_id": ["b", "c", "d"], "fracture": pd.array([1, 0, None], dtype="Int8")})
        frame.to_parquet(path)
    found = load_reference(Reference(path=path), four_studies("fracture"))
    np.testing.assert_array_equal(found.targets[:, 0], [NAN, 1, 0, NAN])
    assert found.columns == {"fracture": ("fracture",)}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"findings": {"fractures": "x"}}, "no classifier has the finding 'fractures', only fracture"),
        ({"findings": {"fracture": "Fx"}}, "no column 'Fx'; it has: study_id, other"),
        ({}, r"none of the findings \(fracture\); its columns are study_id, other; which is which can be said"),
        ({"id": "accession"}, "no column 'accession'"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, keys: dict[str, object], message: str):
    with pytest.raises((RecipeError, TableError), match=message):
        said_by(tmp_path / "r.csv", "study_id,other\nb,1\nc,0\nd,0\n", "fracture", **keys)


def test_no_error_quotes_a_cell_of_other_text(tmp_path: Path):
    with pytest.raises(TableError, match="study 'c', fracture: expected 1, 0 or blank") as error:
        said_by(tmp_path / "r.csv", "study_id,fracture\nb,1\nc,Jane Doe\nd,0\n", "fracture")
    assert "Jane" not in str(error.value)


def test_a_site_has_its_own_reference_beside_the_common_one(tmp_path: Path):
    common, own = tmp_path / "common.csv", tmp_path / "own.csv"
    common.write_text("study_id,fracture,effusion\nb,0,0\nc,0,0\n")
    own.write_text("study_id,Fx\nd,0\n")
    sites = {"beta": Reference(path=own, findings={"fracture": "Fx"})}
    run = four_studies("fracture", "effusion")
    held = hold_against({"run": run}, Reference(path=common), sites)
    np.testing.assert_array_equal(held.runs["run"].targets, [[1, 1], [0, 0], [0, 0], [0, NAN]])
    assert held.references["beta"].columns == {"fracture": ("Fx",), "effusion": ()}
    alone = hold_against({"run": run}, None, sites)
    np.testing.assert_array_equal(alone.runs["run"].targets, [[1, 1], [1, 1], [1, 1], [0, NAN]])
    with pytest.raises(RecipeError, match="no tested study is of site 'gamma'; there are: alpha, beta"):
        hold_against({"run": run}, None, {"gamma": Reference(path=own)})


def test_validation_without_labels_has_those_of_the_reference(tmp_path: Path):
    path = tmp_path / "r.csv"
    path.write_text("study_id,fracture\na,1\nb,0\nc,1\nd,0\n")
    run = replace(four_studies("fracture"), parts=("validation", "test", "test", "external"))
    labelled = hold_against({"run": replace(run, targets=np.zeros((4, 1)))}, Reference(path=path)).runs["run"]
    np.testing.assert_array_equal(labelled.targets[:, 0], [0, 0, 1, 0])
    unlabelled = hold_against({"run": replace(run, targets=np.full((4, 1), NAN))}, Reference(path=path)).runs["run"]
    np.testing.assert_array_equal(unlabelled.targets[:, 0], [1, 0, 1, 0])


def test_metrics_say_which_columns_were_read_and_what_a_site_does_not_know(tmp_path: Path):
    run, path = make_predictions(), tmp_path / "beta.csv"
    outside = [i for i, site in enumerate(run.sites) if site == "beta"]
    rows = [f"{run.study_ids[i]},{int(run.targets[i, 0])}" for i in outside]
    path.write_text("\n".join(["study_id,Fx", *rows]))
    held = hold_against({"run": run}, None, {"beta": Reference(path=path, findings={"fracture": "Fx"})})
    metrics = evaluate(held.runs).metrics
    explain_references(metrics, held.references)
    (said,) = metrics["references"]
    assert said["site"] == "beta" and said["file"] == "beta.csv"
    assert said["columns"] == {"fracture": ["Fx"]} | {name: [] for name in FINDINGS[1:]}
    effusion = {row["set"]: row for row in metrics["results"] if row["finding"] == "effusion"}
    reason = "no counterpart in the reference beta.csv"
    assert effusion["external:beta"]["auroc"]["reason"] == effusion["external:beta"]["excluded_because"] == reason
    assert effusion["test"]["auroc"]["value"] > 0.5
    sites = {row["finding"]: row["difference"] for row in metrics["comparisons"]["sites"]["rows"]}
    assert sites["effusion"]["reason"] == f"outside: {reason}" and sites["fracture"]["value"] is not None
    (outside_mean,) = [row for row in metrics["macro"] if row["set"] == "external:beta"]
    assert {item["reason"] for item in outside_mean["excluded"]} == {reason}
    assert any("effusion" in note and "external (beta)" in note for note in metrics["notes"])
    json.dumps(metrics)


def test_files_that_no_stage_writes_must_be_there_before_the_first_one(tmp_path: Path):
    made, absent = tmp_path / "phantom/truth.csv", tmp_path / "gone.csv"
    keys = {
        "reference": {"path": made},
        "sites": {"beta": {"path": absent}},
        "references": {"people": {"path": tmp_path / "out/label/labels.parquet"}},
        "metadata": {"path": tmp_path / "ages.csv"},
    }
    recipe = StudyRecipe.model_validate(
        {"name": "x", "out": tmp_path / "out", "phantom": {"path": str(tmp_path / "phantom")}, "evaluate": keys}
    )
    with pytest.raises(TableError) as refused:
        check_files(recipe)
    assert str(refused.value).splitlines() == [
        f"{tmp_path / 'ages.csv'}: no such file (evaluate.metadata.path)",
        f"{absent}: no such file (evaluate.sites.beta.path)",
    ]
    for path in (absent, tmp_path / "ages.csv"):
        path.touch()
    check_files(recipe)
    made.parent.mkdir()
    with pytest.raises(TableError, match=r"evaluate\.reference\.path"):
        check_files(recipe.model_copy(update={"phantom": None}))


def test_a_training_asks_for_the_files_of_its_evaluation_first(tmp_path: Path):
    write_study(tmp_path, n_patients=2)
    recipe = shapes_recipe(tmp_path)
    evaluate = EvaluateRecipe(reference=Reference(path=tmp_path / "gone.csv"))
    with pytest.raises(TableError, match=r"gone\.csv: no such file"):
        run_train(recipe.model_copy(update={"evaluate": evaluate}))
    assert not (tmp_path / "out").exists()
    (tmp_path / "recipe.yaml").write_text(
        f"out: {tmp_path / 'out'}\nname: x\nevaluate: {{scores: {{a: {tmp_path / 'a.csv'}}}}}\n"
    )
    with pytest.raises(TableError, match=r"a.csv: no such file \(evaluate.scores.a\)"):
        plan(tmp_path / "recipe.yaml", None, None, True)
