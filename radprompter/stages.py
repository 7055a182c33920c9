"""The stages of a labeling run by name, for whoever runs a whole recipe: the study, the labels, how right they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from radprompter.agree_run import AGREEMENT_JSON, agree_files, agreement_code, check_definitions, write_agreement
from radprompter.agreement.content import summarise
from radprompter.backends import choose_backend
from radprompter.errors import RecipeError, TableError
from radprompter.files import digest, is_up_to_date, read_json, stamp_inputs, write_json, write_stamp
from radprompter.labeling.section import label_template
from radprompter.ownership import remove_former
from radprompter.phantom import write_phantom
from radprompter.recipe import StudyRecipe
from radprompter.run import label_reports
from radprompter.store import LABELS_PARQUET, MANIFEST, read_labels, write_labels
from radprompter.terminal import Track, quiet
from radprompter.weakening import count_errors, inject_errors

ERRORS = "errors.json"
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


def check_agree(study: StudyRecipe) -> None:
    """Refuse a recipe that names a definition or a file which does not exist, before any stage runs.

    Files are looked for where no stage before writes them.
    """
    if study.agree is None:
        return
    check_definitions(study.agree)
    files = (study.agree.reference, *study.agree.also.values(), *filter(None, [study.agree.reports]))
    absent = [path for path in files if not path.is_file() and not path.is_relative_to(study.out)]
    if absent and study.phantom is None:
        raise TableError(f"{absent[0]}: no such file; the section `agree` names it")


def run_label(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Label the reports of a recipe; the summary of the stage."""
    return label_reports(study, track=track).summary


def run_weaken(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Write the label tables with errors that a recipe asks for, from the labels of its study.

    A folder ``weaken/NAME`` each, with the label files, and ``weaken/errors.json`` with what was turned over.

    Raises
    ------
    InputError
        If there are no labels, or a name is none for a file.
    """
    recipe = study.weaken
    if recipe is None:
        return {}
    labels, folder = study.out / "label" / LABELS_PARQUET, study.out / "weaken"
    if odd := [name for name in recipe if not name.strip(". ") or set(name) & set("/\\")]:
        raise RecipeError(f"weaken: {odd[0]!r} is also the name of a file; take another")
    if not labels.is_file():
        raise TableError(f"{labels}: no such file; `weaken` turns over the labels that the section `label` makes")
    made_from = stamp_inputs({name: rates.model_dump(mode="json") for name, rates in recipe.items()}, [labels])
    up_to_date = is_up_to_date(folder, made_from)
    if not up_to_date:
        table, found, written = read_labels(labels), {}, [ERRORS]
        for name, rates in track(recipe.items(), "weaken", len(recipe)):
            weak = inject_errors(table, missed=rates.missed, invented=rates.invented, seed=rates.seed)
            written += [f"{name}/{file}" for file in write_labels(folder / name, weak)]
            found[name] = rates.model_dump(mode="json") | count_errors(table, weak)
        write_json(folder / ERRORS, found)
        remove_former(folder, written)
        write_stamp(folder, made_from, written)
    line = "; ".join(
        f"{name}: {one['n_missed']} of {one['n_positive']} positives missed, {one['n_invented']} invented"
        for name, one in read_json(folder / ERRORS).items()
    )
    return {"up_to_date": up_to_date, "line": line}


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
    reports = [study.label.reports.path] if study.label is not None and recipe.reports is None else []
    inputs = [labels, recipe.reference, *recipe.also.values(), *([recipe.reports] if recipe.reports else reports)]
    manifests = [path.parent / MANIFEST for path in (labels, *recipe.also.values())]
    settings = recipe.model_dump(mode="json") | {"code": agreement_code()}
    made_from = stamp_inputs(settings, [*inputs, *(path for path in dict.fromkeys(manifests) if path.is_file())])
    up_to_date = is_up_to_date(folder, made_from)
    if not up_to_date:
        run = agree_files(labels, recipe, label=study.label)
        write_stamp(folder, made_from, write_agreement(folder, run, page=recipe.page))
    found = summarise(read_json(folder / AGREEMENT_JSON))
    return {"up_to_date": up_to_date, **found}


STAGES: Mapping[str, Callable[..., dict[str, Any]]] = {
    "phantom": run_phantom,
    "label": run_label,
    "weaken": run_weaken,
    "agree": run_agree,
}
"""Name of a stage, and of its section in a recipe -> its function, in the order in which they run."""
