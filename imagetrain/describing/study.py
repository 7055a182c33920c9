"""What the page of an evaluation says of a study beside its numbers, found in the recipe and in the runs' manifests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from imagetrain.describing.cohort import describe_cohort
from imagetrain.describing.facts import facts_of
from imagetrain.recipe import StudyRecipe
from imagetrain.records import PARTS, name_findings
from imagetrain.store import read_manifest
from radprompter.files import sha256
from radprompter.version import __version__

UNCERTAIN = {
    "inclusive": "uncertain counts as positive",
    "exclusive": "uncertain counts as negative",
    "ignore": "uncertain does not count",
    "soft": "uncertain counts as something in between",
}


def titles_of(study: StudyRecipe) -> dict[str, str]:
    """Titles of the findings, where the label table is there and has them."""
    from imagetrain.store import read_labels

    if study.data is None or not study.data.labels.is_file():
        return {}
    return {finding.name: finding.title for finding in read_labels(study.data).schema.findings}


def describe_study(
    study: StudyRecipe, inputs: list[Path], titles: Mapping[str, str], metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """What, where, when and from what, found in the recipe and in the runs' manifests; and whose studies they are."""
    scored = study.evaluate.scores
    train = None if scored else study.need_train()
    manifests = {
        name: read_manifest(study.out / "train" / name / "manifest.json") for name in (train.runs if train else ())
    }
    first = next(iter(manifests.values()), {})
    left_out = first.get("left_out") or {}
    seeds = {"bootstrap": study.evaluate.seed}
    settings: list[tuple[str, Any]] = []
    if train is not None:
        seeds = {"training": train.seed} | seeds
        settings.append(("Model", f"{train.model}, {'pretrained' if train.pretrained else 'from scratch'}"))
        settings.append(
            (
                "Training",
                f"{train.epochs} epochs, batch {train.batch_size}, {train.optimiser}, rate {train.learning_rate:g}",
            )
        )
    if study.data is not None and train is not None:
        seeds = {"split": study.data.split.seed} | seeds
        settings.append(("Images", f"{', '.join(study.data.views)}; {study.data.size} x {study.data.size} pixels"))
        settings.append(
            ("Labels", f"{_within(study.data.labels, study.out)}; schema {first.get('label_schema', 'not recorded')}")
        )
    settings.append(("Seeds", ", ".join(f"{name} {seed}" for name, seed in seeds.items())))
    n_studies = first.get("n_studies", {})
    settings.append(("Studies", ", ".join(f"{n_studies[part]} {part}" for part in PARTS if part in n_studies)))
    runs = [(name, f"scores of {path.name}") for name, path in scored.items()]
    for name, policy in train.runs.items() if train else ():
        text = f"labels {_within(policy.labels, study.out)}; " if policy.labels else ""
        rule = policy.rule_for_all
        text += f"{rule.name}: {UNCERTAIN[rule.policy]}; not mentioned: {rule.not_mentioned}"
        for finding in policy.per_finding:
            text += f"; {finding}: {policy.rule(finding).name}, not mentioned {policy.rule(finding).not_mentioned}"
        best = manifests[name].get("validation_auroc")
        epoch, folds = manifests[name].get("best_epoch"), manifests[name].get("folds")
        where = f"on average over {len(folds)} folds" if folds else f"at epoch {epoch}"
        text += "" if best is None else f"; validation AUROC {best:.3f} {where}"
        runs.append((name, text))
    hashes = [(_within(path, study.out), sha256(path)) for path in inputs]
    versions = {"imagetrain": __version__, "numpy": version("numpy"), "scipy": version("scipy")}
    return {
        "title": study.name,
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "synthetic": study.phantom is not None,
        "reference": _reference(study),
        "runs": runs,
        "settings": [(name, text) for name, text in settings if text],
        "not_trained": [(title, left_out[finding]) for finding, title in name_findings([*left_out], titles).items()],
        "hashes": hashes,
        "versions": sorted({**first.get("versions", {}), **versions}.items()),
        **describe_cohort(study, first, metrics),
        "facts": facts_of(
            study,
            first,
            read_manifest(study.out / "label" / "manifest.json") if _labelled_here(study) else {},
            read_manifest(study.out / "train" / "leakage.json"),
        ),
        "checklists": [("TRIPOD+AI and CLAIM, filled with what this run knows", "checklist.html")],
    }


def _reference(study: StudyRecipe) -> str:
    """What the runs were tested against."""
    recipe = study.evaluate
    labels = "stand in the tables of scores" if recipe.scores else "were read from the reports"
    text = f"All sets, the test sets too, are held against the labels that {labels}."
    if recipe.reference is not None:
        text = (
            f"Test sets are held against the reference {recipe.reference.path.name}; training and validation, and so "
            f"the thresholds, use the labels that {labels}."
        )
    return text + "".join(
        f" Site {site} has a reference of its own: {one.path.name}." for site, one in recipe.sites.items()
    )


def _labelled_here(study: StudyRecipe) -> bool:
    """Whether the labels are those of the study's own label stage."""
    labels = study.data.labels if study.data is not None and not study.evaluate.scores else None
    return labels is not None and labels.is_relative_to(study.out / "label")


def _within(path: Path, folder: Path) -> str:
    """A path as seen from a folder, if it is inside."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
