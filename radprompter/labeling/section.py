"""What a recipe's `label` section means: its template, its journal, its limits, and what labels depend on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radprompter.answers import parser_digest
from radprompter.backends import choose_backend
from radprompter.backends.base import Backend
from radprompter.backends.endpoint import goes_elsewhere
from radprompter.errors import RecipeError
from radprompter.labeling.budget import Limits
from radprompter.labeling.rounds import Rounds
from radprompter.privacy import Screening
from radprompter.prompting.templates import Template, load_template
from radprompter.prompting.tokens import load_counter
from radprompter.recipe import LabelRecipe, StudyRecipe
from radprompter.typed_yaml import Document, validate
from radprompter.version import __version__

JOURNAL = "journal.sqlite"

KEPT = {"journal", "durability", "budget", "cluster"}
"""Settings that say where answers come from and how they are kept, and when a run stops; no label depends on them."""


def label_section(recipe: StudyRecipe) -> LabelRecipe:
    """The `label` section of a recipe.

    Raises
    ------
    RecipeError
        If there is none.
    """
    if recipe.label is None:
        raise RecipeError("the recipe has no `label` section; add one, or use a recipe that has one")
    return recipe.label


def with_compat(recipe: StudyRecipe, compat: str | None) -> StudyRecipe:
    """The recipe with its rules in the order of another labeler, such as ``chexpert``; as it is for ``None``.

    Raises
    ------
    RecipeError
        If the recipe's backend is not the rules, or they cannot read its reports in that way.
    """
    if compat is None:
        return recipe
    section = label_section(recipe)
    if section.backend["name"] != "rules":
        raise RecipeError(
            f"--compat {compat} is for the rules, and label.backend is {section.backend['name']!r}; "
            "use a recipe with `backend: {name: rules}`, or leave --compat out"
        )
    settings = section.model_dump(exclude_unset=True) | {"backend": {**section.backend, "compat": compat}}
    document = Document(f"label with --compat {compat}", settings, {})
    return recipe.model_copy(update={"label": validate(LabelRecipe, document)})


def label_journal(recipe: StudyRecipe) -> Path:
    """The file that keeps the answers of a recipe."""
    return label_section(recipe).journal or recipe.out / "label" / JOURNAL


def label_template(section: LabelRecipe) -> Template:
    """The template that a `label` section names.

    Raises
    ------
    InputError
        If the region, strategy, plan or a Jinja template cannot be used.
    """
    return load_template(
        section.region,
        language=section.language,
        strategy=section.strategy,
        plan=section.plan,
        sections=section.sections,
        evidence=section.evidence,
        persona=section.persona,
        examples=section.examples,
        prefill=section.prefill,
        stop=section.stop,
        templates=section.templates,
        length=section.length,
        counter=load_counter(section.tokenizer),
    )


def label_screening(section: LabelRecipe, *, elsewhere: bool = False) -> Screening:
    """What a `label` section does about identifiers, given where its backend, or an engine, sends the reports."""
    elsewhere = elsewhere or goes_elsewhere(choose_backend(section.backend).options.model_dump())
    return Screening.of(section.privacy, elsewhere=elsewhere)


def label_limits(section: LabelRecipe) -> Limits:
    """What a run of a `label` section may cost."""
    return Limits.of(section.budget, getattr(choose_backend(section.backend).options, "model", None))


def label_rounds(section: LabelRecipe) -> Rounds:
    """What a `label` section does about each question."""
    return Rounds(section.samples, section.reasks, section.verify, section.least_label_mass)


def label_settings(section: LabelRecipe, template: Template, backend: Backend) -> dict[str, Any]:
    """All that the outputs depend on, apart from the reports."""
    recipe = section.model_dump(mode="json", exclude=KEPT)
    made_by = {"version": __version__, "parser": parser_digest()}
    return {"recipe": recipe, "template": template.hash, "backend": backend.identity, **made_by}


def label_provenance(
    section: LabelRecipe, template: Template, backend: Backend, made_from: Mapping[str, Any]
) -> dict[str, Any]:
    """What the manifest says of where the labels come from."""
    ((path, sha256),) = made_from["inputs"].items()
    asked = section.model_dump(mode="json", exclude={"reports", "templates", "backend", "limit", "privacy"} | KEPT)
    return {
        "template": {**asked, "region": template.region.name, "hash": template.hash},
        "backend": backend.name,
        "model": backend.model,
        "parameters": dict(backend.identity),
        "seed": backend.identity.get("seed"),
        "input": {"path": path, "sha256": sha256},
    }
