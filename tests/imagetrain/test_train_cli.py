from __future__ import annotations

import json
from pathlib import Path

import pytest
from shapes import write_study
from typer.testing import CliRunner

from imagetrain.cli.app import app

RECIPE = """
name: shapes
out: {folder}/out
data:
  labels: {folder}/labels.parquet
  studies: {{path: {folder}/studies.csv}}
  images: {{path: {folder}/images.csv}}
  views: [ap, lateral]
  size: 32
  split: {{external: [beta]}}
train:
  runs: {{inclusive: {{}}}}
  model: test_resnet
  epochs: 2
  batch_size: 8
  device: cpu
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, n_patients=14)
    path = folder / "shapes.yaml"
    path.write_text(RECIPE.format(folder=folder))
    return path


def test_cache_train_and_predict_say_what_they_did(recipe: Path) -> None:
    runner = CliRunner()
    cached = runner.invoke(app, ["cache", str(recipe)])
    assert (cached.exit_code, "28 studies, 56 images of 32 x 32 pixels" in cached.output) == (0, True)
    trained = runner.invoke(app, ["train", str(recipe)])
    assert trained.exit_code == 0
    assert trained.output.count("validation: loss") == 2  # one line an epoch
    assert "trained classifiers" in trained.output
    again = runner.invoke(app, ["train", str(recipe), "--json"])
    summary = json.loads(again.output.splitlines()[-1])
    assert summary["up_to_date"]
    predicted = runner.invoke(app, ["predict", str(recipe)])
    assert (predicted.exit_code, "28 studies" in predicted.output) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--set", "train.model=resnet1o"], "has no model 'resnet1o'"),
        (["train", "--set", "train.learning_rat=1"], "did you mean 'learning_rate'?"),
        (["train", "--set", "data.split.external=[gamma]"], "site 'gamma', but the studies have: alpha, beta"),
        (["cache", "--set", "data.images.path=absent.csv"], "absent.csv: no such file"),
        (["cache", "--set", "data.images.root=/nowhere"], "s000_ap.png (study s000): no such image file"),
        (["predict", "--run", "third"], "no run 'third'"),
    ],
)
def test_wrong_requests_end_with_one_message_and_code_2(recipe: Path, arguments: list[str], message: str) -> None:
    command, *options = arguments
    result = CliRunner().invoke(app, [command, str(recipe), "--out", str(recipe.parent / "other"), *options])
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
