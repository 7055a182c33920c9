"""Tables of scores from anywhere: what is read, what is refused, and what is said of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference.predictions import FINDINGS, make_predictions
from reference.roc import pair_counting_auroc
from typer.testing import CliRunner

from imagetrain.cli.app import app
from imagetrain.evaluation.auroc import auroc
from imagetrain.evaluation.testsets import check
from imagetrain.recipe import ScoreColumns
from imagetrain.records import Predictions
from imagetrain.scales import logits_of
from imagetrain.store import ScoredTable, read_predictions, read_scores, save_predictions
from radprompter.cli.app import app as radprompter_app
from radprompter.errors import TableError
from radprompter.files import read_json

NAN = np.nan
PLAIN = "study_id,fracture,fracture_logit\na,1,0.5\nb,0,-0.5\nc,,0\n"


def read(folder: Path, text: str, *, labelled: bool = True, name: str = "s.csv", **columns: object) -> ScoredTable:
    (folder / name).write_text(text)
    return read_scores(folder / name, ScoreColumns.model_validate(columns), labelled=labelled)


def write_scores(path: Path, run: Predictions, *, scale: str = "logit", ids: str = "study_id") -> Path:
    """A run as a table of one's own."""
    columns = [ids, "patient_id", "site", "part", *FINDINGS, *(f"{name}_{scale}" for name in FINDINGS)]
    scores = run.logits.astype(np.float64)
    scores = 1 / (1 + np.exp(-scores)) if scale == "probability" else scores
    facts = zip(run.study_ids, run.patient_ids, run.sites, run.parts, strict=True)
    rows = [
        ",".join([*who, *(str(int(y)) for y in labels), *(repr(float(s)) for s in values)])
        for who, labels, values in zip(facts, run.targets, scores, strict=True)
    ]
    path.write_text("\n".join([",".join(columns), *rows]) + "\n")
    return path


def test_ids_labels_and_scores_are_enough(tmp_path: Path):
    table = read(tmp_path, PLAIN)
    run = table.predictions
    assert run.study_ids == run.patient_ids == ("a", "b", "c")
    assert set(run.parts) == {"test"} and set(run.sites) == {""} and run.findings == ("fracture",)
    np.testing.assert_array_equal(run.targets[:, 0], [1, 0, NAN])
    np.testing.assert_array_equal(run.logits[:, 0], [0.5, -0.5, 0])
    assert run.scale == "logit"
    assert ["no column patient_id" in note for note in table.notes] == [True, False]
    assert "no column part" in table.notes[1]


def test_everything_else_is_read_where_it_is_there(tmp_path: Path):
    text = "study_id,patient_id,site,split,x,x_probability\na,p,alpha,Validation,1,0.5\nb,q,beta,external,0,0\n"
    table = read(tmp_path, text)
    run = table.predictions
    assert (run.patient_ids, run.sites, run.parts) == (("p", "q"), ("alpha", "beta"), ("validation", "external"))
    assert run.logits[0, 0] == 0 and run.logits[1, 0] < -37 and not table.notes


def test_columns_may_be_called_anything(tmp_path: Path):
    text = "accession,mrn,Fx,p(Fx),Age\n12,7,1,0.9,64\n13,8,0,0.2,31\n"
    run = read(
        tmp_path, text, study="accession", patient="mrn", label="{finding}", score="p({finding})", scale="probability"
    ).predictions
    assert run.study_ids == ("12", "13") and run.patient_ids == ("7", "8") and run.findings == ("Fx",)
    np.testing.assert_allclose(run.logits[:, 0], [np.log(9), -np.log(4)], rtol=1e-14)


def test_scores_of_another_scale_are_ranked_and_said_to_be_no_probability(tmp_path: Path):
    table = read(tmp_path, "study_id,fracture,fracture_score\na,1,250\nb,0,-3\n")
    assert table.predictions.scale == "score" and "nobody's probability" in table.notes[-1]


def test_labels_may_come_from_a_reference(tmp_path: Path):
    run = read(tmp_path, "study_id,fracture_score\na,250\nb,-3\n", labelled=False).predictions
    assert np.isnan(run.targets).all()


def test_a_run_of_ours_and_its_copy_are_the_same(tmp_path: Path):
    save_predictions(tmp_path / "run.parquet", make_predictions())
    ours = read_scores(tmp_path / "run.parquet", ScoreColumns()).predictions
    theirs = read_scores(write_scores(tmp_path / "run.csv", make_predictions()), ScoreColumns()).predictions
    np.testing.assert_array_equal(ours.logits, theirs.logits.astype(np.float32))
    np.testing.assert_array_equal(ours.targets, theirs.targets)
    assert (ours.study_ids, ours.patient_ids, ours.parts) == (theirs.study_ids, theirs.patient_ids, theirs.parts)


def test_parquet_and_jsonl_are_read_as_csv_is(tmp_path: Path):
    import pandas as pd

    frame = pd.DataFrame({"study_id": [1, 2, 3], "x": [1.0, 0.0, None], "x_score": [3, 2, 1]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    for name in ("t.parquet", "t.jsonl"):
        run = read_scores(tmp_path / name, ScoreColumns()).predictions
        assert run.study_ids == ("1", "2", "3")
        np.testing.assert_array_equal(run.targets[:, 0], [1, 0, NAN])
    with pytest.raises(TableError, match=r"t.parquet: row 1: study '1', x_score: expected a probability"):
        read_scores(tmp_path / "t.parquet", ScoreColumns(score="{finding}_score", scale="probability"))


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("id,x,x_logit\na,1,1\n", {}, "no column 'study_id'; it has: id, x, x_logit"),
        (
            "study_id,x\na,1\n",
            {},
            "no column of scores, such as fracture_logit or .*; it has: study_id, x; evaluate.col",
        ),
        ("study_id,x_logit\na,1\n", {}, "no column 'x' with the labels of 'x_logit'"),
        ("study_id,x,x_logit\na,1,1\n", {"findings": ["y"]}, "no column 'y_logit' or 'y_probability' or 'y_score'"),
        ("study_id,x,x_logit\na,1,1\n", {"site": "hospital"}, "no column 'hospital'"),
        ("study_id,x,x_logit\na,1,1\nb,0,high\n", {}, r"s.csv:3: study 'b', x_logit: expected a number; a study"),
        ("study_id,x,x_logit\na,1,\nb,0,inf\n", {}, r"s.csv:2: study 'a', x_logit: expected a number \(2 rows"),
        ("study_id,x,x_logit\na,1,1\na,0,1\n", {}, "s.csv:3: study 'a' stands twice, first in line 2"),
        ("study_id,x,x_logit\n,1,1\n", {}, "s.csv:2: study '': no study_id"),
        ("study_id,x,x_logit\na,-1,1\n", {}, "x: expected 1, 0 or blank, found -1; what uncertain"),
        ("study_id,x,x_logit\na,2,1\n", {}, "x: expected 1, 0 or blank, found 2$"),
        ("study_id,x,x_logit\na,Jane Doe,1\n", {}, "x: expected 1, 0 or blank, found other text$"),
        ("study_id,part,x,x_logit\na,dev,1,1\n", {}, "part: expected train, validation, test, external; found 'dev'"),
        ("study_id,site,x,x_logit\na,,1,1\n", {}, "s.csv:2: study 'a' has no site"),
        ("study_id,x,x_probability\na,1,1.5\n", {}, "expected a probability from 0 to 1, found 1.5; are they logits"),
        ("study_id,x,x_logit,y,y_score\na,1,1,1,1\n", {}, "some scores are logits or probabilities and some are"),
        ("study_id;x;x_logit\na;1;1\n", {}, "semicolons stand between its cells"),
        ("study_id,x,x_logit\n", {}, "has a header but no rows"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, columns: dict[str, object], message: str):
    with pytest.raises(TableError, match=message):
        read(tmp_path, text, **columns)


@pytest.mark.parametrize(
    ("column", "message"),
    [("site", "the site of study 'b': 'alpha' and 'beta'"), ("patient_id", "the patient of study 'b': 'p' and 'q'")],
)
def test_runs_that_differ_on_a_study_are_refused(tmp_path: Path, column: str, message: str):
    facts = {"site": ("alpha", "beta"), "patient_id": ("p", "q")}[column]
    texts = [f"study_id,{column},x,x_logit\na,{facts[0]},1,1\nb,{fact},0,0\n" for fact in facts]
    runs = {name: read(tmp_path, text).predictions for name, text in zip("ij", texts, strict=True)}
    with pytest.raises(TableError, match=f"runs 'i' and 'j' differ on {message}"):
        check(runs)


def test_tables_of_which_one_says_less_of_the_studies_are_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("study_id,patient_id,x,x_logit\na,p,1,1\nb,p,0,0\n")
    (tmp_path / "b.csv").write_text("study_id,x,x_logit\na,1,1\nb,0,0\n")
    shown = CliRunner().invoke(app, ["evaluate", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    assert shown.exit_code == 2
    assert "b.csv: says no patient of its studies, while" in " ".join(shown.output.split())


probabilities = arrays(
    np.float64,
    st.integers(1, 30),
    elements=st.one_of(
        st.sampled_from([0.0, 1.0, np.nextafter(1, 0), np.nextafter(0, 1), 1e-300, 0.1, np.nextafter(0.1, 1), 0.5]),
        st.floats(0, 1),
    ),
)


@given(probabilities)
def test_logits_are_finite_and_in_the_order_of_the_probabilities(values: np.ndarray):
    logits = logits_of(values)
    assert np.isfinite(logits).all()
    np.testing.assert_array_equal(np.unique(values, return_inverse=True)[1], np.unique(logits, return_inverse=True)[1])
    inside = (values > 1e-300) & (values < 1)
    expected = np.log(values[inside]) - np.log1p(-values[inside])
    np.testing.assert_allclose(logits[inside], expected, rtol=1e-13, atol=1e-13)


def test_certain_probabilities_count_as_they_are_ranked():
    labels, values = [1, 0, 1, 0, 1, 0], [1.0, 1.0, np.nextafter(1, 0), 0.0, 0.0, 5e-324]
    assert auroc(labels, logits_of(values)) == pair_counting_auroc(labels, values)
    assert logits_of([0.0, 0.5, 1.0]).tolist() == [-54 * np.log(2), 0, 54 * np.log(2)]


def test_tables_are_evaluated_without_a_recipe(tmp_path: Path):
    first = write_scores(tmp_path / "first.csv", make_predictions(seed=1))
    second = write_scores(tmp_path / "b.csv", make_predictions(seed=2), scale="probability")
    arguments = ["evaluate", str(first), f"second={second}", "--out", str(tmp_path / "out")]
    shown = CliRunner().invoke(app, [*arguments, "--set", "evaluate.bootstrap=50"])
    assert shown.exit_code == 0, shown.output
    assert "internal test (alpha)" in shown.output and "external (beta)" in shown.output
    metrics = read_json(tmp_path / "out/evaluate/metrics.json")
    assert metrics["runs"] == ["first", "second"] and metrics["study"]["runs"][1] == ["second", "scores of b.csv"]
    kept = read_predictions(tmp_path / "out/evaluate/tested/second.parquet")
    assert kept.logits.dtype == np.float64


def test_only_external_studies_are_evaluated_too(tmp_path: Path):
    run = make_predictions()
    outside = run.take([i for i, part in enumerate(run.parts) if part in ("validation", "external")])
    path = write_scores(tmp_path / "a.csv", outside)
    shown = CliRunner().invoke(
        app, ["evaluate", str(path), "--out", str(tmp_path / "out"), "--set", "evaluate.bootstrap=0"]
    )
    assert shown.exit_code == 0, shown.output
    metrics = read_json(tmp_path / "out/evaluate/metrics.json")
    assert [one["key"] for one in metrics["sets"]] == ["external:beta"]


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["a.csv", "recipe.yaml"], "recipe.yaml: expected one recipe, or tables of scores alone"),
        (["x/a.csv", "y/a.csv"], "two runs are called 'a'"),
        (["a=none.csv"], "none.csv: no such file"),
        (["nowhere.yaml"], "nowhere.yaml: no such file"),
    ],
)
def test_what_is_neither_a_recipe_nor_tables_is_refused(sources: list[str], message: str):
    shown = CliRunner().invoke(app, ["evaluate", *sources])
    assert shown.exit_code == 2 and message in shown.output.replace("\n", " ")


def test_neither_torch_nor_images_are_needed(tmp_path: Path):
    path = write_scores(tmp_path / "a.csv", make_predictions())
    out = str(tmp_path / "out")
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'torchvision', 'timm', 'monai', 'cv2', 'safetensors', 'PIL',\n"
        "                                      'pydicom', 'matplotlib', 'isal'):\n"
        "            raise ImportError(name + ' is not to be had')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from imagetrain.cli.app import app\n"
        f"app(['evaluate', {str(path)!r}, '--out', {out!r}, '--set', 'evaluate.bootstrap=20'], standalone_mode=False)\n"
        f"app(['report', {out!r}], standalone_mode=False)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/page/report.html").is_file()


def test_scores_of_another_scale_have_thresholds_but_no_calibration(tmp_path: Path):
    run = make_predictions()
    path = write_scores(tmp_path / "a.csv", replace(run, logits=100 * run.logits + 250), scale="score")
    twin = write_scores(tmp_path / "b.csv", run)
    arguments = ["evaluate", str(path), str(twin), "--out", str(tmp_path / "out"), "--set", "evaluate.bootstrap=20"]
    shown = CliRunner().invoke(app, [*arguments, "--set", "evaluate.recalibrate=logistic"])
    assert shown.exit_code == 0, shown.output
    metrics = read_json(tmp_path / "out/evaluate/metrics.json")
    rows = {(row["set"], row["run"], row["finding"]): row for row in metrics["results"]}
    for where in ("test", "external:beta"):
        ours, theirs = rows[where, "a", "fracture"], rows[where, "b", "fracture"]
        assert ours["sensitivity"]["value"] == theirs["sensitivity"]["value"]
        assert ours["threshold"]["value"] > 100 and "probability" not in ours["threshold"]
        for kind in ("as_trained", "recalibrated"):
            assert "are no probabilities" in ours["calibration"][kind]["reason"]
            assert ours["calibration"][kind]["brier"]["value"] is None
            assert theirs["calibration"][kind]["brier"]["value"] < 0.25
        assert ours["decision"]["thresholds"] == [] and theirs["decision"]["thresholds"]
    assert CliRunner().invoke(app, ["report", str(tmp_path / "out")]).exit_code == 0


def test_a_recipe_of_scores_is_run_from_scores_to_page(tmp_path: Path):
    write_scores(tmp_path / "a.csv", make_predictions())
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: Scores\nout: {tmp_path}/out\nevaluate: {{scores: {{a: {tmp_path}/a.csv}}, bootstrap: 20}}\n"
    )
    shown = CliRunner().invoke(radprompter_app, ["run", str(recipe), "--json"])
    assert shown.exit_code == 0, shown.output
    summaries = json.loads(shown.stdout.splitlines()[-1])
    assert list(summaries) == ["evaluate", "report"]
    assert (tmp_path / "out/page/report.html").is_file()
