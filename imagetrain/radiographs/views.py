"""Which of a study's images are used, and as which view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from imagetrain.radiographs.cache import CachedImage, ExcludedImage, ImageFile, PixelCache
from radprompter.errors import ImageError


def first_of_each_view(images: Sequence[ImageFile]) -> tuple[list[ImageFile], list[ExcludedImage]]:
    """The first image of each view of a study, and the others with the reason why they are not used."""
    kept: dict[tuple[str, str], ImageFile] = {}
    unused = []
    for image in images:
        if kept.setdefault((image.study_id, image.view), image) is not image:
            unused.append(ExcludedImage(image.study_id, image.view, str(image.path), f"a second {image.view} image"))
    return list(kept.values()), unused


def named_by_tags(cache: PixelCache, names: Mapping[str, str], *, several: Literal["first", "all"]) -> PixelCache:
    """The cache with each image under the view that its DICOM tags name; images of no wanted view are not used.

    Parameters
    ----------
    names:
        Word of the tags, in lower case, -> view.
    several:
        Which images of one view of a study are used.

    Raises
    ------
    ImageError
        If no image has one of the views.
    """
    kept: list[CachedImage] = []
    unused: list[ExcludedImage] = []
    seen: set[tuple[str, str]] = set()
    for image in cache.images:
        word = image.tagged_view
        view = None if word is None else names.get(word.casefold())
        if view is None:
            reason = "no tag says its view" if word is None else f"its tags say {word}, which is not in data.views"
            unused.append(ExcludedImage(image.study_id, "", image.file, reason))
        elif several == "first" and (image.study_id, view) in seen:
            unused.append(ExcludedImage(image.study_id, view, image.file, f"a second {view} image"))
        else:
            seen.add((image.study_id, view))
            kept.append(replace(image, view=view))
    for wanted in dict.fromkeys(names.values()):
        if not any(image.view == wanted for image in kept):
            found = Counter(image.tagged_view or "none" for image in cache.images)
            said = ", ".join(f"{word} ({n})" for word, n in found.most_common())
            raise ImageError(
                f"no image has tags that say view {wanted!r}; they say: {said}. data.images.view_names can say which "
                "word means which view"
            )
    return replace(cache, images=tuple(kept), unused=tuple(unused))


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
