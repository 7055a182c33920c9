"""A recipe of several studies: each is run into a folder of its own, and all are understood before the first begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from radprompter.cli.app import app

STUDY = """
name: Study of the REGION
phantom: {regions: [REGION], patients: 8}
label:
  reports: {path: "{out}/phantom/REGION/reports.csv", id: study_id, language_column: language}
  region: REGION
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    for region in ("elbow", "thumb"):
        (tmp_path / f"{region}.yaml").write_text(STUDY.replace("REGION", region))
    path = tmp_path / "arm.yaml"
    path.write_text(
        f"name: Arm\nout: {tmp_path}/out\nstudies: {{Elbow: {tmp_path}/elbow.yaml, Thumb: {tmp_path}/thumb.yaml}}\n"
    )
    return path


def run(path: Path, *more: str):
    return CliRunner().invoke(app, ["run", str(path), *more])


def test_each_study_is_run_into_a_folder_of_its_own(recipe: Path):
    done = run(recipe, "--json")
    assert done.exit_code == 0, done.output
    summaries = json.loads(done.stdout.splitlines()[-1])
    assert {name: list(stages) for name, stages in summaries.items()} == {
        "Elbow": ["phantom", "label"],
        "Thumb": ["phantom", "label"],
    }
    for name in ("Elbow", "Thumb"):
        assert (recipe.parent / "out" / name / "label/labels.parquet").is_file()
    again = json.loads(run(recipe, "--json").stdout.splitlines()[-1])
    assert all(stage["up_to_date"] for stages in again.values() for stage in stages.values())


def test_a_setting_is_that_of_every_study(recipe: Path):
    done = run(recipe, "--json", "--set", "phantom.patients=9")
    assert done.exit_code == 0, done.output
    counts = [
        json.loads((recipe.parent / "out" / name / "phantom/study.json").read_text())["patients"]
        for name in ("Elbow", "Thumb")
    ]
    assert counts == [9, 9]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("thumb.yaml", "region: thumb", "region: toe"), "toe"),
        (("arm.yaml", "thumb.yaml", "absent.yaml"), "absent.yaml: no such file"),
        (("arm.yaml", "thumb.yaml", "arm.yaml"), "study 'Thumb' is itself a recipe of `studies`"),
        (("arm.yaml", "Thumb:", "../Thumb:"), "study '../Thumb': the name is also that of a folder"),
        (("arm.yaml", "name: Arm", "name: Arm\nphantom: {}"), "has no stages of its own; take phantom away"),
    ],
)
def test_what_is_wrong_with_the_last_study_shows_before_the_first_is_run(recipe: Path, change, words: str):
    file, old, new = change
    path = recipe.parent / file
    path.write_text(path.read_text().replace(old, new))
    done = run(recipe)
    assert done.exit_code == 2 and words in done.output, done.output
    assert not (recipe.parent / "out").exists()
