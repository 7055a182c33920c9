"""The labeling flow on one screen: reports, prompts, completions, readings, table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from radprompter.answers import parser_digest
from radprompter.asking import Asker, Survey
from radprompter.backends import choose_backend, open_backend
from radprompter.backends.base import Backend
from radprompter.backends.endpoint import goes_elsewhere
from radprompter.errors import RecipeError
from radprompter.files import is_up_to_date, read_json, stamp_inputs, write_json, write_stamp
from radprompter.journal import Journal
from radprompter.label_table import LabelTable
from radprompter.manifest import label_manifest, label_summary
from radprompter.privacy import Screening, describe_identifiers, refuse_identifiers
from radprompter.prompting.length import describe_length
from radprompter.prompting.templates import Template, load_template
from radprompter.prompting.tokens import load_counter
from radprompter.recipe import LabelRecipe, Privacy, StudyRecipe
from radprompter.records import Report
from radprompter.rounds import Rounds, first_prompts, label_prompts
from radprompter.store import LABELS_PARQUET, MANIFEST, read_labels, read_reports, write_labels
from radprompter.terminal import Track, quiet
from radprompter.version import __version__

JOURNAL = "journal.sqlite"
BATCHES = "batches"

KEPT = {"journal", "durability"}
"""Settings that say where and how answers are kept; no label depends on them."""

Before = Callable[[Survey], None]
"""Is told what will be sent before anything is."""


@dataclass(frozen=True, slots=True)
class LabelRun:
    """A finished labeling stage: its table, and what a command says of it."""

    table: LabelTable
    summary: dict[str, Any]


def _go_on(survey: Survey) -> None:
    """Ask, whatever it takes."""


def label_reports(
    recipe: StudyRecipe, *, journal: Path | None = None, track: Track = quiet, before: Before = _go_on
) -> LabelRun:
    """Label the reports of a recipe into ``{out}/label``; skip what is up to date, ask only what is not in the journal.

    `before` is told what the first round will send before anything is sent, and may raise to prevent it. Runs may
    share a `journal`, which goes before the recipe's own. The same completions give the same label files, byte for
    byte, in whatever order they came.

    Raises
    ------
    InputError
        If the recipe, the table of reports or the region cannot be used; nothing is asked then.
    JournalError
        If another process labels into the same folder, or the journal is damaged.
    BackendError
        If the backend cannot go on at all; what it answered is in the journal.
    AwaitingError
        If answers will come later; running the same again fetches them.
    """
    started = time.monotonic()
    section, folder = _label_section(recipe), recipe.out / "label"
    screening = label_screening(section)
    template, rounds = replace(label_template(section), screen=screening), label_rounds(section)
    with closing(open_backend(section.backend, template.region, folder=folder / BATCHES)) as backend:
        made_from = stamp_inputs(_settings(section, template, backend), [section.reports.path])
        if is_up_to_date(folder, made_from):
            summary = label_summary(read_json(folder / MANIFEST), up_to_date=True)
            return LabelRun(read_labels(folder / LABELS_PARQUET), summary)
        reports = islice(read_reports(section.reports), section.limit)
        prompts = first_prompts(reports, template, backend, rounds)
        refuse_identifiers(screening, (prompt.report for prompt in prompts), template.examples)
        with Journal(journal or label_journal(recipe), durability=section.durability) as opened:
            asker = Asker(backend, opened, track, keep_truncated=rounds.reasks > 0)
            before(asker.survey(prompts, [name for name, f in template.region.findings.items() if f.depends_on]))
            labeled = label_prompts(prompts, template, asker, rounds)
            table = LabelTable.from_cells(labeled.cells, template.region.schema)
            manifest = label_manifest(_provenance(section, template, backend, made_from), table, labeled)
            manifest["requests"] = {"asked": asker.n_asked, "from_journal": asker.n_from_journal}
            manifest["canary"] = dict(asker.proven or {})
            manifest["length"] = describe_length(template.length, template.counter, (p.report for p in prompts))
            manifest["privacy"] = describe_identifiers(screening, (prompt.report for prompt in prompts))
            manifest["seconds"] = round(time.monotonic() - started, 3)
            files = write_labels(folder, table)
            write_json(folder / MANIFEST, manifest)
            if not manifest["n_failed_requests"]:  # else the next run asks those again
                write_stamp(folder, made_from, (*files, MANIFEST))
    return LabelRun(table, label_summary(manifest, up_to_date=False))


def label(
    reports: Iterable[Report],
    template: Template,
    backend: Backend,
    *,
    rounds: Rounds | None = None,
    privacy: Privacy | None = None,
    track: Track = quiet,
) -> LabelTable:
    """The label table of some reports, without files: for notebooks.

    Raises
    ------
    InputError
        If reports would leave this machine and name a person, unless `privacy` says what to do then.
    """
    rounds = rounds or Rounds()
    screening = Screening.of(privacy or Privacy(), elsewhere=goes_elsewhere(backend.identity))
    template = replace(template, screen=screening)
    prompts = first_prompts(reports, template, backend, rounds)
    refuse_identifiers(screening, (prompt.report for prompt in prompts), template.examples)
    asker = Asker(backend, track=track)
    labeled = label_prompts(prompts, template, asker, rounds)
    return LabelTable.from_cells(labeled.cells, template.region.schema)


def _label_section(recipe: StudyRecipe) -> LabelRecipe:
    if recipe.label is None:
        raise RecipeError("the recipe has no `label` section; add one, or use a recipe that has one")
    return recipe.label


def label_journal(recipe: StudyRecipe) -> Path:
    """The file that keeps the answers of a recipe."""
    return _label_section(recipe).journal or recipe.out / "label" / JOURNAL


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


def label_screening(section: LabelRecipe) -> Screening:
    """What a `label` section does about identifiers, given where its backend sends the reports."""
    elsewhere = goes_elsewhere(choose_backend(section.backend).options.model_dump())
    return Screening.of(section.privacy, elsewhere=elsewhere)


def label_rounds(section: LabelRecipe) -> Rounds:
    """What a `label` section does about each question."""
    return Rounds(section.samples, section.reasks, section.verify, section.least_label_mass)


def _settings(section: LabelRecipe, template: Template, backend: Backend) -> dict[str, Any]:
    """All that the outputs depend on, apart from the reports."""
    recipe = section.model_dump(mode="json", exclude=KEPT)
    made_by = {"version": __version__, "parser": parser_digest()}
    return {"recipe": recipe, "template": template.hash, "backend": backend.identity, **made_by}


def _provenance(
    section: LabelRecipe, template: Template, backend: Backend, made_from: Mapping[str, Any]
) -> dict[str, Any]:
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
