from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from imagetrain.radiographs.cache import MANIFEST, PIXELS, ImageFile, open_cache
from imagetrain.radiographs.filling import build_cache
from imagetrain.radiographs.images import read_radiograph
from imagetrain.radiographs.squares import Preprocessing, to_square
from radprompter.errors import ImageError
from radprompter.files import read_json, write_json

SQUARES = Preprocessing(32)


def write_images(folder: Path, n: int = 6, *, views: tuple[str, ...] = ("ap",)) -> list[ImageFile]:
    """Images that differ in content, size and bit depth."""
    folder.mkdir(exist_ok=True)
    images = []
    for number in range(n):
        for view in views:
            rng = np.random.default_rng([number, len(view)])
            depth, dtype = (255, np.uint8) if number % 2 else (65535, np.uint16)
            path = folder / f"s{number}_{view}.png"
            cv2.imwrite(str(path), (rng.random((40 + number, 50 - number)) * depth).astype(dtype))
            images.append(ImageFile(f"s{number}", view, path))
    return images


class Counted:
    """A `Track` that counts what was read."""

    n = 0

    def __call__(self, items, description, total=None):
        for item in items:
            self.n += 1
            yield item


def test_each_row_is_the_square_of_its_file(tmp_path: Path) -> None:
    images = write_images(tmp_path / "in", views=("ap", "lateral"))
    cache = build_cache(images, tmp_path / "cache", preprocessing=SQUARES)
    pixels = cache.pixels
    assert pixels.shape == (12, 32, 32)
    assert pixels.dtype == np.uint8
    assert (tmp_path / "cache" / PIXELS).stat().st_size == 12 * 32 * 32
    paths = {(image.study_id, image.view): image.path for image in images}
    rows = cache.rows(("lateral", "ap"))
    for study, ((lateral,), (ap,)) in rows.items():
        for view, row in (("lateral", lateral), ("ap", ap)):
            expected = to_square(read_radiograph(paths[study, view]).pixels, SQUARES)
            assert np.array_equal(pixels[row], expected)
    assert list(rows) == [f"s{i}" for i in range(6)]


def test_what_is_cached_is_not_read_again(tmp_path: Path) -> None:
    images = write_images(tmp_path / "in")
    first, second, third = Counted(), Counted(), Counted()
    build_cache(images, tmp_path / "cache", preprocessing=SQUARES, track=first)
    cache = build_cache(images, tmp_path / "cache", preprocessing=SQUARES, track=second)
    assert (first.n, second.n) == (6, 0)
    cv2.imwrite(str(images[2].path), np.eye(40, dtype=np.uint8) * 9)
    changed = build_cache(images, tmp_path / "cache", preprocessing=SQUARES, track=third)
    assert third.n == 1
    assert changed.hash != cache.hash
    row = changed.rows(("ap",))["s2"][0][0]
    assert np.array_equal(changed.pixels[row], to_square(read_radiograph(images[2].path).pixels, SQUARES))


def test_touching_a_file_does_not_change_the_hash_and_adds_no_row(tmp_path: Path) -> None:
    images = write_images(tmp_path / "in")
    cache = build_cache(images, tmp_path / "cache", preprocessing=SQUARES)
    os.utime(images[0].path, ns=(1, 1))
    again = build_cache(images, tmp_path / "cache", preprocessing=SQUARES)
    assert again.hash == cache.hash
    assert again.n_rows == cache.n_rows


def test_a_killed_run_goes_on_where_its_manifest_ends(tmp_path: Path) -> None:
    images = write_images(tmp_path / "in")
    whole = build_cache(images, tmp_path / "whole", preprocessing=SQUARES, n_processes=1)
    build_cache(images[:4], tmp_path / "cache", preprocessing=SQUARES, n_processes=1)
    with (tmp_path / "cache" / PIXELS).open("ab") as file:  # rows that the manifest does not know yet
        file.write(b"\xff" * 1500)
    track = Counted()
    cache = build_cache(images, tmp_path / "cache", preprocessing=SQUARES, n_processes=1, track=track)
    assert track.n == 2
    assert cache.hash == whole.hash
    for ours, theirs in zip(cache.images, whole.images, strict=True):  # rows stand in the order of reading
        assert np.array_equal(cache.pixels[ours.row], whole.pixels[theirs.row])


def test_other_preprocessing_starts_anew(tmp_path: Path) -> None:
    images = write_images(tmp_path / "in")
    one = build_cache(images, tmp_path / "cache", preprocessing=SQUARES)
    other = build_cache(images, tmp_path / "cache", preprocessing=Preprocessing(32, equalise=False))
    assert other.n_rows == 6
    assert other.hash != one.hash


def test_absent_files_are_named_before_anything_is_read(tmp_path: Path) -> None:
    images = write_images(tmp_path / "in", 9)
    for image in images[:7]:
        image.path.unlink()
    track = Counted()
    with pytest.raises(ImageError) as caught:
        build_cache(images, tmp_path / "cache", preprocessing=SQUARES, track=track)
    lines = str(caught.value).splitlines()
    assert track.n == 0
    assert lines[0].endswith("s0_ap.png (study s0): no such image file")
    assert len(lines) == 7
    assert lines[5] == "and 2 more"
    assert "bad_images: exclude" in lines[6]


def test_unreadable_files_are_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    images = write_images(tmp_path / "in")
    good = images[3].path.read_bytes()
    images[3].path.write_bytes(b"broken")
    with pytest.raises(ImageError, match=r"s3_ap.png \(study s3\): the image cannot be decoded"):
        build_cache(images, tmp_path / "cache", preprocessing=SQUARES)
    images[3].path.write_bytes(good)
    track = Counted()
    assert len(build_cache(images, tmp_path / "cache", preprocessing=SQUARES, track=track).images) == 6
    assert track.n == 1


def test_excluded_files_are_listed_with_their_reason(tmp_path: Path) -> None:
    images = write_images(tmp_path / "in", views=("ap", "lateral"))
    images[1].path.write_bytes(b"")
    images[2].path.unlink()
    cache = build_cache(images[:-1], tmp_path / "cache", preprocessing=SQUARES, bad_images="exclude")
    reasons = cache.incomplete(("ap", "lateral"))
    whole = {study for study, rows in cache.rows(("ap", "lateral")).items() if all(rows)}
    assert whole == {"s2", "s3", "s4"}
    assert "is empty" in reasons["s0"]
    assert "no such image file" in reasons["s1"]
    assert reasons["s5"] == "no lateral image"
    assert len(cache.excluded) == 2


def test_a_cache_without_any_image_is_refused(tmp_path: Path) -> None:
    images = [ImageFile("s0", "ap", tmp_path / "absent.png")]
    with pytest.raises(ImageError, match="none of the 1 images"):
        build_cache(images, tmp_path / "cache", preprocessing=SQUARES, bad_images="exclude")


@pytest.mark.parametrize("damage", ["absent", "torn", "older", "short"])
def test_a_damaged_cache_is_not_opened_but_built_again(tmp_path: Path, damage: str) -> None:
    images = write_images(tmp_path / "in")
    folder = tmp_path / "cache"
    whole = build_cache(images, folder, preprocessing=SQUARES)
    assert open_cache(folder).hash == whole.hash
    manifest = folder / MANIFEST
    if damage == "absent":
        manifest.unlink()
    elif damage == "torn":
        manifest.write_text(manifest.read_text()[:100])
    elif damage == "older":
        write_json(manifest, {**read_json(manifest), "format": 0})
    else:
        os.truncate(folder / PIXELS, 100)
    with pytest.raises(ImageError, match="no usable pixel cache"):
        open_cache(folder)
    assert build_cache(images, folder, preprocessing=SQUARES).hash == whole.hash


def test_several_images_of_a_view_are_kept_apart_in_the_order_of_the_table(tmp_path: Path) -> None:
    a, b, c = (image.path for image in write_images(tmp_path / "in", 3))
    images = [ImageFile("s0", "ap", b), ImageFile("s0", "ap", a), ImageFile("s1", "lateral", c)]
    cache = build_cache(images, tmp_path / "cache", preprocessing=SQUARES)
    rows = {image.file: image.row for image in cache.images}
    assert cache.rows(("ap", "lateral")) == {"s0": ((rows[str(b)], rows[str(a)]), ()), "s1": ((), (rows[str(c)],))}
    assert cache.incomplete(("ap", "lateral")) == {"s0": "no lateral image", "s1": "no ap image"}
