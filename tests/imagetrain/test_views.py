"""Which images are used as which view: names of views, repeated images, absent views."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dicom_files import scene, write_dicom
from shapes import prepared, shapes_recipe, write_study

from imagetrain.preparation import cache_images, open_images
from imagetrain.recipe import Images, StudyRecipe
from imagetrain.run import run_cache, run_train
from imagetrain.store import read_image_files, read_predictions
from radprompter.errors import ImageError

ONE_RUN = {"epochs": 1, "runs": {"one": {}}}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_study(tmp_path / "study", n_patients=12)
    return tmp_path / "study"


def edit(path: Path, change) -> None:
    change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)


def without(study: str, view: str):
    return lambda frame: frame[~((frame["study_id"] == study) & (frame["view"] == view))]


def repeat_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Give s000 a second ap image: that of s001."""
    return pd.concat([frame, pd.DataFrame([{"study_id": "s000", "view": "ap", "file": "images/s001_ap.png"}])])


def test_words_of_a_table_become_the_recipes_views(tmp_path: Path) -> None:
    path = tmp_path / "images.csv"
    path.write_text("study_id,view,file\n1,PA,a.png\n1,LL,b.png\n1,swimmer,c.png\n2,AP,d.png\n2,Lateral,e.png\n")
    recipe = Images(path=path, view_names={"pa": "frontal", "AP": "frontal", "LL": "lateral"})
    images = read_image_files(recipe, ("frontal", "lateral"))
    assert [(image.study_id, image.view, image.path.name) for image in images] == [
        ("1", "frontal", "a.png"),
        ("1", "lateral", "b.png"),
        ("2", "frontal", "d.png"),
        ("2", "lateral", "e.png"),
    ]


def test_a_row_that_stands_twice_is_one_image(tmp_path: Path) -> None:
    path = tmp_path / "images.csv"
    path.write_text("study_id,view,file\n1,ap,a.png\n1,ap,b.png\n1,ap,a.png\n")
    assert [image.path.name for image in read_image_files(Images(path=path), ("ap",))] == ["a.png", "b.png"]


def test_of_several_images_the_first_is_used_and_the_others_are_listed(study: Path) -> None:
    edit(study / "images.csv", repeat_first)
    summary = run_cache(shapes_recipe(study))
    assert summary["n_images"] == 48
    assert summary["unused"] == {str(study / "images/s001_ap.png"): "a second ap image"}
    assert summary["line"].endswith("; 1 images not used")
    assert run_cache(shapes_recipe(study))["up_to_date"]


def test_all_images_of_a_view_are_kept_where_the_recipe_says_so(study: Path) -> None:
    edit(study / "images.csv", repeat_first)
    images = {"path": study / "images.csv", "several": "all"}
    found = prepared(shapes_recipe(study, data={"images": images}, train=ONE_RUN))
    assert found.rows.shape == (24, 2, 2)
    assert (found.rows[:, :, 0] >= 0).all()
    place = found.split.study_ids.index("s000")
    assert found.rows[place, 0, 1] >= 0
    assert (found.rows[:, :, 1] >= 0).sum() == 1
    run_train(shapes_recipe(study, data={"images": images}, train=ONE_RUN))
    predictions = read_predictions(study / "out/train/one/predictions.parquet")
    assert np.isfinite(predictions.logits).all()


@pytest.mark.parametrize("missing_views", ["embed", "mask"])
def test_studies_without_a_view_are_used_where_the_network_can_do_without(study: Path, missing_views: str) -> None:
    for gone in ("s000", "s001"):
        edit(study / "images.csv", without(gone, "lateral"))
    edit(study / "images.csv", without("s001", "ap"))
    recipe = shapes_recipe(study, data={"missing_views": missing_views}, train=ONE_RUN)
    assert run_cache(recipe)["incomplete"] == {}  # nothing is known of a study without images
    summary = run_train(recipe)
    assert summary["runs"]["one"]["excluded"] == {"s001": "no images"}
    predictions = read_predictions(study / "out/train/one/predictions.parquet")
    assert "s000" in predictions.study_ids
    assert np.isfinite(predictions.logits).all()


def test_a_damaged_image_is_an_absent_view(study: Path) -> None:
    (study / "images/s002_lateral.png").write_bytes(b"no image")
    (study / "images/s003_ap.png").write_bytes(b"no image")
    (study / "images/s003_lateral.png").write_bytes(b"no image")
    data = {"bad_images": "exclude", "missing_views": "mask"}
    found = prepared(shapes_recipe(study, data=data, train=ONE_RUN))
    place = found.split.study_ids.index("s002")
    assert (found.rows[place, :, 0] >= 0).tolist() == [True, False]
    assert list(found.excluded) == ["s003"]
    assert "cannot be decoded" in found.excluded["s003"]
    assert "cannot be decoded" in found.unused[str(study / "images/s002_lateral.png")]
    assert list(prepared(shapes_recipe(study, data={"bad_images": "exclude"}, train=ONE_RUN)).excluded) == [
        "s002",
        "s003",
    ]


def dicom_study(folder: Path, positions: list[tuple[str, str | None]]) -> StudyRecipe:
    """A recipe on DICOM files, each of a study and with a ViewPosition; the table does not say views."""
    write_study(folder, n_patients=12)
    rows = []
    for number, (study, position) in enumerate(positions):
        tags = {} if position is None else {"ViewPosition": position}
        write_dicom(folder / f"{number}.dcm", scene(70 + number, 60), **tags)
        rows.append({"study_id": study, "file": f"{number}.dcm"})
    pd.DataFrame(rows).to_csv(folder / "images.csv", index=False)
    images = {"path": folder / "images.csv", "view_from": "dicom", "view_names": {"PA": "frontal", "AP": "frontal"}}
    return shapes_recipe(folder, data={"images": images, "views": ["frontal", "lateral"]})


def test_views_are_taken_from_the_tags_of_dicom_files(tmp_path: Path) -> None:
    tagged = [("s000", "PA"), ("s000", "LL"), ("s000", "AP"), ("s001", "AP"), ("s001", None), ("s002", "LLO")]
    data = dicom_study(tmp_path / "study", tagged).need_data()
    cache = cache_images(data.images, data.views, tmp_path / "cache", data=data)
    assert [(image.study_id, image.view, Path(image.file).stem) for image in cache.images] == [
        ("s000", "frontal", "0"),
        ("s000", "lateral", "1"),
        ("s001", "frontal", "3"),
    ]
    assert {Path(image.file).stem: image.reason for image in cache.unused} == {
        "2": "a second frontal image",
        "4": "no tag says its view",
        "5": "its tags say oblique, which is not in data.views",
    }
    assert cache.incomplete(data.views) == {"s001": "no lateral image"}
    assert open_images(data.images, data.views, tmp_path / "cache") == replace(cache, n_read=0)
    again = cache_images(data.images, data.views, tmp_path / "cache", data=data)
    assert (again.n_read, again.images) == (0, cache.images)


def test_views_that_no_tag_says_are_refused_with_what_the_tags_say(tmp_path: Path) -> None:
    data = dicom_study(tmp_path / "study", [("s000", "PA"), ("s001", None)]).need_data()
    with pytest.raises(ImageError, match=r"no image has tags that say view 'lateral'; they say: pa \(1\), none \(1\)"):
        cache_images(data.images, data.views, tmp_path / "cache", data=data)
