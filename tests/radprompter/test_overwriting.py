"""Labels are not written over what this study did not write, before anything is asked; unless the user says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_study import ANSWER, study, write_recipe, write_reports
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.errors import InputError
from radprompter.run import label_reports

SCRIPTED = {"name": "scripted", "default": ANSWER}
TEXTS = {"r1": "Words.", "r2": "Other words."}


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet", "failures.csv", "attributes.csv", "manifest.json"])
def test_a_file_of_another_program_is_kept_and_nothing_is_asked(name: str, tmp_path: Path) -> None:
    labels = tmp_path / "out/label"
    labels.mkdir(parents=True)
    (labels / name).write_text("of another program")
    with pytest.raises(InputError, match=rf"{name}: is there already, and it was not written by this program"):
        label_reports(study(tmp_path, SCRIPTED, TEXTS))
    assert [path.name for path in labels.iterdir()] == [name]
    assert (labels / name).read_text() == "of another program"


def test_labels_of_another_study_in_the_same_folder_are_kept(tmp_path: Path) -> None:
    label_reports(study(tmp_path, SCRIPTED, TEXTS))
    before = (tmp_path / "out/label/labels.parquet").read_bytes()
    other = study(tmp_path, SCRIPTED, TEXTS, limit=1).model_copy(update={"name": "another"})
    with pytest.raises(InputError, match="the study 'wrist' wrote it"):
        label_reports(other)
    assert (tmp_path / "out/label/labels.parquet").read_bytes() == before
    assert len(label_reports(other, overwrite=True).table) == 1


def test_labels_that_somebody_corrected_are_kept(tmp_path: Path) -> None:
    label_reports(study(tmp_path, SCRIPTED, TEXTS))
    table = tmp_path / "out/label/labels.csv"
    table.write_text(table.read_text().replace("r1,1", "r1,0"))
    with pytest.raises(InputError, match=r"labels\.csv: is there already, and it was changed after it was written"):
        label_reports(study(tmp_path, SCRIPTED, TEXTS))
    assert "r1,0" in table.read_text()


def test_the_same_study_with_other_settings_replaces_its_own_labels(tmp_path: Path) -> None:
    for limit in (1, 2, 1):
        assert len(label_reports(study(tmp_path, SCRIPTED, TEXTS, limit=limit)).table) == limit


def test_a_run_with_failed_requests_is_gone_on_with_as_before(tmp_path: Path) -> None:
    failing = {"name": "scripted", "answers": {"r1": {"failure": "timeout"}}, "default": ANSWER}
    assert label_reports(study(tmp_path, failing, TEXTS)).summary["n_failed"] == 1
    assert not (tmp_path / "out/label/stage.json").exists()
    assert label_reports(study(tmp_path, SCRIPTED, TEXTS)).summary["n_failed"] == 0


def test_the_command_has_an_option_to_overwrite(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    recipe = str(write_recipe(tmp_path, SCRIPTED))
    labels = tmp_path / "out/label"
    labels.mkdir(parents=True)
    (labels / "labels.csv").write_text("of another program")
    refused = CliRunner().invoke(app, ["label", recipe])
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert CliRunner().invoke(app, ["label", recipe, "--overwrite"]).exit_code == 0
    assert (labels / "labels.csv").read_text().startswith("report_id,")
    assert CliRunner().invoke(app, ["label", recipe]).exit_code == 0
