"""The flow of exclusions and the prevalence by label table: every study is somewhere, and the sums hold."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest
from reference.predictions import FINDINGS, two_runs

from imagetrain.assess import run_evaluate
from imagetrain.describing.cohort import CHANGED, describe_cohort
from imagetrain.describing.flow import flow_notes, flow_of
from imagetrain.describing.prevalence import prevalence_of, prevalence_of_counts, prevalence_of_matrix
from imagetrain.recipe import load_recipe
from imagetrain.records import Split
from imagetrain.store import save_predictions, save_split
from radprompter.files import read_json, sha256, write_json, write_text
from radprompter.label_table import LabelTable
from radprompter.labels import FindingSpec, LabelSchema

MANIFEST = {
    "n_studies": {"train": 5, "validation": 2, "test": 3, "external": 4},
    "excluded": {
        "s1": "no labels",
        "s2": "no labels for run b",
        "s3": "no lateral image",
        "s4": "/images/s4 (1).dcm (study s4): the image is blank: every pixel has the same value",
        "s5": "/images/s5.dcm (study s5 (again)): the image is blank: every pixel has the same value",
        "s6": "in no part of the split file",
    },
    "n_images": {"found": 40, "used": 28},
    "unused_images": {
        "/images/s4 (1).dcm": "/images/s4 (1).dcm (study s4): the image file is empty",
        "b": "a second ap",
    },
}
COUNTS = [
    {"part": part, "site": site, "n_studies": n, "finding": finding}
    for part, site, n in (("validation", "x", 4), ("test", "x", 3), ("external", "y", 2))
    for finding in ("fracture", "effusion")
]
METRICS = {"sets": [{"n_studies": 3}, {"n_studies": 2}], "label_counts": COUNTS}


def labels(states: dict[str, str]) -> LabelTable:
    """A table of two findings: report -> a letter a finding."""
    words = {"p": "positive", "n": "negative", "u": "uncertain", "-": "not_mentioned", "f": "failed", "s": "skipped"}
    schema = LabelSchema("two", (FindingSpec("fracture"), FindingSpec("effusion")))
    frame = pd.DataFrame(
        {"report_id": list(states)}
        | {name: [words[text[i]] for text in states.values()] for i, name in enumerate(schema.names)}
    )
    long = frame.melt("report_id", var_name="finding", value_name="state").sort_values("report_id", kind="stable")
    return LabelTable(schema, long.reset_index(drop=True))


def test_what_is_lost_between_reports_and_tests_is_counted_with_its_reason():
    flow = flow_of(MANIFEST, labels({"a": "pn", "b": "ss", "c": "ff", "d": "sf", "e": "pf"}), METRICS)
    told = [(step["step"], step["n"], {lost["reason"]: lost["n"] for lost in step["lost"]}) for step in flow]
    assert told == [
        ("reports in the label table", 5, {}),
        ("with a label", 2, {"no usable answer": 2, "no text": 1}),
        ("studies in the table of studies", 20, {}),
        ("labelled", 18, {"no labels": 1, "no labels for run b": 1}),
        (
            "with the images that are needed",
            15,
            {"the image is blank: every pixel has the same value": 2, "no lateral image": 1},
        ),
        ("in a part of the split", 14, {"in no part of the split file": 1}),
        ("tested", 5, {"used for training": 5, "used for validation": 2, "no reference": 2}),
        ("images of the wanted views", 40, {}),
        ("seen", 28, {"of studies that are not used": 10, "the image file is empty": 1, "a second ap": 1}),
    ]
    assert flow[5]["parts"] == MANIFEST["n_studies"]


def holds(flow) -> bool:
    """Whether what is lost explains each step from the one before of the same unit."""
    pairs = [(a, b) for a, b in itertools.pairwise(flow) if a["unit"] == b["unit"]]
    return all(a["n"] == b["n"] + sum(lost["n"] for lost in b["lost"]) for a, b in pairs) and len(pairs) > 0


def test_no_study_is_lost_without_a_reason():
    flow = flow_of(MANIFEST, labels({"a": "pn", "b": "ss"}), METRICS)
    assert holds(flow)
    assert not holds([*flow[:3], flow[3] | {"n": 17}, *flow[4:]])


def test_many_different_reasons_become_one():
    manifest = MANIFEST | {"excluded": {f"s{i}": f"no image of kind {i // 2}" for i in range(20)}}
    flow = flow_of(manifest, None, METRICS)
    lost = flow[2]["lost"]
    assert len(lost) == 7 and lost[-1] == {"reason": "other reasons", "n": 8} and holds(flow)


def test_neither_ids_nor_paths_are_in_the_flow():
    text = str(flow_of(MANIFEST, None, METRICS))
    assert "s4" not in text and "s5" not in text and "/images" not in text


def test_with_folds_every_internal_study_is_tested():
    folds = [{"n_studies": {"train": 6, "validation": 2, "test": 2}}, {"n_studies": {"train": 7, "test": 3}}]
    manifest = {"excluded": {}, "unused_images": {}, "folds": folds, "n_studies": {"train": 6, "test": 10}}
    flow = flow_of(manifest, None, {"sets": [{"n_studies": 10}]})
    assert [(step["step"], step["n"]) for step in flow][-2:] == [("in a part of the split", 10), ("tested", 10)]
    assert holds(flow) and "in 2 folds" in flow_notes(manifest, None)[-1]


def test_what_nobody_recorded_is_said():
    scored, tested = flow_of({}, None, METRICS)
    assert (scored["step"], scored["n"]) == ("studies with scores", 9)
    assert scored["parts"] == {"validation": 4, "test": 3, "external": 2}
    assert (tested["n"], tested["lost"]) == (5, [{"reason": "used for validation", "n": 4}])
    notes = " ".join(flow_notes({}, None))
    assert "labels is not recorded" in notes and "among the scores is not recorded" in notes
    assert flow_notes(MANIFEST, labels({"a": "pn", "b": "pf", "c": "ff"})) == [
        "1 reports lack some of their labels; only those cells do not count."
    ]


def test_each_label_is_counted_where_it_is():
    split = Split(
        ("a", "b", "c", "d"), ("1", "2", "3", "4"), ("x", "x", "x", "y"), ("train", "train", "test", "external")
    )
    table = labels({"a": "pn", "b": "u-", "c": "f-", "d": "pu", "elsewhere": "pp"})
    rows = prevalence_of("labels", table, split, ["fracture", "effusion", "not in this table"])
    names = ("part", "site", "finding", "n", "n_positive", "n_negative", "n_uncertain", "n_not_mentioned")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("train", "x", "fracture", 2, 1, 0, 1, 0),
        ("train", "x", "effusion", 2, 0, 1, 0, 1),
        ("test", "x", "fracture", 0, 0, 0, 0, 0),
        ("test", "x", "effusion", 1, 0, 0, 0, 1),
        ("external", "y", "fracture", 1, 1, 0, 0, 0),
        ("external", "y", "effusion", 1, 0, 0, 1, 0),
    ]


def test_a_reference_is_counted_once_however_many_runs_are_held_against_it():
    about = {"site": "x", "finding": "fracture", "n": 4, "n_positive": 1}
    counts = [{"run": run, "part": "test"} | about for run in ("a", "b")]
    assert prevalence_of_counts("reference truth.csv", counts) == [
        {"schema": "reference truth.csv", "part": "test", "n_negative": 3, "n_uncertain": None, "n_not_mentioned": None}
        | about
    ]


@pytest.mark.parametrize(
    ("evaluate", "n_of_second", "schemas"),
    [
        ("", 5, {("validation", "labels with the scores"), ("test", "labels with the scores")}),
        ("", 6, {(part, f"labels with {run}") for part in ("validation", "test") for run in "ab"}),
        ("reference: {path: r.csv}", 5, {("validation", "labels with the scores"), ("test", "reference r.csv")}),
        ("sites: {x: {path: x.csv}}", 5, {("validation", "labels with the scores"), ("test", "reference x.csv")}),
    ],
)
def test_labels_of_scores_are_told_from_references(tmp_path: Path, evaluate, n_of_second, schemas):
    about = {"site": "x", "finding": "fracture", "n_positive": 2, "n_studies": 7}
    counts = [
        {"run": run, "part": part, "n": n} | about
        for run, n in (("a", 5), ("b", n_of_second))
        for part in ("validation", "test")
    ]
    write_text(tmp_path / "r.yaml", f"name: S\nout: out\nevaluate:\n  scores: {{a: a.csv, b: b.csv}}\n  {evaluate}\n")
    metrics = {"runs": ["a", "b"], "findings": [], "sets": [{"n_studies": 7}], "label_counts": counts, "matrix": None}
    rows = describe_cohort(load_recipe(tmp_path / "r.yaml"), {}, metrics)["prevalence"]
    assert {(row["part"], row["schema"]) for row in rows} == schemas and len(rows) == len(schemas)


@pytest.mark.parametrize(("sites", "expected"), [(["alpha"], "alpha"), (["alpha", "gamma"], "")])
def test_a_reference_of_a_matrix_is_counted_at_the_site_of_the_internal_test_set(sites: list[str], expected: str):
    cell = {"run": "a", "reference": "rules", "finding": "fracture", "n": 9, "n_positive": 3}
    counts = [{"part": "test", "site": site} for site in sites] + [{"part": "external", "site": "beta"}]
    metrics = {
        "matrix": {
            "references": [{"name": "rules", "title": "Rules"}],
            "cells": [cell | {"set": "test"}, cell | {"set": "external:beta"}],
        },
        "sets": [
            {"key": "test", "part": "test", "site": None},
            {"key": "external:beta", "part": "external", "site": "beta"},
        ],
        "label_counts": counts,
    }
    assert [row["site"] for row in prevalence_of_matrix(metrics)] == [expected, "beta"]


def test_each_reference_of_a_matrix_is_counted_once_however_many_runs_are_held_against_it():
    cell = {"set": "test", "reference": "rules", "finding": "fracture", "n": 9, "n_positive": 4}
    cells = [cell | {"run": run} for run in "ab"] + [cell | {"run": "a", "finding": None, "n_positive": None}]
    matrix = {"references": [{"name": "rules", "title": "Rules"}], "cells": cells}
    metrics = {"matrix": matrix, "sets": [{"key": "test", "part": "test", "site": None}], "label_counts": []}
    (row,) = prevalence_of_matrix(metrics)
    assert (row["schema"], row["part"], row["n"], row["n_positive"], row["n_negative"]) == (
        "reference Rules",
        "test",
        9,
        4,
        5,
    )


@pytest.mark.parametrize("folds", [1, 2])
def test_an_evaluation_says_whose_studies_it_is_of(tmp_path: Path, folds: int):
    run = two_runs()["inclusive"]
    out = tmp_path / "out"
    save_predictions(out / "train/inclusive/predictions.parquet", run)
    split = Split(run.study_ids, run.patient_ids, run.sites, run.parts)
    save_split(out / "train/split.csv", [split] * folds)
    parts = {part: run.parts.count(part) for part in dict.fromkeys(run.parts)}
    write_json(out / "train/inclusive/manifest.json", {"n_studies": parts, "excluded": {}, "unused_images": {}})
    rows = [
        ",".join([study, *("1" if row[0] else "-1", "")]) for study, row in zip(run.study_ids, run.targets, strict=True)
    ]
    write_text(tmp_path / "labels.csv", "\n".join(["study_id,fracture,effusion", *rows]))
    write_text(
        tmp_path / "recipe.yaml",
        f"""
        name: Cohort
        data:
          labels: {tmp_path}/labels.csv
          studies: {{path: studies.csv}}
          images: {{path: images.csv}}
          findings: [fracture, effusion]
        train: {{runs: {{inclusive: {{policy: inclusive}}}}, model: resnet10t}}
        evaluate: {{bootstrap: 10}}
        """,
    )
    recipe = load_recipe(tmp_path / "recipe.yaml", out=out)
    metrics = read_json(Path(run_evaluate(recipe)["metrics"]))
    study = metrics["study"]
    assert holds(study["flow"]) and study["flow"][-1]["n"] == 380
    outside = [row for row in study["prevalence"] if row["part"] == "external" and row["finding"] == FINDINGS[0]]
    n_positive = int(run.part("external").targets[:, 0].sum())
    assert [(row["schema"], row["n"], row["n_positive"], row["n_uncertain"]) for row in outside] == [
        ("labels", 240, n_positive, 240 - n_positive)
    ]
    tested = {row["part"] for row in study["prevalence"]}
    assert tested == ({"train", "validation", "test", "external"} if folds == 1 else {"test", "external"})
    manifest = {"n_studies": parts, "excluded": {}, "unused_images": {}, "hashes": {"labels": "of another table"}}
    later = describe_cohort(recipe, manifest, metrics)
    assert later["prevalence"] == [] and later["flow_notes"][0] == CHANGED
    manifest["hashes"] = {"labels": sha256(tmp_path / "labels.csv")}
    assert describe_cohort(recipe, manifest, metrics)["prevalence"] == study["prevalence"]
