"""Runs that are taught from label tables of their own, and tested against the recipe's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from shapes import FINDINGS, SCHEMA, prepared, shapes_recipe, write_study

from imagetrain.run import run_train
from imagetrain.store import read_predictions
from radprompter.errors import SchemaError, TableError
from radprompter.files import sha256
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, LabelSchema, LabelState


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_study(tmp_path / "study", n_patients=15)
    return tmp_path / "study"


def relabel(study: Path, name: str, state, *, schema: LabelSchema = SCHEMA, leave_out: tuple[str, ...] = ()) -> Path:
    """Another label table of the same studies: state(row) for every cell."""
    table = LabelTable.from_arrow(pq.read_table(study / "labels.parquet"))
    cells = [
        Cell(row.report_id, row.finding, LabelState(state(row)))
        for row in table.frame.itertuples()
        if row.finding in schema.names and row.report_id not in leave_out
    ]
    pq.write_table(LabelTable.from_cells(cells, schema).to_arrow(), study / name)
    return study / name


def inverted(row) -> str:
    return {"positive": "negative", "negative": "positive"}.get(row.state, row.state)


def test_a_run_is_taught_from_its_own_labels_and_tested_against_the_recipes(study: Path) -> None:
    own = relabel(study, "inverted.parquet", inverted)
    runs = {"plain": {"policy": "ignore"}, "inverted": {"policy": "ignore", "labels": own}}
    found = prepared(shapes_recipe(study, data={"findings": ["disc", "bar", "frame"]}, train={"runs": runs}))
    plain, other = found.targets["plain"], found.targets["inverted"]
    teaches = np.isin(found.split.parts, ("train", "validation"))
    wide = LabelTable.from_arrow(pq.read_table(study / "labels.parquet")).wide().loc[list(found.split.study_ids)]
    definite = wide[list(plain.findings)].isin(["positive", "negative"]).to_numpy()
    assert (plain.mask == other.mask).all()
    taught = teaches[:, None] & definite
    assert taught.any()
    assert (plain.values[taught] == 1 - other.values[taught]).all()
    assert (plain.values[~teaches] == other.values[~teaches]).all()


def test_the_order_of_a_runs_table_does_not_matter(study: Path) -> None:
    own = relabel(study, "own.parquet", lambda row: row.state)
    table = LabelTable.from_arrow(pq.read_table(own))
    backwards = LabelSchema("backwards", tuple(reversed(SCHEMA.findings)))
    pq.write_table(LabelTable.from_cells(reversed(list(table.cells())), backwards).to_arrow(), own)
    found = prepared(shapes_recipe(study, train={"runs": {"plain": {}, "own": {"labels": own}}}))
    plain, other = found.targets["plain"], found.targets["own"]
    assert plain.findings == other.findings
    assert (plain.values == other.values).all()
    assert (plain.mask == other.mask).all()


def test_studies_without_labels_in_any_table_are_left_out_of_all_runs(study: Path) -> None:
    own = relabel(study, "own.parquet", lambda row: row.state, leave_out=("s004", "s009"))
    found = prepared(shapes_recipe(study, train={"runs": {"plain": {}, "own": {"labels": own}}}))
    assert found.excluded == {"s004": "no labels for run own", "s009": "no labels for run own"}
    assert set(found.targets["plain"].study_ids) == set(found.targets["own"].study_ids)
    assert not {"s004", "s009"} & set(found.split.study_ids)


def test_a_table_of_ones_own_is_read_by_the_findings_of_the_recipe(study: Path) -> None:
    rows = [{"study_id": f"s{number:03d}", **dict.fromkeys(FINDINGS, number % 2)} for number in range(30)]
    pd.DataFrame(rows).to_csv(study / "own.csv", index=False)
    found = prepared(shapes_recipe(study, train={"runs": {"own": {"labels": study / "own.csv"}}}))
    teaches = np.isin(found.split.parts, ("train", "validation"))
    odd = np.array([int(study_id[1:]) % 2 for study_id in found.split.study_ids])
    assert (found.targets["own"].values[teaches, 0] == odd[teaches]).all()
    assert (found.targets["own"].values[~teaches, 0] != odd[~teaches]).any()


def test_a_run_whose_table_lacks_a_finding_is_refused(study: Path) -> None:
    own = relabel(study, "own.parquet", lambda row: row.state, schema=SCHEMA.select(["disc", "bar"], name="two"))
    runs = {"plain": {}, "own": {"labels": own}}
    message = r"train\.runs\.own\.labels: .*own\.parquet has no finding 'frame', 'rare', which data\.labels has"
    with pytest.raises(SchemaError, match=message):
        prepared(shapes_recipe(study, train={"runs": runs}))
    found = prepared(shapes_recipe(study, data={"findings": ["disc", "bar"]}, train={"runs": runs}))
    assert found.findings == ("disc", "bar")


def test_a_run_whose_table_has_other_ids_is_refused_with_examples(study: Path) -> None:
    rows = [{"study_id": f"x{number}", **dict.fromkeys(FINDINGS, 1)} for number in range(3)]
    pd.DataFrame(rows).to_csv(study / "own.csv", index=False)
    with pytest.raises(TableError, match=r"no study id is in all tables(.|\n)*train\.runs\.own\.labels: 3, such as x0"):
        prepared(shapes_recipe(study, train={"runs": {"own": {"labels": study / "own.csv"}}}))


def test_runs_that_ignore_what_is_not_mentioned_mask_it_in_the_tests_of_all(study: Path) -> None:
    found = prepared(
        shapes_recipe(study, train={"runs": {"negative": {}, "ignored": {"not_mentioned": "ignore"}}, "seed": 1})
    )
    tested = ~np.isin(found.split.parts, ("train", "validation"))
    one, other = found.targets["negative"], found.targets["ignored"]
    assert (one.mask[tested] == other.mask[tested]).all()
    wide = LabelTable.from_arrow(pq.read_table(study / "labels.parquet")).wide().loc[list(found.split.study_ids)]
    states = wide[list(one.findings)].to_numpy()
    assert (one.mask[tested] == np.isin(states[tested], ["positive", "negative"])).all()
    assert (states[tested] == "not_mentioned").any()
    assert one.mask[~tested].all()


def test_another_table_trains_only_its_run_anew(study: Path) -> None:
    own = relabel(study, "own.parquet", lambda row: row.state)
    short = {"epochs": 1, "runs": {"plain": {}, "own": {"labels": own}}}
    run_train(shapes_recipe(study, train=short))
    relabel(study, "own.parquet", lambda row: "positive" if row.report_id in ("s000", "s001") else row.state)
    summary = run_train(shapes_recipe(study, train=short))
    assert summary["runs"]["plain"]["up_to_date"]
    assert not summary["runs"]["own"]["up_to_date"]
    manifest = json.loads((study / "out/train/own/manifest.json").read_text())
    assert manifest["hashes"]["labels"] == sha256(own)
    assert manifest["policy"]["labels"] == str(own)
    predictions = [read_predictions(study / f"out/train/{run}/predictions.parquet") for run in ("plain", "own")]
    tested = np.isin(predictions[0].parts, ("test", "external"))
    assert np.array_equal(*(one.targets[tested] for one in predictions), equal_nan=True)
