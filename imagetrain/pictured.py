"""Saliency maps that were drawn for a study, as the page of its evaluation shows them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from imagetrain.recipe import StudyRecipe
from radprompter.errors import InputError
from radprompter.files import read_json, sha256

PICTURES = "pictures.json"
MOST, WIDE, QUALITY = 4, 560, 80  # pictures of a finding and run, pixels across, of a JPEG


class Drawn(NamedTuple):
    """The maps of a finding by a run: what was written beside them, and the files of the first ones."""

    about: dict[str, Any]
    files: tuple[Path, ...]


def drawn_maps(study: StudyRecipe) -> list[Drawn]:
    """All maps under ``out/saliency`` that are of the predictions as they are now; those of earlier ones are left out.

    Raises
    ------
    InputError
        If what was written beside them cannot be read.
    """
    found, hashes = [], dict[Path, str]()
    for path in sorted((study.out / "saliency").rglob(PICTURES)):
        try:
            about = read_json(path)
            predictions = study.out / about["predictions"]["file"]
            files = tuple(path.parent / one["file"] for one in about["pictures"][:MOST])
            made_from = about["predictions"]["sha256"]
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path}: damaged; draw again: imagetrain saliency RECIPE --finding NAME") from None
        if predictions not in hashes:
            hashes[predictions] = sha256(predictions) if predictions.is_file() else ""
        if made_from == hashes[predictions] and all(file.is_file() for file in files):
            found.append(Drawn(about, files))
    return found


def shown_maps(maps: Sequence[Drawn]) -> list[dict[str, Any]]:
    """What the page shows of maps: small pictures with their scores and labels, and no study's name."""
    return [
        {
            "run": one.about["run"],
            "finding": one.about["finding"],
            "pictures": [
                {"source": _small(file), "probability": told["probability"], "label": told["label"]}
                for file, told in zip(one.files, one.about["pictures"], strict=False)
            ],
        }
        for one in maps
    ]


def _small(file: Path) -> str:
    """A picture as a data URI, no wider than a page needs."""
    import cv2

    picture = cv2.imread(str(file))
    if picture is None:
        raise InputError(f"{file}: not a picture; draw again: imagetrain saliency RECIPE --finding NAME")
    scale = min(1.0, WIDE / picture.shape[1])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode()}"
