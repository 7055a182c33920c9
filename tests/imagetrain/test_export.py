from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from shapes import shapes_recipe, train_one_run, write_recipe
from typer.testing import CliRunner

from imagetrain.cli.app import app
from imagetrain.exporting import run_export
from imagetrain.learning.export import export_onnx, measure_parity
from imagetrain.learning.models import build_model
from imagetrain.store import read_predictions
from radprompter.errors import InputError, RecipeError


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_one_run(tmp_path_factory.mktemp("study"))


def batches(n_views: int, size: int) -> list:
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (5, n_views, size, size)).astype(np.float32)
    present = np.ones((5, n_views), dtype=bool)
    present[0, -1] = n_views == 1
    return [(images, present), (images[:1], present[:1])]  # any number of studies


@pytest.mark.parametrize(
    ("name", "size", "settings"),
    [
        ("test_resnet", 32, {"n_views": 2, "missing_views": "embed"}),
        ("test_convnext", 32, {"n_views": 2, "view_networks": "shared", "missing_views": "mask", "channels": 3}),
        ("test_vit", 32, {"n_views": 1}),  # each takes seconds to trace
    ],
)
def test_networks_give_the_same_logits_in_onnx(tmp_path: Path, name: str, size: int, settings: dict) -> None:
    model = build_model(name, n_findings=3, size=size, **settings)
    export_onnx(model, tmp_path / "model.onnx", size=size, metadata={"findings": "a b c"})
    parity = measure_parity(model, tmp_path / "model.onnx", batches(settings["n_views"], size))
    assert parity.n_studies == 6
    assert parity.max_difference < 1e-5
    written = onnx.load(tmp_path / "model.onnx")
    assert {item.key: item.value for item in written.metadata_props}["findings"] == "a b c"


def test_a_run_is_exported_with_what_is_needed_to_use_it(trained: Path) -> None:
    recipe = write_recipe(trained, train={"runs": {"inclusive": {}}})
    done = CliRunner().invoke(app, ["export", str(recipe)])
    assert done.exit_code == 0, done.output
    assert "model.onnx: logits differ from torch's by at most" in done.output
    described = json.loads((trained / "out/export/inclusive/model.onnx.json").read_text())
    assert described["parity"]["max_difference"] < 1e-5
    assert described["parity"]["n_studies"] == 30
    from imagetrain.radiographs.cache import open_cache

    cache = open_cache(trained / "out" / "cache")
    predictions = read_predictions(trained / "out/train/inclusive/predictions.parquet")
    study = predictions.study_ids[3]
    rows = [views[0] for views in cache.rows(("ap", "lateral"))[study]]
    session = onnxruntime.InferenceSession(trained / "out/export/inclusive/model.onnx")
    images = cache.pixels[rows].astype(np.float32)[None] / 127.5 - 1  # as `images` says in model.onnx.json
    (logits,) = session.run(None, {"images": images})
    assert described["findings"] == list(predictions.findings)
    assert np.allclose(logits[0], predictions.logits[3], atol=1e-4)


def test_an_export_that_differs_is_not_kept(trained: Path, tmp_path: Path) -> None:
    recipe = shapes_recipe(trained, train={"runs": {"inclusive": {}}})
    path = trained / "out/export/inclusive/model.onnx"
    for old in path.parent.glob("*.onnx*"):
        old.unlink()
    with pytest.raises(InputError, match=r"logits of ONNX differ from torch's by [^,]+, more than 0 "):
        run_export(recipe, tolerance=0)
    assert not list(path.parent.glob("*"))


def test_logits_that_are_no_numbers_never_pass(tmp_path: Path) -> None:
    model = build_model("test_resnet", n_views=1, n_findings=2, size=32)
    with torch.no_grad():
        model.head.bias.fill_(math.nan)
    export_onnx(model, tmp_path / "model.onnx", size=32, metadata={})
    parity = measure_parity(model, tmp_path / "model.onnx", batches(1, 32))
    assert not parity.max_difference <= 1e9


def test_runs_that_are_not_there_are_named(trained: Path) -> None:
    with pytest.raises(RecipeError, match="no run 'third'; it has: inclusive, exclusive"):
        run_export(shapes_recipe(trained), run="third")
    with pytest.raises(InputError, match="no such classifier; train it with"):
        run_export(shapes_recipe(trained), run="exclusive")
