"""A full disk and a folder that cannot be written: one clear line, old files whole, and the next run goes on."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from label_study import ANSWER as REPLY
from label_study import study, write_recipe, write_reports
from small_disk import alone, refused

from radprompter.run import label_reports

LABEL = [sys.executable, "-c", "from radprompter.cli.app import main; main()", "label"]
SHOW = [*LABEL[:-1], "journal", "show"]
TEXTS = {f"report{number:05d}": f"Words of report {number}." for number in range(4000)}
SCRIPTED = {"name": "scripted", "default": REPLY}
FILES = ("labels.parquet", "labels.csv", "failures.csv")


def test_a_run_that_fills_the_disk_stops_and_goes_on_when_there_is_room(disk: Path, tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", dict(list(TEXTS.items())[:600]))
    recipe = write_recipe(tmp_path, SCRIPTED)
    script = (
        f"mount -t tmpfs -o size=1m none {disk}; "
        f'"$@" > {tmp_path}/first 2>&1; echo $? > {tmp_path}/code; '
        f"mount -o remount,size=64m {disk}; "
        f'"$@" > {tmp_path}/second 2>&1 || exit 9; cp -r {disk}/out/label {tmp_path}/kept'
    )
    done = alone(script, *LABEL, str(recipe), "--out", str(disk / "out"))
    assert done.returncode == 0, done.stderr + (tmp_path / "second").read_text()
    refused(int((tmp_path / "code").read_text()), (tmp_path / "first").read_text(), "journal.sqlite", "full")
    manifest = json.loads((tmp_path / "kept/manifest.json").read_text())
    assert manifest["requests"]["asked"] + manifest["requests"]["from_journal"] == 600
    assert manifest["requests"]["from_journal"] > 20
    (tmp_path / "whole").mkdir()
    label_reports(study(tmp_path / "whole", SCRIPTED, dict(list(TEXTS.items())[:600])))
    for name in FILES:
        assert (tmp_path / "kept" / name).read_bytes() == (tmp_path / "whole/out/label" / name).read_bytes()


def test_a_folder_that_cannot_be_written_is_refused_and_its_journal_can_be_shown(disk: Path, tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", {"r1": "Words."})
    recipe = write_recipe(tmp_path, SCRIPTED)
    label, show = " ".join(map(_quoted, LABEL)), " ".join(map(_quoted, SHOW))
    script = (
        f"mount -t tmpfs -o size=8m none {disk}; {label} {recipe} --out {disk}/out || exit 9; "
        f"rm {disk}/out/label/stage.json; mount -o remount,ro {disk}; "
        f"{show} {disk}/out/label/journal.sqlite --json > {tmp_path}/shown || exit 8; "
        f"{label} {recipe} --out {disk}/out"
    )
    done = alone(script)
    refused(done.returncode, done.stderr, "journal.sqlite.lock", "Read-only file system", "label.journal")
    assert json.loads((tmp_path / "shown").read_text())["n_answered"] == 1


def _quoted(text: str) -> str:
    return f"'{text}'"


def label_with_files_of_at_most(n_bytes: int, recipe: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    """Every write beyond a size fails, as it does on a full disk; needs no rights."""
    return subprocess.run(
        [*LABEL, str(recipe), *settings],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY)),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_a_table_that_does_not_fit_leaves_the_old_one_whole(tmp_path: Path) -> None:
    label_reports(study(tmp_path, SCRIPTED, TEXTS))
    labels = tmp_path / "out/label"
    old = {path.name: path.read_bytes() for path in labels.iterdir()}
    recipe = write_recipe(tmp_path, SCRIPTED, limit=3900)
    done = label_with_files_of_at_most(33_000, recipe)
    refused(done.returncode, done.stderr, "labels.", "cannot be written (File too large); the old file is unchanged")
    assert old["labels.csv"] == (labels / "labels.csv").read_bytes()
    assert old["manifest.json"] == (labels / "manifest.json").read_bytes()
    assert not list(labels.glob(".*"))
    assert label_reports(study(tmp_path, SCRIPTED, TEXTS)).summary["n_failed"] == 0
    assert all((labels / name).read_bytes() == old[name] for name in FILES)


def test_a_journal_that_cannot_grow_keeps_what_it_has(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", dict(list(TEXTS.items())[:300]))
    recipe = write_recipe(tmp_path, SCRIPTED)
    done = label_with_files_of_at_most(500_000, recipe)
    refused(done.returncode, done.stderr, "journal.sqlite", "what was stored before is kept")
    requests = label_reports(study(tmp_path, SCRIPTED, dict(list(TEXTS.items())[:300]))).summary["requests"]
    assert requests["from_journal"] > 10
    assert requests["asked"] + requests["from_journal"] == 300
