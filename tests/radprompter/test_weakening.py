"""Label tables with errors of a known rate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from radprompter.errors import InputError, RecipeError, TableError
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState
from radprompter.recipe import StudyRecipe
from radprompter.stages import run_label, run_phantom, run_weaken
from radprompter.store import read_labels
from radprompter.typed_yaml import parse_yaml, validate
from radprompter.weakening import MARK, count_errors, inject_errors

STATES = list(LabelState)
ONLY_PRESENT = (LabelState.POSITIVE, LabelState.NOT_MENTIONED)
SCHEMA = LabelSchema("two", (FindingSpec("fracture"), FindingSpec("clear", states=ONLY_PRESENT)))


def table(n: int = 4000) -> LabelTable:
    cells = []
    for i in range(n):
        cells.append(Cell(f"r{i}", "fracture", STATES[i % 8], p_positive=0.5, evidence="words", labeler="rules"))
        cells.append(Cell(f"r{i}", "clear", ONLY_PRESENT[i % 2], labeler=""))
    return LabelTable.from_cells(cells, SCHEMA)


def test_labels_are_turned_over_at_the_rates_and_all_else_stays() -> None:
    before = table()
    after = inject_errors(before, missed=0.3, invented=0.1, seed=1)
    old, new = (one.wide()["fracture"].to_numpy() for one in (before, after))
    assert np.mean(new[old == "positive"] == "negative") == pytest.approx(0.3, abs=0.05)
    for state in ("negative", "not_mentioned"):
        assert np.mean(new[old == state] == "positive") == pytest.approx(0.1, abs=0.03)
    for state in ("uncertain", "missing", "invalid", "failed", "skipped"):
        assert (new[old == state] == state).all()
    counted = count_errors(before, after)
    assert (counted["n_positive"], counted["n_others"]) == (500 + 2000, 1000 + 2000)
    assert (
        counted["n_missed"]
        == ((old == "positive") & (new != old)).sum()
        + ((before.wide()["clear"] == "positive") & (after.wide()["clear"] != "positive")).sum()
    )


def test_a_finding_without_a_negative_is_missed_as_not_mentioned() -> None:
    after = inject_errors(table(40), missed=1.0, invented=0.0, seed=0)
    assert set(after.wide()["clear"]) == {"not_mentioned"}


def test_an_injected_error_has_no_evidence_and_says_what_it_is() -> None:
    cells = list(inject_errors(table(400), missed=0.5, invented=0.5, seed=2).cells())
    wrong = [cell for cell in cells if cell.labeler.endswith(MARK)]
    assert 100 < len(wrong) < 400
    assert all(cell.evidence is cell.p_positive is None for cell in wrong)
    assert {cell.labeler for cell in wrong} == {f"rules, {MARK}", MARK}
    assert all(cell.evidence == "words" for cell in cells if cell.labeler == "rules")


def test_the_same_seed_makes_the_same_errors_in_the_named_reports_alone() -> None:
    before = table(400)
    some = {f"r{i}" for i in range(200)}
    first, again, other = (
        inject_errors(before, missed=0.5, invented=0.5, seed=seed, only=some).wide() for seed in (1, 1, 2)
    )
    assert first.equals(again) and not first.equals(other)
    assert first.iloc[200:].equals(before.wide().iloc[200:]) and not first.equals(before.wide())
    whole = inject_errors(before, missed=0.5, invented=0.5, seed=1).wide()
    assert whole.iloc[:200].equals(first.iloc[:200])


def test_without_errors_the_table_is_the_same() -> None:
    assert inject_errors(table(80), missed=0.0, invented=0.0, seed=1).frame.equals(table(80).frame)


def recipe(out: Path, text: str) -> StudyRecipe:
    return validate(StudyRecipe, parse_yaml(f"name: Test\nout: {out}\n{text}", "r.yaml"))


STUDY = """
phantom: {regions: [clavicle], patients: 12, size: 64}
label:
  reports: {path: "%s/phantom/clavicle/reports.csv", id: study_id, language_column: language}
  region: clavicle
weaken:
  weak: {missed: 0.4, invented: 0.1, seed: 3}
  none: {}
"""


def test_the_stage_writes_a_folder_of_labels_each_once(tmp_path: Path) -> None:
    study = recipe(tmp_path, STUDY % tmp_path)
    run_phantom(study)
    run_label(study)
    first = run_weaken(study)
    assert not first["up_to_date"] and "positives missed" in first["line"]
    labels, weak, same = (
        read_labels(tmp_path / path / "labels.parquet") for path in ("label", "weaken/weak", "weaken/none")
    )
    assert weak.wide().equals(inject_errors(labels, missed=0.4, invented=0.1, seed=3).wide())
    assert same.wide().equals(labels.wide())
    found = json.loads((tmp_path / "weaken/errors.json").read_text())
    assert found["weak"]["missed"] == 0.4 and found["weak"]["n_missed"] > 0 == found["none"]["n_missed"]
    assert (tmp_path / "weaken/weak/labels.csv").is_file()
    assert run_weaken(study)["up_to_date"]
    other = recipe(tmp_path, (STUDY % tmp_path).replace("seed: 3", "seed: 4"))
    assert not run_weaken(other)["up_to_date"]


def test_a_recipe_without_the_section_or_without_labels(tmp_path: Path) -> None:
    assert run_weaken(recipe(tmp_path, "")) == {}
    with pytest.raises(TableError, match="the labels that the section `label` makes"):
        run_weaken(recipe(tmp_path, "weaken: {weak: {missed: 0.1}}"))
    with pytest.raises(RecipeError, match=r"'\.\./x' is also the name of a file"):
        run_weaken(recipe(tmp_path, "weaken: {../x: {missed: 0.1}}"))
    with pytest.raises(InputError, match=r"weaken\.weak\.missed"):
        recipe(tmp_path, "weaken: {weak: {missed: 1.5}}")
