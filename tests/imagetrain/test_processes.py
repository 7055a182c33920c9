"""Two processes train as one does; one that is killed ends the other, and both go on later."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from forked_training import forking
from shapes import write_recipe, write_study

from imagetrain.learning.processes import ALONE, Processes
from imagetrain.store import read_predictions

SETTINGS = {
    "runs": {"inclusive": {}},
    "model": "test_convnext",  # no batch normalisation, which would be over each process's own studies
    "epochs": 3,
    "batch_size": 5,
    "accumulate": 2,
    "augment": {"horizontal_flip": True, "noise": 0},
    "checkpoint_minutes": 1e-9,
}


@pytest.mark.slow
def test_two_processes_give_the_metrics_of_one_also_after_one_of_them_was_killed(tmp_path: Path) -> None:
    write_study(tmp_path, n_patients=15)
    recipe = write_recipe(tmp_path, out=tmp_path / "two", train=SETTINGS)
    checkpoint = tmp_path / "two" / "train" / "inclusive" / "checkpoint" / "training.safetensors"
    with forking() as trainings:
        pids = trainings.begin_together(recipe, world=2)
        while not checkpoint.is_file():
            time.sleep(0.02)
        os.kill(pids[1], signal.SIGKILL)
        assert trainings.wait_for("error").startswith("process 0 of 2 lost another one of this training")
        assert trainings.wait_for("ended") == f"1 {-signal.SIGKILL}"
        assert checkpoint.is_file()
        assert trainings.train(write_recipe(tmp_path, out=tmp_path / "one", train=SETTINGS)) == 0

    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "imagetrain", "train", str(recipe)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("goes on from epoch") == 1  # one process talks

    both = [tmp_path / name / "train" / "inclusive" for name in ("one", "two")]
    one, other = (read_predictions(folder / "predictions.parquet") for folder in both)
    assert one.study_ids == other.study_ids
    assert len(set(other.study_ids)) == len(other.study_ids) == 30
    assert np.abs(one.logits - other.logits).max() < 1e-3
    epochs = [[json.loads(line) for line in (folder / "epochs.jsonl").read_text().splitlines()] for folder in both]
    for of_one, of_two in zip(*epochs, strict=True):
        for name in ("loss", "validation_loss", "validation_auroc"):
            assert of_one[name] == pytest.approx(of_two[name], abs=1e-4)
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in both]
    assert [manifest["processes"] for manifest in manifests] == [1, 2]


@pytest.mark.parametrize(("n", "world"), [(10, 1), (10, 3), (2, 2), (1, 4), (0, 2)])
def test_shares_are_everything_once_in_order_and_even(n: int, world: int) -> None:
    shares = [list(range(n))[Processes(rank, world).share(n)] for rank in range(world)]
    assert [item for share in shares for item in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_process_alone_has_nobody_to_wait_for() -> None:
    assert ALONE.leads
    assert ALONE.any(True, False) == (True, False)
    assert ALONE.first(lambda: "made", lambda: "found") == "made"
