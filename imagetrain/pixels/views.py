"""Which of a study's images are used, and as which view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from imagetrain.pixels.cache import ExcludedImage, ImageFile, PixelCache


def first_of_each_view(images: Sequence[ImageFile]) -> tuple[list[ImageFile], list[ExcludedImage]]:
    """The first image of each view of a study, and the others with the reason why they are not used."""
    kept: dict[tuple[str, str], ImageFile] = {}
    unused = []
    for image in images:
        if kept.setdefault((image.study_id, image.view), image) is not image:
            unused.append(ExcludedImage(image.study_id, image.view, str(image.path), f"a second {image.view} image"))
    return list(kept.values()), unused


class Pictured(NamedTuple):
    """Studies by whether they have the images that they need."""

    studies: tuple[str, ...]
    left_out: dict[str, str]  # study -> why


def pictured(cache: PixelCache, views: Sequence[str], missing_views: Literal["require", "embed", "mask"]) -> Pictured:
    """Studies that have all views, or any where a recipe can do without some, and why the others cannot be used."""
    enough = all if missing_views == "require" else any
    studies = dict.fromkeys(study for study, rows in cache.rows(views).items() if enough(rows))
    reasons = {study: reason for study, reason in cache.incomplete(views).items() if study not in studies}
    return Pictured(tuple(studies), reasons)
