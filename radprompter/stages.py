"""The stages of a labeling run by name, for whoever runs a whole recipe: the study, the labels, how right they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from radprompter.agreement.metrics import agree as compare_labels
from radprompter.agreement.metrics import summarise
from radprompter.backends import choose_backend
from radprompter.files import digest, is_up_to_date, read_json, stamp_inputs, write_json, write_stamp
from radprompter.labeling.section import label_template
from radprompter.labels import PROJECTIONS
from radprompter.phantom import write_phantom
from radprompter.recipe import StudyRecipe
from radprompter.run import label_reports
from radprompter.store import LABELS_PARQUET, read_labels, read_reference
from radprompter.terminal import Track, quiet

AGREEMENT = "agreement.json"
TABLES = ("reports.csv", "truth.csv", "findings.csv", "images.csv")


def run_phantom(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Write the synthetic study of a recipe, unless it is there already; the summary of the stage."""
    recipe = study.phantom
    if recipe is None:
        return {}
    folder = recipe.path or study.out / "phantom"
    made_from = {"settings": digest(recipe.model_dump(mode="json", exclude={"path"}))}
    up_to_date = is_up_to_date(folder, made_from)
    if not up_to_date:
        write_phantom(
            folder, regions=recipe.regions, patients=recipe.patients, seed=recipe.seed, size=recipe.size, track=track
        )
        tables = [f"{region}/{table}" for region in recipe.regions for table in TABLES]
        write_stamp(folder, made_from, ["study.json", *tables])
    counts = read_json(folder / "study.json")["regions"]
    n_studies = sum(sum(region["studies"].values()) for region in counts.values())
    n_images = sum(region["images"] for region in counts.values())
    line = f"{n_studies:,} synthetic studies, {n_images:,} images: {', '.join(recipe.regions)}"
    return {"up_to_date": up_to_date, "n_studies": n_studies, "n_images": n_images, "line": line}


def check_label(study: StudyRecipe) -> None:
    """Refuse a recipe whose region, strategy or backend does not exist, before any stage runs."""
    if study.label is not None:
        label_template(study.label)
        choose_backend(study.label.backend)


def run_label(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Label the reports of a recipe; the summary of the stage."""
    return label_reports(study, track=track).summary


def run_agree(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Hold the label table of a recipe against its reference; the summary of the stage.

    Raises
    ------
    InputError
        If the reference cannot be read, or has no report or finding in common with the labels.
    """
    recipe = study.agree
    if recipe is None:
        return {}
    labels, folder = study.out / "label" / LABELS_PARQUET, study.out / "agree"
    made_from = stamp_inputs(recipe.model_dump(mode="json"), [labels, recipe.reference])
    up_to_date = is_up_to_date(folder, made_from)
    if not up_to_date:
        table = read_labels(labels)
        reference = read_reference(recipe.reference, table.schema)
        agreement = compare_labels(table, reference, projection=PROJECTIONS[recipe.projection])
        write_json(folder / AGREEMENT, summarise(agreement))
        write_stamp(folder, made_from, [AGREEMENT])
    found = read_json(folder / AGREEMENT)
    line = (
        f"{found['cell_accuracy']:.2%} of cells right, {found['report_accuracy']:.1%} of {found['n_reports']:,} reports"
    )
    return {"up_to_date": up_to_date, **found, "line": f"{line} ({recipe.projection}, against {recipe.reference.name})"}


STAGES: Mapping[str, Callable[..., dict[str, Any]]] = {
    "phantom": run_phantom,
    "label": run_label,
    "agree": run_agree,
}
"""Name of a stage, and of its section in a recipe -> its function, in the order in which they run."""
