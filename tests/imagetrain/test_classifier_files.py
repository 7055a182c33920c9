"""Files that pose as classifiers: nothing is run, and nothing is allocated for what they claim."""

from __future__ import annotations

import io
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import SCHEMA, shapes_recipe, write_study

from imagetrain.classifiers import open_classifier, weights_of
from imagetrain.prediction import run_predict
from imagetrain.recording import validation_auroc
from imagetrain.run import run_train
from imagetrain.store import CARD, read_model
from radprompter.errors import InputError, RecipeError, SchemaError
from radprompter.labels import FindingSpec, LabelSchema

CPU = torch.device("cpu")


class Bomb:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("exploded"),))


def torch_archive() -> bytes:
    content = io.BytesIO()
    torch.save({"head.weight": torch.zeros(2, 3), "bomb": Bomb()}, content)
    return content.getvalue()


@pytest.mark.parametrize("content", [*(pickle.dumps(Bomb(), protocol) for protocol in (2, 3, 4, 5)), torch_archive()])
def test_a_pickle_posing_as_a_checkpoint_is_refused_by_its_first_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model.safetensors: a pickle, .* never loaded"):
        read_model(path)
    assert not (tmp_path / "exploded").exists()


def header(tensors: dict, *, n_bytes: int | None = None, data: bytes = b"") -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text) if n_bytes is None else n_bytes) + text + data


def tensor(shape: list[int], start: int, end: int) -> dict:
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "content",
    [
        header({}, n_bytes=2**60),
        header({"a": tensor([2], 0, 8), "b": tensor([2], 4, 12)}, data=bytes(12)),  # overlap
        header({"a": tensor([2], 0, 8), "b": tensor([2], 12, 20)}, data=bytes(20)),  # a hole
        header({"a": tensor([2**40], 0, 8)}, data=bytes(8)),  # more numbers than bytes
        header({"a": tensor([2**40], 0, 2**42)}, data=bytes(8)),  # more bytes than the file
        header({"a": tensor([2**31, 2**31, 2**31], 0, 8)}, data=bytes(8)),  # a product that overflows
        header({"a": tensor([-1], 0, 8)}, data=bytes(8)),
        header({"a": tensor([2], 0, 8)}, data=bytes(4)),  # cut short
        b"\x80\x02" + bytes(6) + b"{" + bytes(639),  # a header of 640 bytes begins as a pickle does
    ],
)
def test_headers_that_lie_are_refused_before_anything_is_allocated(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not a safetensors file, or a damaged one \(.+\)"):
        read_model(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, n_patients=15)
    run_train(shapes_recipe(folder, train={"epochs": 1, "runs": {"inclusive": {"per_finding": {"bar": "ignore"}}}}))
    return folder


def rewritten(source: Path, to: Path, **card: object) -> Path:
    """The same weights under another card."""
    from safetensors.numpy import save

    weights, _ = read_model(source)
    with source.open("rb") as file:
        (n_bytes,) = struct.unpack("<Q", file.read(8))
        described = json.loads(json.loads(file.read(n_bytes))["__metadata__"][CARD])
    to.write_bytes(save(weights, {CARD: json.dumps(described | card)}))
    return to


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"model": "test_convnext"}, "the weights do not fit 'test_convnext'"),
        ({"findings": ["disc", "bar"]}, "the weights do not fit 'test_resnet'.*head"),
        ({"layout": {"channels": 3}}, "the weights do not fit 'test_resnet'"),
        ({"layout": {"colours": 3}}, "a layout that is not known"),
        ({"model": "resnet_of_mine"}, "has no model 'resnet_of_mine'"),
    ],
)
def test_weights_that_do_not_fit_what_they_say_are_refused(
    trained: Path, tmp_path: Path, card: dict, message: str
) -> None:
    model = trained / "out" / "train" / "inclusive" / "model.safetensors"
    with pytest.raises(InputError, match=message):
        open_classifier(rewritten(model, tmp_path / "other.safetensors", **card), device=CPU)


def numbered(n: int) -> LabelSchema:
    return LabelSchema("chest", tuple(FindingSpec(f"finding_{i}") for i in range(n)))


@pytest.mark.parametrize(
    "other", [numbered(13), LabelSchema("chest", numbered(14).findings[::-1]), LabelSchema("c", numbered(14).findings)]
)
def test_a_classifier_of_14_findings_is_refused_for_13_for_another_order_and_for_another_schema(
    trained: Path, tmp_path: Path, other: LabelSchema
) -> None:
    schema = numbered(14)
    source = trained / "out" / "train" / "inclusive" / "model.safetensors"
    file = rewritten(source, tmp_path / "m.safetensors", label_schema=schema.to_json(), schema_hash=schema.hash)
    read_model(file, schema=schema)
    with pytest.raises(SchemaError, match=rf"\(14 findings, {schema.hash}\), but the labels have .* train it anew"):
        read_model(file, schema=other)


def test_predicting_refuses_a_classifier_of_another_schema_than_the_recipes_labels(trained: Path) -> None:
    import pyarrow.parquet as pq

    from radprompter.label_table import LabelTable

    labels = trained / "labels.parquet"
    was = labels.read_bytes()
    table = LabelTable.from_arrow(pq.read_table(labels))
    pq.write_table(table.select(SCHEMA.select(("bar", "disc", "frame", "rare"), name="shapes-4")).to_arrow(), labels)
    try:
        with pytest.raises(SchemaError, match="trained on schema 'shapes-4'"):
            run_predict(shapes_recipe(trained))
    finally:
        labels.write_bytes(was)


def test_what_is_beside_the_weights_says_how_to_use_them_and_names_no_study(trained: Path) -> None:
    folder = trained / "out" / "train" / "inclusive"
    described = json.loads((folder / "model.json").read_text())
    card = (folder / "MODEL_CARD.md").read_text()
    _, own = read_model(folder / "model.safetensors")
    assert tuple(described["findings"]) == own.findings
    assert [finding["name"] for finding in described["schema"]["findings"]] == list(SCHEMA.names)
    assert described["input"]["views"] == ["ap", "lateral"]
    assert described["thresholds"] == own.thresholds
    for part, counted in described["targets"].items():
        for finding, kinds in counted.items():
            assert sum(kinds.values()) == described["n_studies"][part], (part, finding)
    for finding in own.findings:
        assert f"| {finding} |" in card
    assert "must not be used for the care of patients" in card.replace("\n", " ")
    assert "bar: *uncertain* is not counted" in card
    everything = json.dumps(described) + card
    assert not any(f"s{number:03d}" in everything or f"p{number:03d}" in everything for number in range(30))
    assert str(trained) not in card


def test_reasons_that_name_files_are_only_counted() -> None:
    from imagetrain.store.description import count_reasons

    reasons = ["no labels", "/data/Doe^John.dcm (study 7): blank", r"C:\x\7.png (study 8): blank", "no labels"]
    assert count_reasons(reasons) == {"no labels": 2, "an image that could not be used": 2}


def test_numbers_in_the_card_are_those_of_validation(trained: Path) -> None:
    from imagetrain.evaluation.auroc import auroc
    from imagetrain.store import read_predictions

    folder = trained / "out" / "train" / "inclusive"
    described = json.loads((folder / "model.json").read_text())
    part = read_predictions(folder / "predictions.parquet").part("validation")
    for column, finding in enumerate(part.findings):
        expected = auroc(part.targets[:, column], part.logits[:, column])
        found = described["validation"][finding]
        assert found["auroc"] is None if np.isnan(expected) else abs(found["auroc"] - expected) < 1e-12
        assert (found["reason"] is None) == (found["low"] is not None)


def test_the_interval_on_validation_takes_patients_for_independent() -> None:
    generator = np.random.default_rng(0)
    truth = (np.arange(40) % 2).astype(np.float32)
    logits = (generator.normal(size=40) + truth).astype(np.float32)
    patients = [str(number) for number in range(40)]
    once = validation_auroc(truth, logits, patients)
    again = validation_auroc(np.tile(truth, 4), np.tile(logits, 4), patients * 4)
    assert isinstance(once["low"], float) and again["n_positive"] == 80
    assert again["low"] == pytest.approx(once["low"], abs=0.01)  # the same studies four times over say nothing new


def test_a_run_with_folds_has_a_network_a_fold() -> None:
    here = Path("here")
    whole, folded = (shapes_recipe(here, data={"split": {"folds": folds}}) for folds in (None, 3))
    assert weights_of(whole, None) == ("inclusive", here / "out/train/inclusive/model.safetensors")
    assert weights_of(folded, "exclusive/fold3") == (
        "exclusive/fold3",
        here / "out/train/exclusive/fold3/model.safetensors",
    )
    for study, run, message in (
        (folded, "exclusive", "a network a fold; name one of: exclusive/fold1, exclusive/fold2"),
        (folded, "exclusive/fold4", "a network a fold; name one of: exclusive/fold1, exclusive/fold2"),
        (whole, "exclusive/fold1", "'exclusive' has no folds; name it without '/fold1'"),
        (whole, "third", "no run 'third'; it has: inclusive, exclusive"),
    ):
        with pytest.raises(RecipeError, match=message):
            weights_of(study, run)
