from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imagetrain.recipe import Data, Images, Studies
from imagetrain.records import Predictions
from imagetrain.store import (
    ModelCard,
    read_image_files,
    read_labels,
    read_model,
    read_predictions,
    read_studies,
    save_model,
    save_predictions,
)
from radprompter.errors import InputError, RecipeError, SchemaError, TableError
from radprompter.labels import FindingSpec, LabelSchema

SCHEMA = LabelSchema("pair", (FindingSpec("fracture"), FindingSpec("effusion")))
CARD = ModelCard(
    run="inclusive",
    model="resnet50",
    findings=("effusion",),
    views=("ap", "lateral"),
    size=512,
    equalise=True,
    layout={"channels": 1, "missing_views": "require"},
    thresholds={"effusion": -0.25},
    label_schema=SCHEMA.to_json(),
    schema_hash=SCHEMA.hash,
    policy={"policy": "inclusive"},
    best_epoch=3,
    validation_auroc=None,
    hashes={"labels": "ab"},
    versions={"torch": "2"},
)
WEIGHTS = {"head.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(7)}


def predictions() -> Predictions:
    return Predictions(
        ("s1", "s2"),
        ("p1", "p2"),
        ("alpha", ""),
        ("train", "external"),
        ("fracture", "effusion"),
        np.array([[1.5, -2], [17.123457, 0]], dtype=np.float32),
        np.array([[1, np.nan], [0, 1]], dtype=np.float32),
    )


def test_a_classifier_comes_back_with_its_card(tmp_path: Path) -> None:
    save_model(tmp_path / "model.safetensors", WEIGHTS, CARD)
    weights, card = read_model(tmp_path / "model.safetensors", schema=SCHEMA)
    assert card == CARD
    assert weights["head.weight"].dtype == np.float32
    assert all(np.array_equal(weights[name], WEIGHTS[name]) for name in WEIGHTS)


def test_a_classifier_of_another_schema_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "model.safetensors", WEIGHTS, CARD)
    other = LabelSchema("pair", SCHEMA.findings[::-1])  # the same findings in another order
    with pytest.raises(SchemaError, match=r"trained on schema 'pair' \(2 findings, \w{16}\), but the labels have"):
        read_model(tmp_path / "model.safetensors", schema=other)


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, (2**60).to_bytes(8, "little") + b"{}"])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a safetensors file"):
        read_model(path)


def test_foreign_and_absent_weights_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file(WEIGHTS, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="its card is absent"):
        read_model(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="no such classifier; train it with"):
        read_model(tmp_path / "none.safetensors")


def test_predictions_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    save_predictions(path, predictions())
    again = read_predictions(path)
    columns = ["study_id", "patient_id", "site", "split"]
    columns += ["logit:fracture", "logit:effusion", "target:fracture", "target:effusion"]
    assert list(pd.read_parquet(path).columns) == columns
    assert again.logits.dtype == again.targets.dtype == np.float32
    assert np.array_equal(again.logits, predictions().logits)
    assert np.array_equal(again.targets, predictions().targets, equal_nan=True)
    assert (again.study_ids, again.patient_ids, again.sites, again.parts, again.findings) == (
        ("s1", "s2"),
        ("p1", "p2"),
        ("alpha", ""),
        ("train", "external"),
        ("fracture", "effusion"),
    )


def test_tables_that_are_no_predictions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    save_predictions(path, predictions())
    frame = pd.read_parquet(path)
    frame.drop(columns="target:effusion").to_parquet(path)
    with pytest.raises(TableError, match="no column 'target:effusion'"):
        read_predictions(path)
    frame.assign(split=["train", "outside"]).to_parquet(path)
    with pytest.raises(TableError, match="split 'outside' is not one of train, validation, test, external"):
        read_predictions(path)


def labels_at(path: Path, *findings: str) -> Data:
    tables = {"studies": {"path": "studies.csv"}, "images": {"path": "images.csv"}}
    return Data.model_validate({"labels": path, "findings": findings or None, **tables})


def test_label_tables_must_be_label_tables(tmp_path: Path) -> None:
    data = labels_at(tmp_path / "labels.parquet")
    with pytest.raises(TableError, match="no such label table; write it with `radprompter label`"):
        read_labels(data)
    data.labels.write_bytes(b"study_id,fracture\n")
    with pytest.raises(TableError, match="not a Parquet file"):
        read_labels(data)
    pd.DataFrame({"a": [1]}).to_parquet(data.labels)
    with pytest.raises(SchemaError, match=r"labels.parquet: this is not a label table"):
        read_labels(data)


def test_a_table_of_ones_own_is_read_by_the_columns_that_the_recipe_names(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("study_id,view,fracture,effusion\na,PA,1,\nb,AP,-1,0\n")
    wide = read_labels(labels_at(path, "effusion", "fracture")).wide()
    assert wide.loc["a"].to_dict() == {"effusion": "not_mentioned", "fracture": "positive"}
    assert wide.loc["b"].to_dict() == {"effusion": "negative", "fracture": "uncertain"}
    with pytest.raises(RecipeError, match="name the columns"):
        read_labels(labels_at(path))
    with pytest.raises(TableError, match=r"no column 'mass', which data\.findings names"):
        read_labels(labels_at(path, "fracture", "mass"))


def test_studies_stand_once_and_have_a_patient(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    path.write_text("study_id,patient_id\n1,a\n2,b\n")
    assert read_studies(Studies(path=path, site=None)) == [("1", "a", ""), ("2", "b", "")]
    path.write_text("study_id,patient_id\n1,a\n1,b\n")
    with pytest.raises(TableError, match=r"studies.csv:3: study '1' stands twice"):
        read_studies(Studies(path=path, site=None))
    path.write_text("study_id,patient_id\n1,a\n2,\n")
    with pytest.raises(TableError, match=r"studies.csv:3: study '2' has no patient_id"):
        read_studies(Studies(path=path, site=None))
    with pytest.raises(TableError, match="no column 'site'"):
        read_studies(Studies(path=path))


def test_images_are_found_beside_their_table_and_only_the_wanted_views(tmp_path: Path) -> None:
    path = tmp_path / "images.csv"
    path.write_text("study_id,view,file\n1,ap,a.png\n1,lateral,b.png\n1,ap,second.png\n1,oblique,c.png\n2,ap,d.png\n")
    images = read_image_files(Images(path=path), ("ap", "lateral"))
    assert [(image.study_id, image.view, image.path) for image in images] == [
        ("1", "ap", tmp_path / "a.png"),
        ("1", "lateral", tmp_path / "b.png"),
        ("1", "ap", tmp_path / "second.png"),
        ("2", "ap", tmp_path / "d.png"),
    ]
    (image,) = read_image_files(Images(path=path, root=Path("/elsewhere")), ("oblique",))
    assert image.path == Path("/elsewhere/c.png")
    with pytest.raises(TableError, match="no image has view 'frontal'; it has: ap, lateral, oblique"):
        read_image_files(Images(path=path), ("frontal",))
    with pytest.raises(RecipeError, match=r"names 2 views, but data.images.view is null"):
        read_image_files(Images(path=path, view=None), ("ap", "lateral"))


def test_a_study_without_a_patient_is_refused_in_parquet_too(tmp_path: Path) -> None:
    path = tmp_path / "studies.parquet"
    pd.DataFrame({"study_id": [1, 2], "patient_id": ["a", None], "site": [None, "beta"]}).to_parquet(path)
    with pytest.raises(TableError, match=r"studies\.parquet:3: study '2' has no patient_id"):
        read_studies(Studies(path=path))
    pd.DataFrame({"study_id": [1, 2], "patient_id": ["a", "b"], "site": [None, "beta"]}).to_parquet(path)
    assert read_studies(Studies(path=path)) == [("1", "a", ""), ("2", "b", "beta")]


def test_an_image_without_a_view_in_parquet_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "images.parquet"
    pd.DataFrame({"study_id": ["1", "2"], "view": ["ap", None], "file": ["a.png", "b.png"]}).to_parquet(path)
    assert read_image_files(Images(path=path), ("ap",)) == [("1", "ap", tmp_path / "a.png")]
