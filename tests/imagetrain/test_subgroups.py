"""Subgroups: who is in which group, what is measured there, and that nobody is dropped without a word."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.predictions import make_predictions, two_runs
from reference.roc import pair_counting_auroc

from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.evaluation.subgroups import NOT_RECORDED, Attribute, band_of, bands_of, read_age
from imagetrain.gathering.attributes import metadata_of, read_attributes
from imagetrain.recipe import Metadata, SubgroupRecipe, load_recipe
from radprompter.errors import RecipeError, TableError

RUN = make_predictions(seed=1)
SEX = Attribute("sex", ("F", "M"), {study: "FM"[i % 3 == 0] for i, study in enumerate(RUN.study_ids) if i % 7})


@pytest.fixture(scope="module")
def metrics():
    return evaluate(two_runs(), options=Options(resamples=100, permutations=0), attributes=[SEX]).metrics


def rows_of(metrics, group, finding="fracture", where="external:beta", run="inclusive", attribute="sex"):
    wanted = {"set": where, "run": run, "attribute": attribute, "group": group, "finding": finding}
    return [row for row in metrics["subgroups"] if wanted.items() <= row.items()]


def test_the_groups_of_a_set_have_all_of_its_studies_with_a_last_group_of_those_not_recorded(metrics):
    for one in metrics["sets"]:
        macros = [row for row in metrics["subgroups"] if (row["set"], row["run"]) == (one["key"], "inclusive")]
        groups = {row["group"]: row["n_studies"] for row in macros if row["finding"] is None}
        assert list(groups) == ["F", "M", NOT_RECORDED] and sum(groups.values()) == one["n_studies"]
        (about,) = [item for item in metrics["attributes"] if item["set"] == one["key"]]
        assert about["groups"] == groups and about["n_not_in_table"] == groups[NOT_RECORDED]
    assert any("have no row in the table" in note for note in metrics["notes"])


def test_a_group_is_measured_as_its_studies_alone_at_the_threshold_of_all(metrics):
    outside = RUN.part("external")
    chosen = [i for i, study in enumerate(outside.study_ids) if SEX.group_of.get(study) == "M"]
    targets, logits = outside.targets[chosen, 0], outside.logits[chosen, 0]
    (row,) = rows_of(metrics, "M")
    assert row["auroc"]["value"] == pytest.approx(pair_counting_auroc(targets, logits), abs=1e-12)
    assert (row["n"], row["n_positive"]) == (len(chosen), int(targets.sum()))
    (all_of_them,) = [
        r
        for r in metrics["results"]
        if (r["set"], r["run"], r["finding"]) == ("external:beta", "inclusive", "fracture")
    ]
    cut = all_of_them["threshold"]["value"]
    assert row["sensitivity"]["value"] == (logits[targets == 1] >= cut).mean()
    assert row["specificity"]["value"] == (logits[targets == 0] < cut).mean()


def test_few_positives_get_a_score_interval_and_too_few_a_status_and_a_reason(metrics):
    (row,) = rows_of(metrics, NOT_RECORDED)
    assert row["auroc"]["method"] == "score"
    (few,) = rows_of(metrics, NOT_RECORDED, "foreign_body")
    (none,) = rows_of(metrics, "F", "osteopenia")
    assert (few["status"], few["in_macro"]) in {("few", False), ("undefined", False)} and few["reason"]
    assert none["status"] == "undefined" and none["auroc"]["value"] is None and none["reason"] == "no positives"


def test_the_macro_mean_of_a_group_is_over_the_findings_with_enough_positives_in_it(metrics):
    (macro,) = rows_of(metrics, "M", None)
    values = [row["auroc"]["value"] for name in macro["findings"] for row in rows_of(metrics, "M", name)]
    assert macro["n_findings"] == len(values) >= 1
    assert macro["auroc"]["value"] == pytest.approx(np.mean(values), abs=1e-12)
    assert macro["auroc"]["low"] <= macro["auroc"]["value"] <= macro["auroc"]["high"]


def test_the_site_is_an_attribute_where_a_set_has_several(metrics):
    assert not any(row["attribute"] == "site" for row in metrics["subgroups"])
    sites = tuple("gamma" if i % 5 == 0 else site for i, site in enumerate(RUN.sites))
    inside = [i for i, part in enumerate(RUN.parts) if part != "external"]
    several = RUN.__class__(RUN.study_ids, RUN.patient_ids, sites, RUN.parts, RUN.findings, RUN.logits, RUN.targets)
    found = evaluate({"one": several.take(inside)}, options=Options(resamples=10, permutations=0)).metrics
    groups = [row["group"] for row in found["subgroups"] if row["finding"] is None]
    assert groups == ["alpha", "gamma"]


@pytest.mark.parametrize(
    ("text", "age"), [("45", 45), ("045Y", 45), ("006M", 0.5), ("052W", 52 * 7 / 365.25), (" 7.5 ", 7.5), ("0", 0)]
)
def test_ages_are_numbers_or_as_dicom_writes_them(text, age):
    assert read_age(text) == pytest.approx(age)


@pytest.mark.parametrize("text", ["young", "45y", "45Y", "", "inf", "nan"])
def test_what_is_no_age_is_not_read_as_one(text):
    assert np.isnan(read_age(text))


@given(st.floats(-1000, 1000), st.lists(st.integers(-100, 100), min_size=1, unique=True).map(sorted))
def test_a_value_is_in_the_band_that_counting_says(value, edges):
    assert band_of(value, edges) == bands_of(edges)[sum(edge <= value for edge in edges)]


def test_bands_have_names():
    assert bands_of([40, 60]) == ("under 40", "40 to under 60", "60 and over")


def write(path: Path, rows: list[list[str]]) -> Metadata:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["study_id", "sex", "age"], *rows])
    return Metadata(path=path)


def test_a_table_says_who_is_who_and_blanks_are_not_recorded(tmp_path: Path):
    table = write(tmp_path / "m.csv", [["a", "F", "045Y"], ["b", "", "60"], ["c", "M", ""], ["a", "F", "045Y"]])
    sex, age = read_attributes(
        table, {"sex": SubgroupRecipe(column="sex"), "age": SubgroupRecipe(column="age", bands=(40, 60))}
    )
    assert sex.of(["a", "b", "c", "d"]) == ["F", NOT_RECORDED, "M", NOT_RECORDED] and sex.groups == ("F", "M")
    assert age.of(["a", "b", "c"]) == ["40 to under 60", "60 and over", NOT_RECORDED]
    assert age.describe(["a", "d"]) == {
        "attribute": "age",
        "groups": {"40 to under 60": 1, NOT_RECORDED: 1},
        "n_not_in_table": 1,
    }


@pytest.mark.parametrize(
    ("rows", "recipe", "message"),
    [
        ([["a", "F", "old"]], SubgroupRecipe(column="age", bands=(40,)), "study 'a': expected a number, or an age"),
        ([["a", "F", "1"], ["a", "M", "1"]], SubgroupRecipe(column="sex"), "'a' has rows with different values"),
        ([[str(i), "F", str(i)] for i in range(31)], SubgroupRecipe(column="age"), "31 different values.*bands"),
        ([["a", "F", "1"]], SubgroupRecipe(column="scanner"), "scanner"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(tmp_path: Path, rows, recipe, message):
    with pytest.raises(TableError, match=message):
        read_attributes(write(tmp_path / "m.csv", rows), {"one": recipe})


def test_the_table_of_studies_is_where_subgroups_are_unless_another_is_named(tmp_path: Path):
    text = "name: x\nout: o\nevaluate: {subgroups: {sex: {column: sex}}}\n"
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(RecipeError, match=r"evaluate\.metadata"):
        metadata_of(load_recipe(tmp_path / "r.yaml"))
    (tmp_path / "r.yaml").write_text(text + "data: {labels: l, studies: {path: s.csv, id: x}, images: {path: i}}\n")
    assert metadata_of(load_recipe(tmp_path / "r.yaml")) == Metadata(path=Path("s.csv"), id="x")
    with pytest.raises(RecipeError, match="ascending"):
        load_recipe(tmp_path / "r.yaml", settings=["evaluate.subgroups.sex.bands=[60, 40]"])
