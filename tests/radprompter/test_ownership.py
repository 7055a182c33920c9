"""A stage replaces its own files and no others: not those of another tool or study, nor what somebody has changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from radprompter.errors import InputError
from radprompter.ownership import refuse_to_replace, replacing

NAMES = ("labels.csv", "manifest.json")


def write(folder: Path, text: str = "1", *, study: str = "A") -> None:
    refuse_to_replace(folder, NAMES, study=study)
    with replacing(folder, NAMES, study=study):
        for name in NAMES:
            (folder / name).write_text(text)


def test_a_study_replaces_its_own_files_as_often_as_it_likes(tmp_path: Path) -> None:
    for text in "123":
        write(tmp_path, text)
    assert (tmp_path / "labels.csv").read_text() == "3"


def test_a_file_of_nobody_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("by hand")
    with pytest.raises(InputError, match=r"labels\.csv: is there already.* not written by this program.*--overwrite"):
        write(tmp_path)
    assert (tmp_path / "labels.csv").read_text() == "by hand"
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_files_of_another_study_are_not_replaced(tmp_path: Path) -> None:
    write(tmp_path, study="Chest, rules")
    with pytest.raises(InputError, match="the study 'Chest, rules' wrote it"):
        write(tmp_path, "2", study="Chest, vLLM")
    assert (tmp_path / "labels.csv").read_text() == "1"


def test_a_file_that_somebody_changed_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "labels.csv").write_text("corrected")
    with pytest.raises(InputError, match="changed after it was written"):
        write(tmp_path, "2")
    (tmp_path / "labels.csv").unlink()
    write(tmp_path, "2")
    assert (tmp_path / "labels.csv").read_text() == "2"


def test_a_link_that_leads_out_of_the_folder_is_not_written_through(tmp_path: Path) -> None:
    folder = tmp_path / "label"
    folder.mkdir()
    (folder / "labels.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(InputError, match="is there already"):
        write(folder)
    assert not (tmp_path / "elsewhere.csv").exists()


def test_a_file_that_was_not_written_this_time_is_nobodys(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with replacing(tmp_path, NAMES, study="A"):
        (tmp_path / "labels.csv").write_text("2")
    (tmp_path / "manifest.json").write_text("by hand")
    with pytest.raises(InputError, match=r"manifest\.json: is there already"):
        write(tmp_path, "3")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"study": "A"}', '{"study": "A", "files": 3}'])
def test_a_record_that_is_not_understood_makes_all_files_foreign(content: str, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "written.json").write_text(content)
    with pytest.raises(InputError, match="not written by this program"):
        write(tmp_path, "2")


def test_whoever_may_overwrite_does_not_ask_and_owns_the_files_then(tmp_path: Path) -> None:
    write(tmp_path, study="B")
    with replacing(tmp_path, NAMES, study="A"):
        (tmp_path / "labels.csv").write_text("new")
    write(tmp_path, "2", study="A")
    assert (tmp_path / "labels.csv").read_text() == "2"


def test_a_process_that_dies_while_it_writes_leaves_files_that_are_its_own(tmp_path: Path) -> None:
    write(tmp_path)
    dying = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom radprompter.ownership import replacing\n"
        "folder = Path(sys.argv[1])\n"
        "with replacing(folder, ('labels.csv', 'manifest.json'), study='A'):\n"
        "    (folder / 'labels.csv').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", dying, str(tmp_path)], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "labels.csv").read_text() == "half"
    write(tmp_path, "2")
    assert (tmp_path / "labels.csv").read_text() == "2"
