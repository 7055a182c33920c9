"""The same picture of two patients, or nearly the same, in one part of a split or in two: found, told, refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import shapes_recipe, write_study

from imagetrain.radiographs.cache import CachedImage
from imagetrain.radiographs.squares import Preprocessing, make_square
from imagetrain.radiographs.thumbnails import Thumbnails, unpadded
from imagetrain.records import Split
from imagetrain.run import run_train
from imagetrain.targets.leakage import SIDE, Leakage, close_pairs, equal_pairs, find_leakage, refuse_leakage
from radprompter.errors import SplitError

ONE_RUN = {"epochs": 1, "runs": {"one": {}}}
SHAPE = Preprocessing(96)


def anatomy(seed: int, side: int = 300) -> np.ndarray:
    """A smooth picture of its own, with fine structure."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.random((9, 7)).astype(np.float32), (side * 3 // 4, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(255 * (0.8 * coarse + 0.1 * rng.random(coarse.shape)), 0, 255).astype(np.uint8)


def cached(pictures: list[np.ndarray]) -> tuple[list[CachedImage], np.ndarray]:
    """The cache of pictures of studies s0, s1, and so on."""
    squares = [make_square(picture, SHAPE) for picture in pictures]
    images = [
        CachedImage(
            study_id=f"s{row}",
            view="ap",
            file=f"{row}.png",
            row=row,
            sha256="",
            n_bytes=0,
            mtime_ns=0,
            height=picture.shape[0],
            width=picture.shape[1],
            spacing=None,
            tagged_view=None,
            pixels_hash=square.pixels_hash,
            difference_hash=square.difference_hash,
            warnings=(),
        )
        for row, (picture, square) in enumerate(zip(pictures, squares, strict=True))
    ]
    return images, np.stack([square.pixels for square in squares])


def found_in(pictures: list[np.ndarray], parts: list[str], patients: list[str] | None = None) -> Leakage:
    images, pixels = cached(pictures)
    ids = tuple(image.study_id for image in images)
    split = Split(ids, tuple(patients or ids), ("",) * len(ids), tuple(parts))
    return find_leakage(images, [split], Thumbnails(images, pixels, side=SIDE))


def test_the_same_pixels_in_two_parts_are_found_and_refused_by_name() -> None:
    pictures = [anatomy(seed) for seed in (1, 2, 1, 3)]
    found = found_in(pictures, ["train", "train", "test", "test"])
    assert (found.n_same_pixels, found.n_same_pixels_across, found.n_near_duplicates) == (1, 1, 0)
    with pytest.raises(SplitError, match=r"s0 and s2, in train and test\n(.|\n)*data\.split\.leakage: warn"):
        refuse_leakage(found)
    within = found_in(pictures, ["train", "test", "train", "test"])
    assert (within.n_same_pixels, within.n_same_pixels_across) == (1, 0)
    with pytest.raises(SplitError, match=r"under two patient ids, 0 of them in two parts(.|\n)*  s0 and s2\n"):
        refuse_leakage(within)


def test_a_patient_may_have_the_same_picture_twice() -> None:
    found = found_in([anatomy(1), anatomy(1), anatomy(2)], ["train", "train", "test"], ["p", "p", "q"])
    assert found.n_same_pixels == found.n_near_duplicates == 0
    assert found.line == "no picture of two patients among 3 images"
    refuse_leakage(found)


def changed(picture: np.ndarray, how: str) -> np.ndarray:
    if how == "saved as JPEG":
        return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_GRAYSCALE)
    if how == "half the size":
        return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    if how == "brighter":
        return np.rint(255 * (picture / 255) ** 0.8).astype(np.uint8)
    captioned = picture.copy()
    captioned[4:16, 4:60] = 255
    return captioned


@pytest.mark.parametrize("how", ["saved as JPEG", "half the size", "brighter", "with a caption"])
def test_pictures_that_were_changed_a_little_are_near_duplicates(how: str) -> None:
    pictures = [anatomy(seed) for seed in range(12)] + [changed(anatomy(5), how)]
    found = found_in(pictures, ["train"] * 12 + ["external"])
    assert found.n_same_pixels == 0
    assert [(pair.first, pair.second, pair.across) for pair in found.near_duplicates] == [("s5", "s12", True)]
    assert found.near_duplicates[0].correlation >= 0.95
    refuse_leakage(found)  # they only warn
    assert "1 nearly the same (1 in two parts)" in found.line


def test_different_pictures_are_not_near_duplicates() -> None:
    found = found_in([anatomy(seed, side=120) for seed in range(150)], ["train", "test"] * 75)
    assert found.n_near_duplicates == 0


def test_leaks_between_folds_count_as_across() -> None:
    images, pixels = cached([anatomy(1), anatomy(1), anatomy(2)])
    ids = ("s0", "s1", "s2")
    splits = [
        Split(ids, ids, ("",) * 3, ("train", "train", "test")),
        Split(ids, ids, ("",) * 3, ("train", "test", "train")),
    ]
    found = find_leakage(images, splits, Thumbnails(images, pixels, side=SIDE))
    assert found.same_pixels[0].parts == ("train", "test")
    assert found.n_same_pixels_across == 1
    assert Leakage.from_json(json.loads(json.dumps(found.to_json()))) == found


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2**12 - 1), st.integers(0, 4)), min_size=1, max_size=30), st.integers(0, 4))
def test_close_pairs_are_those_that_counting_bits_finds(found: list[tuple[int, int]], max_distance: int) -> None:
    hashes = np.array([value for value, _ in found], dtype=np.uint64)
    patients = np.array([patient for _, patient in found])
    expected = [
        (a, b, (found[a][0] ^ found[b][0]).bit_count())
        for a in range(len(found))
        for b in range(a + 1, len(found))
        if found[a][1] != found[b][1] and (found[a][0] ^ found[b][0]).bit_count() <= max_distance
    ]
    blocks = list(close_pairs(hashes, patients, max_distance=max_distance))
    assert sorted(map(tuple, np.concatenate(blocks).tolist())) == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20))
def test_of_equal_pictures_every_other_patient_is_paired(found: list[tuple[int, int]]) -> None:
    content, patients = (np.array(column) for column in zip(*found, strict=True))
    pairs = equal_pairs(content, patients)
    assert all(content[a] == content[b] and patients[a] != patients[b] and a < b for a, b in pairs)
    for value in set(content.tolist()):
        whose = patients[content == value]
        assert len([pair for pair in pairs if content[pair[0]] == value]) == int((whose != whose[0]).sum())


def test_padding_is_no_part_of_a_small_copy() -> None:
    (image,), pixels = cached([anatomy(1)])
    assert unpadded(pixels[0], image).shape == (96, 72)
    assert (np.delete(pixels[0], np.arange(12, 84), axis=1) == 0).all()


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_study(tmp_path / "study", n_patients=12, side=96)
    return tmp_path / "study"


def test_training_stops_at_the_same_pixels_of_two_patients_or_warns(study: Path) -> None:
    frame = pd.read_csv(study / "images.csv")
    frame.loc[(frame["study_id"] == "s010") & (frame["view"] == "ap"), "file"] = "images/s000_ap.png"
    frame.to_csv(study / "images.csv", index=False)
    with pytest.raises(SplitError, match=r"1 pairs of studies have the same pixels(.|\n)*s000 and s010"):
        run_train(shapes_recipe(study, train=ONE_RUN))
    report = json.loads((study / "out/train/leakage.json").read_text())
    assert [(pair["first"], pair["second"]) for pair in report["same_pixels"]] == [("s000", "s010")]
    assert not (study / "out/train/one").exists()
    data = {"split": {"external": ["beta"], "leakage": "warn"}}
    summary = run_train(shapes_recipe(study, data=data, train=ONE_RUN))
    assert "1 pairs with the same pixels" in summary["leakage"]
    assert run_train(shapes_recipe(study, data=data, train=ONE_RUN))["up_to_date"]


@pytest.mark.parametrize(
    ("folder", "n_near"),
    [
        ("nih_cxr14_subset", 0),
        ("covid_chestxray", 4),  # one patient, published twice under two ids
    ],
)
def test_of_real_radiographs_only_those_that_are_copies_are_found(shared: Path, folder: str, n_near: int) -> None:
    home = shared / "data/images" / folder
    table = pd.read_csv(home / "metadata.csv", dtype=str)
    pictures = [cv2.imread(str(home / file), cv2.IMREAD_GRAYSCALE) for file in table["image"]]
    found = found_in(pictures, ["train"] * len(table), list(table["patient_id"]))
    assert (found.n_same_pixels, found.n_near_duplicates) == (0, n_near)
    assert all(pair.correlation > 0.995 for pair in found.near_duplicates)
