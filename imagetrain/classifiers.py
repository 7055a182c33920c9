"""A classifier's file to a network that is ready to use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from imagetrain.preparation import open_images
from imagetrain.radiographs.cache import PixelCache
from imagetrain.recipe import StudyRecipe
from imagetrain.store import ModelCard, read_model
from radprompter.errors import InputError, RecipeError

if TYPE_CHECKING:
    import torch

    from imagetrain.learning.models import ViewClassifier
    from radprompter.labels import LabelSchema


class Classifier(NamedTuple):
    """A network and what its file says about it."""

    model: ViewClassifier
    card: ModelCard


def weights_of(study: StudyRecipe, run: str | None) -> tuple[str, Path]:
    """Name and weights of a run of a recipe, the first if None; of one with folds, such as ``inclusive/fold2``.

    Raises
    ------
    RecipeError
        If the recipe has no run of that name, or it has a network a fold and none is named, or none and one is.
    """
    name, _, fold = (run or "").partition("/")
    name, networks = networks_of(study, name or None)
    if not fold and len(networks) == 1:
        return name, networks[0]
    if len(networks) == 1:
        raise RecipeError(f"run {name!r} has no folds; name it without {'/' + fold!r}")
    known = {f"{name}/{path.parent.name}": path for path in networks}
    if run not in known:
        raise RecipeError(f"run {name!r} has a network a fold; name one of: {', '.join(known)}")
    return run, known[run]


def networks_of(study: StudyRecipe, run: str | None) -> tuple[str, tuple[Path, ...]]:
    """Name and weights of a run of a recipe, the first if None: one file, or one a fold.

    Raises
    ------
    RecipeError
        If the recipe has no run of that name.
    """
    runs = study.need_train().runs
    name = run or next(iter(runs))
    if name not in runs:
        raise RecipeError(f"the recipe has no run {name!r}; it has: {', '.join(runs)}")
    folder, n_folds = study.out / "train" / name, study.need_data().split.folds
    folders = [folder / f"fold{number}" for number in range(1, n_folds + 1)] if n_folds else [folder]
    return name, tuple(folder / "model.safetensors" for folder in folders)


def open_classifier(path: Path, *, device: torch.device, schema: LabelSchema | None = None) -> Classifier:
    """The classifier in a file, on a device, in evaluation mode.

    Raises
    ------
    InputError
        If the file is absent, damaged, or not one of ours, or its weights do not fit what it says of itself.
    SchemaError
        If the classifier was trained on another label schema than the given one.
    """
    from pydantic import TypeAdapter, ValidationError

    from imagetrain.learning.models import Layout, load_model

    weights, card = read_model(path, schema=schema)
    try:
        layout = TypeAdapter(Layout).validate_python(dict(card.layout))
    except ValidationError as error:
        names = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise InputError(
            f"{path}: says of itself a layout that is not known: {names}; is it of a newer version?"
        ) from None
    try:
        model = load_model(
            card.model,
            weights,
            n_views=len(card.views),
            n_findings=len(card.findings),
            size=card.size,
            layout=layout,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return Classifier(model.to(device).eval(), replace(card, layout=layout._asdict()))


def open_images_of(card: ModelCard, study: StudyRecipe) -> PixelCache:
    """The pixel cache of a recipe, for a classifier that was trained on it.

    Raises
    ------
    InputError
        If there is none, or it now holds squares of another size or equalisation.
    """
    cache = open_images(study.need_data().images, card.views, study.out / "cache")
    if cache.preprocessing != (card.size, card.equalise):
        raise InputError(f"{cache.folder}: holds images of other settings than the run was trained with; train it anew")
    return cache
