"""Which images are used as which view: names of views, repeated images, absent views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shapes import shapes_recipe, write_study

from imagetrain.preparation import Prepared, cache_images, prepare
from imagetrain.recipe import Images, StudyRecipe
from imagetrain.run import run_cache, run_train
from imagetrain.store import read_image_files, read_predictions

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


def prepared(recipe: StudyRecipe) -> Prepared:
    data = recipe.need_data()
    cache = cache_images(data.images, data.views, recipe.out / "cache", data=data)
    (found,) = prepare(data, recipe.need_train(), cache)
    return found


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
