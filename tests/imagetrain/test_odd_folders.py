"""Folders as they are found: odd files to predict, former results, other processes, damaged cards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from dicom_files import scene, write_dicom
from safetensors import safe_open
from safetensors.numpy import save_file
from shapes import shapes_recipe, write_study

from imagetrain.locks import in_use, locked
from imagetrain.prediction import predict_folder
from imagetrain.radiographs.folders import find_images
from imagetrain.recipe import StudyRecipe
from imagetrain.run import run_cache, run_train
from imagetrain.salience import run_saliency
from imagetrain.store import CARD
from radprompter.errors import ImageError, InputError, WriteError

SPLIT = {"external": ["beta"]}
NAME = "HOUSE^GREGORY"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, n_patients=12, views=("ap",))
    run_train(recipe_of(folder))
    return folder


def recipe_of(folder: Path, **data: object) -> StudyRecipe:
    settings = {"runs": {"one": {}}, "epochs": 1}
    return shapes_recipe(folder, data={"views": ["ap"], "split": SPLIT, **data}, train=settings)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), (255 * scene()).astype(np.uint8))


def test_what_a_folder_has_beside_radiographs_is_listed_and_nothing_counts_twice(tmp_path: Path) -> None:
    folder, study = tmp_path / "new", "1.2.3"
    picture(folder / "x.jpg")
    picture(folder / "x.png")
    picture(folder / "deep/x.png")
    picture(folder / "y_ap.tif")
    (folder / "link.png").symlink_to("x.png")
    (folder / "elsewhere").symlink_to("/etc")
    os.mkfifo(folder / "pipe.png")
    (folder / "note.txt").write_text("no image")
    for name, view in (("a.dcm", "AP"), ("copy of a.dcm", "AP"), ("lateral.dcm", "LL")):
        write_dicom(folder / name, scene(), StudyInstanceUID=study, ViewPosition=view, PatientName=NAME)
    write_dicom(folder / "unknown.dcm", scene(), PatientName=NAME, PatientID=NAME)
    found = find_images(folder, ["ap"])
    assert [(image.study_id, image.path.name) for image in found.images] == [
        ("1.2.3", "a.dcm"),
        ("deep/x", "x.png"),
        ("x", "x.jpg"),
        ("y", "y_ap.tif"),
    ]
    assert {image.file: image.reason for image in found.left_out} == {
        "copy of a.dcm": "has the same SOPInstanceUID as a.dcm",
        "elsewhere": "a symbolic link, which is not followed",
        "lateral.dcm": "view lateral is not asked for",
        "link.png": "a symbolic link, which is not followed",
        "note.txt": "neither DICOM nor PNG, JPEG or TIFF",
        "unknown.dcm": "no StudyInstanceUID",
        "x.png": "but for its ending, has the name of x.jpg",
    }
    assert "HOUSE" not in repr(found)


def test_a_file_whose_name_is_not_utf_8_is_left_out_and_the_others_are_predicted(trained: Path, tmp_path: Path) -> None:
    picture(tmp_path / "new/x.png")
    (tmp_path / "new" / os.fsdecode(b"M\xfcller.png")).write_bytes((tmp_path / "new/x.png").read_bytes())
    model = trained / "out/train/one/model.safetensors"
    summary = predict_folder(model, tmp_path / "new", tmp_path / "out", device="cpu", hash_ids=True)
    assert (summary["n_studies"], list(summary["left_out"].values())) == (1, ["its name is not UTF-8; rename it"])
    assert json.dumps(summary)


def test_no_study_that_can_be_predicted_is_an_error_and_not_an_empty_table(tmp_path: Path) -> None:
    write_study(tmp_path, n_patients=9)
    run_train(shapes_recipe(tmp_path, train={"runs": {"one": {}}, "epochs": 1}))
    picture(tmp_path / "new/s_ap.png")
    with pytest.raises(InputError, match=r"none of the 1 studies can be predicted; the first, s: no lateral image"):
        predict_folder(tmp_path / "out/train/one/model.safetensors", tmp_path / "new", tmp_path / "p", device="cpu")
    assert not (tmp_path / "p/predictions.csv").exists()


def test_logits_that_are_no_numbers_are_not_called_negative(trained: Path, tmp_path: Path) -> None:
    model = copied(trained, tmp_path / "nan.safetensors", broken=True)
    with pytest.raises(InputError, match=r"logits that are no numbers: the weights of 'one' are damaged"):
        predict_folder(model, trained / "images", tmp_path / "out", device="cpu")
    assert not (tmp_path / "out/predictions.csv").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"size": "32"}, "the size of its card cannot be right"),
        ({"size": 10_000_000}, "the size of its card cannot be right"),
        ({"equalise": "no"}, "the equalise of its card cannot be right"),
        ({"model": 5}, "the model of its card cannot be right"),
        ({"findings": ["disc", "disc", "bar", "frame"]}, "the findings of its card cannot be right"),
        ({"thresholds": {}}, "the thresholds of its card cannot be right"),
        ({"label_schema": "{"}, "the label_schema of its card cannot be right"),
        ({"novelty": 1}, "its card has 'novelty', which is not known; is it of a newer version"),
        ({"layout": {"channels": 7}}, "a layout that is not known: channels"),
        ({"layout": {"missing_views": "guess"}}, "a layout that is not known: missing_views"),
        ({"model": "nope"}, r"card.safetensors: .*has no model 'nope'"),
    ],
)
def test_a_card_that_cannot_be_right_is_refused_by_its_field(
    trained: Path, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    model = copied(trained, tmp_path / "card.safetensors", **changed)
    with pytest.raises(InputError, match=message):
        predict_folder(model, trained / "images", tmp_path / "out", device="cpu")


def copied(trained: Path, to: Path, *, broken: bool = False, **card: object) -> Path:
    """The classifier with another card, or with weights that are no numbers."""
    with safe_open(trained / "out/train/one/model.safetensors", "numpy") as file:
        described = json.loads(file.metadata()[CARD])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    if broken:
        weights["head.weight"] = np.full_like(weights["head.weight"], np.nan)
    save_file(weights, to, {CARD: json.dumps(described | card)})
    return to


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_networks_of_other_folds_do_not_stay_beside_those_of_the_recipe(tmp_path: Path) -> None:
    write_study(tmp_path, n_patients=15, views=("ap",))
    run = tmp_path / "out/train/one"
    run_train(recipe_of(tmp_path))
    whole = files_of(run)
    for n_folds in (3, 2):
        run_train(recipe_of(tmp_path, split={**SPLIT, "folds": n_folds}))
        shared = {"manifest.json", "predictions.parquet", "stage.json", "train.lock"}
        assert files_of(run) == shared | {f"fold{fold}/{name}" for fold in range(1, n_folds + 1) for name in whole}
    (run / "fold2/notes.txt").write_text("mine")
    run_train(recipe_of(tmp_path))
    assert files_of(run) == whole | {"fold2/notes.txt"}
    assert run_train(recipe_of(tmp_path))["up_to_date"]


def test_a_run_that_another_process_trains_is_left_to_it(trained: Path) -> None:
    recipe = recipe_of(trained)
    other = recipe.model_copy(update={"train": recipe.need_train().model_copy(update={"seed": 5})})
    before = (trained / "out/train/one/model.safetensors").read_bytes()
    with (
        locked(trained / "out/train/one/train.lock", "is training this run"),
        pytest.raises(WriteError, match=r"train.lock: another process is training this run; wait until it is done"),
    ):
        run_train(other)
    assert (trained / "out/train/one/model.safetensors").read_bytes() == before


def test_a_cache_that_is_trained_from_is_not_filled_anew(tmp_path: Path) -> None:
    write_study(tmp_path, n_patients=5, views=("ap",))
    run_cache(recipe_of(tmp_path))
    pixels = (tmp_path / "out/cache/pixels.u8").read_bytes()
    with in_use(tmp_path / "out/cache/cache.lock"):
        with in_use(tmp_path / "out/cache/cache.lock"):  # several may use it
            assert run_cache(recipe_of(tmp_path))["up_to_date"]
        with pytest.raises(WriteError, match=r"another process is filling this cache, or uses it"):
            run_cache(recipe_of(tmp_path, size=48))
    assert (tmp_path / "out/cache/pixels.u8").read_bytes() == pixels
    run_cache(recipe_of(tmp_path, size=48))


def test_maps_are_drawn_only_of_images_that_the_run_was_trained_on(trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "study"
    write_study(copy, n_patients=12, views=("ap",))
    run_train(recipe_of(copy))
    images = pd.read_csv(copy / "images.csv")
    images[images.study_id != "s001"].to_csv(copy / "fewer.csv", index=False)
    fewer = recipe_of(copy, images={"path": copy / "fewer.csv"})
    run_cache(fewer)
    with pytest.raises(InputError, match=r"no longer has the images of 1 of the studies, such as 's001'"):
        run_saliency(fewer, finding="disc", studies=["s001"])
    run_cache(recipe_of(copy, size=48))
    with pytest.raises(InputError, match=r"holds images of other settings than the run was trained with"):
        run_saliency(recipe_of(copy, size=48), finding="disc", n=1)


def test_a_finding_with_a_path_for_a_name_is_drawn_inside_the_folder(tmp_path: Path) -> None:
    write_study(tmp_path, n_patients=12, views=("ap",))
    labels = pd.DataFrame({"study_id": [f"s{number:03d}" for number in range(24)], "../../disc": [1, 0] * 12})
    labels.to_csv(tmp_path / "own.csv", index=False)
    recipe = recipe_of(tmp_path, labels=tmp_path / "own.csv", findings=["../../disc"])
    run_train(recipe)
    folder = Path(run_saliency(recipe, finding="../../disc", n=1)["folder"])
    assert folder.resolve().parent == (tmp_path / "out/saliency/one").resolve()
    assert (folder / "saliency.html").is_file()


def test_an_empty_folder_says_that_it_is_empty(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no image of view ap; it has no files"):
        predict_folder(trained / "out/train/one/model.safetensors", tmp_path, tmp_path / "out", device="cpu")
