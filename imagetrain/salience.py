"""A trained run to pictures of where its scores come from: the highest scores of a finding in the test part."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.classifiers import open_classifier, open_images_of, weights_of
from imagetrain.page.saliency import Picture, render_saliency
from imagetrain.pictured import PICTURES, drawn_maps
from imagetrain.preparation import rows_of
from imagetrain.radiographs.views import pictured
from imagetrain.recipe import StudyRecipe
from imagetrain.records import TEST, Predictions
from imagetrain.store import ModelCard, read_predictions
from radprompter.errors import InputError
from radprompter.files import read_json, sha256, write_bytes, write_json, write_text

HEAT = 0.55  # share of the colour where the map is highest
PAGE = "saliency.html"


class Shown(NamedTuple):
    """One study and what is drawn of it."""

    study_id: str
    probability: float
    target: float  # NaN if it is not known
    images: NDArray[np.uint8]  # (n_views, size, size)
    present: NDArray[np.bool_]  # (n_views,)
    maps: NDArray[np.float32]  # (n_views, size, size) in [0, 1]


def run_saliency(
    study: StudyRecipe, *, finding: str, run: str | None = None, n: int = 8, studies: Sequence[str] = ()
) -> dict[str, Any]:
    """Draw Grad-CAM for a finding: a PNG a study and one page, in out/saliency/<run>/<finding>; the summary.

    The page of the evaluation shows the first ones, found by what ``pictures.json`` says of them.

    Parameters
    ----------
    n:
        How many studies: those of the test part with the highest scores.
    studies:
        These studies instead.

    Raises
    ------
    InputError
        If the run is not trained, has no such finding or studies, or its network has no maps of features.
    """
    from imagetrain.learning.devices import choose_device

    name, weights = weights_of(study, run)
    model, card = open_classifier(weights, device=choose_device(study.need_train().device))
    if finding not in card.findings:
        raise InputError(f"run {name!r} has no finding {finding!r}; it has: {', '.join(card.findings)}")
    predictions = read_predictions(weights.parent / "predictions.parquet")
    chosen = _choose(predictions, finding, n, studies)
    shown = _draw(study, model, card, finding, chosen, predictions)
    folder = study.out / "saliency" / name / (re.sub(r"[^\w .+=()-]", "_", finding).lstrip(". ") or "_")
    for old in folder.glob("*.png"):
        old.unlink()
    pictures = []
    for rank, one in enumerate(shown, start=1):
        content = _png(one)
        write_bytes(folder / f"{rank:02d}.png", content)
        image = base64.b64encode(content).decode()
        pictures.append(Picture(one.study_id, one.probability, one.target, f"data:image/png;base64,{image}"))
    told = [
        {"file": f"{rank:02d}.png", "probability": one.probability, "label": one.label}
        for rank, one in enumerate(pictures, start=1)
    ]
    table = weights.parent / "predictions.parquet"
    made_from = {"file": str(table.relative_to(study.out)), "sha256": sha256(table)}
    about = {"run": name, "finding": finding, "n": None if studies else n, "predictions": made_from}
    write_json(folder / PICTURES, about | {"pictures": told})
    page = render_saliency(pictures, finding=finding, run=name, model=card.model, views=card.views)
    write_text(folder / PAGE, page)
    return {
        "run": name,
        "finding": finding,
        "folder": str(folder),
        "studies": [one.study_id for one in shown],
        "line": f"{len(shown)} studies, {finding} by {name}: {folder / PAGE}",
    }


def draw_wanted(study: StudyRecipe) -> None:
    """Draw what the recipe's ``report.saliency`` asks for, unless it is there or the finding was too rare to train on.

    Raises
    ------
    InputError
        As `run_saliency`.
    """
    wanted = study.report.saliency
    if wanted is None:
        return
    there = {(one.about["run"], one.about["finding"]): one.about["n"] for one in drawn_maps(study)}
    for run in wanted.runs or tuple(study.need_train().runs):
        for finding in wanted.findings:
            if finding not in _left_out(study, run) and there.get((run, finding)) != wanted.n:
                run_saliency(study, finding=finding, run=run, n=wanted.n)


def _left_out(study: StudyRecipe, run: str) -> set[str]:
    """Findings that a run was not trained on, as its manifest says."""
    manifest = study.out / "train" / run / "manifest.json"
    return set(read_json(manifest).get("left_out") or ()) if manifest.is_file() else set()


def _choose(predictions: Predictions, finding: str, n: int, studies: Sequence[str]) -> list[int]:
    """Places of the studies to show."""
    place = {study: index for index, study in enumerate(predictions.study_ids)}
    if studies:
        if strangers := [study for study in studies if study not in place]:
            raise InputError(f"the run has no study {strangers[0]!r}")
        return [place[study] for study in studies]
    logits = predictions.logits[:, predictions.findings.index(finding)]
    tested = np.flatnonzero(np.array(predictions.parts) == TEST)
    if not tested.size:
        raise InputError("the split has no test part; name studies with --study")
    return [int(index) for index in tested[np.argsort(-logits[tested], kind="stable")][:n]]


def _draw(
    study: StudyRecipe,
    model: Any,
    card: ModelCard,
    finding: str,
    chosen: Sequence[int],
    predictions: Predictions,
) -> list[Shown]:
    from imagetrain.learning.saliency import grad_cam
    from imagetrain.pixels.augment import to_input
    from imagetrain.pixels.dataset import open_pixels

    views, cache = card.views, open_images_of(card, study)
    ids = [predictions.study_ids[index] for index in chosen]
    shown_in_cache = set(pictured(cache, views, card.layout["missing_views"]).studies)
    if gone := [name for name in ids if name not in shown_in_cache]:
        raise InputError(
            f"{cache.folder}: no longer has the images of {len(gone)} of the studies, such as {gone[0]!r}; train anew "
            "or name other studies with --study"
        )
    column = predictions.findings.index(finding)
    device = next(model.parameters()).device
    pixels = open_pixels(ids, cache.pixels, rows_of(cache, views, ids), device=device)
    shown = []
    for place, index in enumerate(chosen):  # one by one: maps of features take memory
        images, present = pixels.batch([place])
        maps = grad_cam(model, to_input(images), present, column)
        shown.append(
            Shown(
                ids[place],
                float(1 / (1 + np.exp(-np.float64(predictions.logits[index, column])))),
                float(predictions.targets[index, column]),
                images[0].cpu().numpy(),
                present[0].cpu().numpy(),
                maps[0].cpu().numpy(),
            )
        )
    return shown


def _png(shown: Shown) -> bytes:
    """Radiograph and overlay side by side, one row a view that is there."""
    import cv2

    rows = []
    for image, heat in zip(shown.images[shown.present], shown.maps[shown.present], strict=True):
        grey = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        colour = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)
        share = HEAT * heat[:, :, None]
        rows.append(np.hstack([grey, np.rint(grey * (1 - share) + colour * share).astype(np.uint8)]))
    _, content = cv2.imencode(".png", np.vstack(rows))
    return content.tobytes()
