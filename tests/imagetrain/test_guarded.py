from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from dicom_files import nested, scene, write_dicom
from shapes import shapes_recipe, write_study

from imagetrain.radiographs.cache import MANIFEST, ImageFile, open_cache
from imagetrain.radiographs.dicom import NO_WINDOW
from imagetrain.radiographs.filling import build_cache
from imagetrain.radiographs.guarded import Failed, Limits, run_guarded
from imagetrain.radiographs.squares import Preprocessing
from imagetrain.run import run_cache
from radprompter.errors import ImageError, WriteError

TIGHT = Limits(memory_mib=3000, cpu_s=1, wall_s=4)
SQUARES = Preprocessing(32)


def results(tasks: list[dict[str, Any]], *, n_children: int = 1, limits: Limits = TIGHT) -> list[Any]:
    found = dict(run_guarded("troubled_tasks:do", tasks, n_children=n_children, limits=limits))
    return [found[place] for place in range(len(tasks))]


def test_children_live_on_over_many_tasks_and_all_are_done_once() -> None:
    found = results([{"what": "well", "number": number} for number in range(60)], n_children=3)
    assert [result["number"] for result in found] == list(range(60))
    assert len({result["process"] for result in found}) <= 3
    assert os.getpid() not in {result["process"] for result in found}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("crash", "died (SIGSEGV)"),
        ("exit", "died (exit code 3)"),
        ("raise", "reading it failed (KeyError)"),
        ("fill", "more than 3,000 MiB"),
        ("spin", "more than 1 s of processor time"),
        ("sleep", "more than 1.5 s"),
    ],
)
def test_a_task_that_ends_its_child_fails_alone(what: str, reason: str) -> None:
    limits = TIGHT._replace(wall_s=1.5) if what == "sleep" else TIGHT._replace(wall_s=120)
    before, bad, after = results([{"what": "well"}, {"what": what}, {"what": "well"}], limits=limits)
    assert isinstance(bad, Failed)
    assert reason in bad.reason
    assert before["process"] != after["process"]


def test_what_a_library_prints_is_no_answer() -> None:
    first, second = results([{"what": "print"}, {"what": "well", "number": 2}])
    assert first["process"] == second["process"]
    assert second["number"] == 2


def test_leaving_early_ends_the_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARTED", str(tmp_path / "started"))
    running = run_guarded("troubled_tasks:do", [{"what": "well"}, {"what": "wait"}, {"what": "well"}], n_children=1)
    _, result = next(running)
    wait_for(tmp_path / "started")
    started = time.monotonic()
    running.close()
    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        os.kill(result["process"], 0)


def test_what_goes_wrong_in_the_list_of_tasks_is_raised() -> None:
    def tasks() -> Any:
        yield {"what": "well"}
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(run_guarded("troubled_tasks:do", tasks(), n_children=2))


def wait_for(path: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not come"
        time.sleep(0.02)


def test_hostile_files_are_listed_and_the_others_are_cached(tmp_path: Path) -> None:
    write_dicom(tmp_path / "good.dcm", scene(), ViewPosition="PA", PixelSpacing=[0.2, 0.1], BurnedInAnnotation="YES")
    cv2.imwrite(str(tmp_path / "good.png"), np.rint(scene() * 255).astype(np.uint8))
    (tmp_path / "nested.dcm").write_bytes(nested(1000))
    (tmp_path / "cut.dcm").write_bytes((tmp_path / "good.dcm").read_bytes()[:900])
    (tmp_path / "empty.dcm").write_bytes(b"")
    with (tmp_path / "long.dcm").open("wb") as file:
        file.truncate(600 * 2**20)
    names = ["nested.dcm", "good.dcm", "cut.dcm", "empty.dcm", "long.dcm", "good.png"]
    images = [ImageFile(name, "ap", tmp_path / name) for name in names]
    cache = build_cache(images, tmp_path / "cache", preprocessing=SQUARES, bad_images="exclude", n_processes=1)
    reasons = {image.study_id: image.reason for image in cache.excluded}
    assert [image.study_id for image in cache.images] == ["good.dcm", "good.png"]
    assert "nested too deep" in reasons["nested.dcm"]
    assert "cannot be decoded" in reasons["cut.dcm"]
    assert "is empty" in reasons["empty.dcm"]
    assert "larger than" in reasons["long.dcm"]
    dicom, png = open_cache(tmp_path / "cache").images
    assert (dicom.tagged_view, dicom.spacing, len(dicom.warnings)) == ("pa", (0.2, 0.1), 1)
    assert (png.tagged_view, png.spacing, png.warnings) == (None, None, ())


def test_a_file_beyond_the_limits_is_refused_with_its_study(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "large.png"), rng.integers(0, 255, (9000, 9000), dtype=np.uint8))
    images = [ImageFile("s1", "ap", tmp_path / "large.png")]
    limits = Limits(memory_mib=600, cpu_s=60, wall_s=60)
    with pytest.raises(ImageError, match=r"large.png \(study s1\): .*(MiB of memory|cannot be decoded)"):
        build_cache(images, tmp_path / "cache", preprocessing=SQUARES, limits=limits)


FILL = """
import sys
from pathlib import Path
from imagetrain.radiographs import filling
from imagetrain.radiographs.cache import ImageFile
from imagetrain.radiographs.squares import Preprocessing
filling.SAVE_EVERY = 10
images = [ImageFile(path.stem, "ap", path) for path in sorted(Path(sys.argv[1]).glob("*.png"))]
filling.build_cache(images, Path(sys.argv[2]), preprocessing=Preprocessing(32), n_processes=1)
"""


def fill(folder: Path, into: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", FILL, folder, into], env=environment, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[ImageFile]:
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(0)
    for number in range(100):
        cv2.imwrite(str(folder / f"{number:03d}.png"), rng.integers(0, 255, (400, 400), dtype=np.uint8))
    return [ImageFile(path.stem, "ap", path) for path in sorted(folder.glob("*.png"))]


def test_a_killed_run_keeps_what_was_saved_and_goes_on(tmp_path: Path, many: list[ImageFile]) -> None:
    process = fill(many[0].path.parent, tmp_path / "cache")
    wait_for(tmp_path / "cache" / MANIFEST)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    saved = open_cache(tmp_path / "cache")
    assert 10 <= len(saved.images) < 100
    cache = build_cache(many, tmp_path / "cache", preprocessing=SQUARES)
    whole = build_cache(many, tmp_path / "whole", preprocessing=SQUARES)
    assert cache.n_read == 100 - len(saved.images)
    assert cache.hash == whole.hash
    for ours, theirs in zip(cache.images, whole.images, strict=True):
        assert np.array_equal(cache.pixels[ours.row], whole.pixels[theirs.row])


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path, many: list[ImageFile]) -> None:
    process = fill(many[0].path.parent, tmp_path / "cache")
    wait_for(tmp_path / "cache" / MANIFEST)
    with pytest.raises(WriteError, match=re.escape("another process is filling this cache, or uses it")):
        build_cache(many, tmp_path / "cache", preprocessing=SQUARES)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert len(open_cache(tmp_path / "cache").images) == 100


def test_other_preprocessing_forgets_what_it_is_about_to_overwrite(tmp_path: Path, many: list[ImageFile]) -> None:
    build_cache(many[:20], tmp_path / "cache", preprocessing=Preprocessing(64))
    process = fill(many[0].path.parent, tmp_path / "cache")
    wait_for(tmp_path / "cache" / "cache.lock")
    while process.poll() is None and (tmp_path / "cache" / MANIFEST).exists():
        time.sleep(0.005)
    process.kill()
    process.communicate()
    try:
        assert open_cache(tmp_path / "cache").preprocessing == SQUARES
    except ImageError:
        assert not (tmp_path / "cache" / MANIFEST).exists()


def test_the_summary_counts_what_was_read_and_what_is_odd(tmp_path: Path) -> None:
    write_study(tmp_path, n_patients=4)
    study = shapes_recipe(tmp_path)
    write_dicom(tmp_path / "images/odd.dcm", scene(), WindowCenter=2048, WindowWidth=0)
    table = pd.read_csv(tmp_path / "images.csv", dtype=str)
    table.loc[0, "file"] = "images/odd.dcm"
    table.to_csv(tmp_path / "images.csv", index=False)
    first, second = run_cache(study), run_cache(study)
    assert first["n_read"] == len(table)
    assert "a second" in first["line"]
    assert "1 images with warnings" in first["line"]
    assert list(first["warnings"].values()) == [[NO_WINDOW]]
    assert (second["n_read"], second["up_to_date"]) == (0, True)
    assert second["warnings"] == first["warnings"]
