"""`imagetrain predict`: a trained classifier on a folder or a table of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from imagetrain.cli.cache import list_reasons
from radprompter.errors import InputError
from radprompter.options import AsJson, OutFolder, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json, show_progress

WEIGHTS = ".safetensors"


@guarded
def predict(
    source: Annotated[
        Path, typer.Argument(metavar="MODEL|RECIPE", help="A run's model.safetensors, or the recipe it was trained by.")
    ],
    images: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of DICOM, PNG, JPEG or TIFF files, or with a recipe a table of images; the recipe's if absent."
        ),
    ] = None,
    run: Annotated[str | None, typer.Option(help="Which run of a recipe; its first if absent.")] = None,
    view: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD=VIEW", help="With a model: word of the tags or file names for a view; repeatable."),
    ] = None,
    hash_ids: Annotated[
        bool, typer.Option("--hash-ids", help="With a model: write salted hashes in place of StudyInstanceUIDs.")
    ] = False,
    settings: Settings = None,
    out: OutFolder = None,
    json: AsJson = False,
) -> int:
    """Predict the findings of new radiographs with a trained classifier."""
    if source.suffix == WEIGHTS:
        summary = _by_model(source, images, view or [], hash_ids, settings, out)
    else:
        if view or hash_ids:
            raise InputError("--view and --hash-ids go with a model.safetensors; a recipe has data.images.view_names")
        summary = _by_recipe(source, images, run, settings, out)
    if json:
        print_json(summary)
    else:
        console().print(summary["line"], markup=False, soft_wrap=True)
        list_reasons(summary["left_out"], "files left out")
        list_reasons(summary["incomplete"], "studies left out")
    return DONE_WITH_FAILURES if summary["n_failed"] else DONE


def _by_model(
    weights: Path,
    images: Path | None,
    views: list[str],
    hash_ids: bool,
    settings: list[str] | None,
    out: Path | None,
) -> dict[str, Any]:
    from imagetrain.prediction import predict_folder

    if images is None:
        raise InputError(f"which images? imagetrain predict {weights} FOLDER")
    if settings:
        raise InputError("--set changes a recipe; a model.safetensors has none")
    pairs = [word.partition("=") for word in views]
    if wrong := next(
        (word for word, (_, found, name) in zip(views, pairs, strict=True) if not found or not name), None
    ):
        raise InputError(f"--view {wrong}: expected WORD=VIEW, such as --view pa=frontal")
    names = {word: name for word, _, name in pairs}
    folder = out or Path("predictions")
    return predict_folder(weights, images, folder, view_names=names, hash_ids=hash_ids, track=show_progress)


def _by_recipe(
    recipe: Path, images: Path | None, run: str | None, settings: list[str] | None, out: Path | None
) -> dict[str, Any]:
    from imagetrain.prediction import run_predict
    from imagetrain.recipe import load_recipe
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    return run_predict(study, run=run, images=images, track=show_progress)
