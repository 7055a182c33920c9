"""The pixel cache: every radiograph at the training size, once, as uint8 in one memory-mapped file.

``pixels.u8`` holds ``(n_rows, size, size)`` bytes; ``manifest.json`` says which row is which image. Rows are only ever
added, and the manifest is written after them, so that a killed run goes on where it stopped. An image is read again
only if its size or time has changed, and put in again only if its content has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.squares import Preprocessing
from radprompter.errors import ImageError
from radprompter.files import digest, read_json, write_json

PIXELS, MANIFEST = "pixels.u8", "manifest.json"
FORMAT = 3  # raised when the same settings would give other pixels


Name = tuple[str, str, str]
"""Study, view and file: what an image of the cache is known by."""


class ImageFile(NamedTuple):
    """One image of a study, as the table of images names it."""

    study_id: str
    view: str
    path: Path


@dataclass(frozen=True, slots=True)
class CachedImage:
    """One row of the cache and the file that it was made from."""

    study_id: str
    view: str
    file: str
    row: int
    sha256: str
    n_bytes: int
    mtime_ns: int
    height: int  # pixels of the file
    width: int
    spacing: tuple[float, float] | None  # mm from row to row and from column to column, as the file says
    tagged_view: str | None  # `tags.view_of` of a DICOM file
    pixels_hash: str  # of the square before equalisation: equal for the same pixels in another file or format
    difference_hash: str  # 64 bits in hexadecimal, few of which differ where pictures look alike
    warnings: tuple[str, ...]  # what should be looked at, although the image is used


@dataclass(frozen=True, slots=True)
class ExcludedImage:
    """An image that could not be used, and why."""

    study_id: str
    view: str
    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class PixelCache:
    """Cached images, by study, view and file.

    Parameters
    ----------
    images:
        In the order of the table of images.
    excluded:
        Images that could not be used.
    unused:
        Images that could be, but that the recipe does not ask for.
    n_read:
        Files that were read to bring the cache up to date.
    """

    folder: Path
    preprocessing: Preprocessing
    n_rows: int
    images: tuple[CachedImage, ...]
    excluded: tuple[ExcludedImage, ...]
    unused: tuple[ExcludedImage, ...] = ()
    n_read: int = 0

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The memory-mapped pixels, read-only, ``(n_rows, size, size)``."""
        side = self.preprocessing.size
        return np.memmap(self.folder / PIXELS, dtype=np.uint8, mode="r", shape=(self.n_rows, side, side))

    @property
    def hash(self) -> str:
        """Changes when the pixels do, but not when a file is merely touched or moved."""
        images = sorted((image.study_id, image.view, image.sha256) for image in self.images)
        return digest([_key(self.preprocessing), images])

    def rows(self, views: Sequence[str]) -> dict[str, tuple[tuple[int, ...], ...]]:
        """Study id -> the rows of each view, in the order of the table, for studies that have any of the views.

        A view of which a study has no image has no rows.
        """
        found: dict[str, dict[str, list[int]]] = {}
        for image in self.images:
            if image.view in views:
                found.setdefault(image.study_id, {}).setdefault(image.view, []).append(image.row)
        return {study: tuple(tuple(rows.get(view, ())) for view in views) for study, rows in found.items()}

    def incomplete(self, views: Sequence[str]) -> dict[str, str]:
        """Study id -> why it cannot be used, for the studies that lack a view."""
        found: dict[str, set[str]] = {}
        bad: dict[tuple[str, str], list[str]] = {}
        for image in self.images:
            found.setdefault(image.study_id, set()).add(image.view)
        for excluded in self.excluded:
            found.setdefault(excluded.study_id, set())
            bad.setdefault((excluded.study_id, excluded.view), []).append(excluded.reason)
        reasons = {}
        for study, present in found.items():
            if missing := [view for view in views if view not in present]:
                known = [reason for view in (*missing, "") for reason in bad.get((study, view), ())]
                reasons[study] = "; ".join(known) or f"no {' and no '.join(missing)} image"
        return reasons


def open_cache(folder: Path) -> PixelCache:
    """The cache that is in a folder.

    Raises
    ------
    ImageError
        If there is none, or it is damaged.
    """
    try:
        data = read_json(folder / MANIFEST)
        preprocessing = Preprocessing(**data["preprocessing"])
        images = tuple(cached_image(facts) for facts in data["images"])
        excluded = tuple(ExcludedImage(**image) for image in data["excluded"])
        n_rows = int(data["n_rows"])
        whole = data["format"] == FORMAT and (folder / PIXELS).stat().st_size >= n_rows * preprocessing.size**2
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ImageError(f"{folder}: no usable pixel cache; write it with `imagetrain cache`")
    return PixelCache(folder, preprocessing, n_rows, images, excluded)


def cached_image(facts: dict[str, Any]) -> CachedImage:
    """An image from its fields as JSON has them."""
    spacing = facts["spacing"] and (facts["spacing"][0], facts["spacing"][1])
    return CachedImage(**facts | {"spacing": spacing, "warnings": tuple(facts["warnings"])})


def _key(preprocessing: Preprocessing) -> str:
    return digest({"format": FORMAT, **preprocessing._asdict()})


def save_manifest(cache: PixelCache) -> None:
    """Write which row is which image."""
    images = [asdict(image) for image in cache.images]
    settings = cache.preprocessing._asdict()
    write_json(
        cache.folder / MANIFEST,
        {
            "format": FORMAT,
            "key": _key(cache.preprocessing),
            "preprocessing": settings,
            "n_rows": cache.n_rows,
            "images": images,
            "excluded": [asdict(image) for image in cache.excluded],
        },
    )
