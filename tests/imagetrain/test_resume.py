"""A training that is stopped or killed ends as if it had not been."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from forked_training import Trainings, forking
from safetensors.numpy import load_file
from shapes import write_recipe, write_study

from imagetrain.recipe import load_recipe
from imagetrain.records import Checkpoint
from imagetrain.run import run_train
from imagetrain.store import KeptCheckpoint, read_checkpoint, save_checkpoint
from radprompter.errors import TrainingError

TIMES = ("seconds", "images_per_second")
SETTINGS = {
    "runs": {"inclusive": {}},
    "epochs": 5,
    "batch_size": 4,
    "dropout": 0.2,
    "mix": {"mixup": 0.4},
    "checkpoint_minutes": 1e-9,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, n_patients=20)
    return folder


@pytest.fixture(scope="module")
def trainings() -> Iterator[Trainings]:
    with forking() as trainings:
        yield trainings


def recipe_of(study: Path, name: str) -> Path:
    return write_recipe(study, out=study / name, train=SETTINGS)


def epochs(out: Path) -> list[dict]:
    lines = (out / "train" / "inclusive" / "epochs.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in TIMES} for line in lines]


@pytest.fixture(scope="module")
def whole(study: Path, trainings: Trainings) -> Path:
    """The folder of a training that nobody stopped."""
    assert trainings.train(recipe_of(study, "whole")) == 0
    return study / "whole"


def assert_same_end(out: Path, whole: Path) -> None:
    ours, theirs = (load_file(folder / "train" / "inclusive" / "model.safetensors") for folder in (out, whole))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert epochs(out) == epochs(whole)
    assert not (out / "train" / "inclusive" / "checkpoint").exists()


def test_a_training_killed_again_and_again_ends_with_the_same_weights_to_the_bit(
    study: Path, trainings: Trainings, whole: Path
) -> None:
    recipe, rng, kills = recipe_of(study, "killed"), random.Random(3), 0
    for _ in range(6):
        pid = trainings.begin(recipe)
        for _ in range(rng.randint(1, 4)):
            trainings.wait_for("step")
        time.sleep(rng.uniform(0.0, 0.1))
        kills += trainings.end(pid) == -signal.SIGKILL
    assert kills == 6
    assert trainings.train(recipe) == 0
    assert_same_end(study / "killed", whole)
    manifest = json.loads((study / "killed" / "train" / "inclusive" / "manifest.json").read_text())
    assert manifest["notices"][0].startswith("goes on from epoch ")


def test_a_training_killed_while_it_writes_a_checkpoint_goes_on_from_the_one_before(
    study: Path, trainings: Trainings, whole: Path
) -> None:
    recipe, folder = recipe_of(study, "torn"), study / "torn" / "train" / "inclusive" / "checkpoint"
    for _ in range(4):
        pid = trainings.begin(recipe)
        trainings.wait_for("step")
        while not any(path.name.endswith(".part") and path.stat().st_size for path in folder.glob(".*")):
            pass
        assert trainings.end(pid) == -signal.SIGKILL
    assert trainings.train(recipe) == 0
    assert_same_end(study / "torn", whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_is_answered_by_a_checkpoint_and_a_clear_line(
    study: Path, trainings: Trainings, whole: Path, number: signal.Signals, code: int
) -> None:
    recipe = recipe_of(study, number.name.lower())
    pid = trainings.begin(recipe)
    for _ in range(3):
        trainings.wait_for("step")
    assert trainings.end(pid, number) == code
    assert trainings.train(recipe) == 0
    assert_same_end(study / number.name.lower(), whole)


def test_after_a_loss_that_is_not_finite_the_last_checkpoint_is_gone_on_from_at_a_lower_rate(
    study: Path, trainings: Trainings
) -> None:
    path, folder = recipe_of(study, "diverged"), study / "diverged" / "train" / "inclusive"
    pid = trainings.begin(path)
    for _ in range(3):
        trainings.wait_for("step")
    assert trainings.end(pid, signal.SIGTERM) == 143
    too_high = load_recipe(path, settings=["train.learning_rate=1.0e+30", "train.checkpoint_minutes=10"])
    with pytest.raises(
        TrainingError, match=r"step \d+ is not a number; its batch: s\d.*; with other settings, --go-on"
    ):
        run_train(too_high, go_on=True)
    kept = load_file(folder / "checkpoint" / "training.safetensors")
    assert all(np.isfinite(array).all() for array in kept.values())
    summary = run_train(load_recipe(path, settings=["train.learning_rate=1.0e-4", "train.epochs=2"]), go_on=True)
    (notice,) = summary["runs"]["inclusive"]["notices"]
    assert notice.startswith("goes on from epoch 1")
    assert notice.endswith("with learning_rate 0.001 -> 0.0001, epochs 5 -> 2")
    assert not (folder / "checkpoint").exists()


def test_a_checkpoint_of_another_recipe_is_not_gone_on_from(study: Path, trainings: Trainings) -> None:
    path = recipe_of(study, "other")
    pid = trainings.begin(path)
    for _ in range(3):
        trainings.wait_for("step")
    trainings.end(pid)
    anew = run_train(load_recipe(path, settings=["train.learning_rate=2e-3", "train.epochs=1"]))
    (notice,) = anew["runs"]["inclusive"]["notices"]
    assert "starts anew" in notice
    assert "learning_rate 0.001 -> 0.002, epochs 5 -> 1); --go-on goes on from it" in notice


def test_a_damaged_checkpoint_is_not_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    kept = KeptCheckpoint(Checkpoint({"model.w": np.ones(3, np.float32)}, {"step": 1, "epochs": []}), {})
    save_checkpoint(path, kept)
    found = read_checkpoint(path)
    assert found is not None
    assert found.checkpoint.facts["step"] == 1
    path.write_bytes(path.read_bytes()[:-3])
    assert read_checkpoint(path) is None
    path.write_bytes(b"\x80\x04 no tensors")
    assert read_checkpoint(path) is None
