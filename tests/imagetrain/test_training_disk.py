"""Training on a full disk or in a folder that cannot be written: one clear line, old files whole, then it goes on."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from shapes import shapes_recipe, write_recipe, write_study
from small_disk import alone, refused
from typer.testing import CliRunner

from imagetrain.cli.app import app
from imagetrain.run import run_train

IMAGETRAIN = [sys.executable, "-c", "from imagetrain.cli.app import main; main()"]


def test_a_cache_that_does_not_fit_is_refused_before_any_image_is_read(disk: Path, tmp_path: Path) -> None:
    write_study(tmp_path / "study", n_patients=12)
    recipe = write_recipe(tmp_path / "study", out=disk / "out", train={"epochs": 1})
    script = (
        f"mount -t tmpfs -o size=40k none {disk}; "
        f'"$@" > {tmp_path}/first 2>&1; echo $? > {tmp_path}/code; '
        f"mount -o remount,size=64m {disk}; "
        f'"$@" --json > {tmp_path}/second 2>&1'
    )
    done = alone(script, *IMAGETRAIN, "cache", str(recipe))
    refused(int((tmp_path / "code").read_text()), (tmp_path / "first").read_text(), "pixels.u8", "No space left")
    assert "read images" not in (tmp_path / "first").read_text()
    assert done.returncode == 0, (tmp_path / "second").read_text()


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(disk: Path, tmp_path: Path) -> None:
    write_study(tmp_path / "study", n_patients=12)
    recipe = write_recipe(tmp_path / "study", out=disk / "out", train={"epochs": 1})
    script = f'mount -t tmpfs -o size=8m none {disk}; mount -o remount,ro {disk}; "$@"'
    done = alone(script, *IMAGETRAIN, "cache", str(recipe))
    refused(done.returncode, done.stderr, "cache.lock", "Read-only file system")


def test_a_checkpoint_that_does_not_fit_leaves_the_old_weights_whole_and_the_next_run_goes_on(tmp_path: Path) -> None:
    write_study(tmp_path, n_patients=12)
    run_train(shapes_recipe(tmp_path, train={"epochs": 2}))
    folder = tmp_path / "out/train/inclusive"
    old = {path.name: path.read_bytes() for path in folder.iterdir()}
    recipe = write_recipe(tmp_path, train={"epochs": 1})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        done = CliRunner().invoke(app, ["train", str(recipe)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    refused(done.exit_code, done.stderr, "training.safetensors", "File too large", "make room or mend access")
    assert old == {path.name: path.read_bytes() for path in folder.iterdir()}
    summary = run_train(shapes_recipe(tmp_path, train={"epochs": 1}))
    assert not summary["up_to_date"]
    assert summary["runs"]["inclusive"]["recipe"]["epochs"] == 1
