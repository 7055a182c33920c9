"""The labeling flow on one screen: reports, prompts, completions, readings, table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from radprompter.answers import parser_digest, read, read_letter, vote
from radprompter.backends import open_backend
from radprompter.backends.base import Backend
from radprompter.errors import RecipeError
from radprompter.files import is_up_to_date, read_json, stamp_inputs, write_json, write_stamp
from radprompter.journal import Journal, journal_key
from radprompter.label_table import LabelTable
from radprompter.labels import Cell
from radprompter.manifest import label_manifest, label_summary
from radprompter.prompting.templates import Template, load_template
from radprompter.recipe import LEAST_LABEL_MASS, LabelRecipe, StudyRecipe
from radprompter.records import NO_TEXT, Completion, Prompt, Report
from radprompter.store import LABEL_FILES, LABELS_PARQUET, MANIFEST, read_labels, read_reports, write_labels
from radprompter.terminal import Track, quiet
from radprompter.version import __version__

JOURNAL = "journal.sqlite"

Asked = tuple[str, tuple[str, ...], int]
"""A report's id, the findings that are asked about (none: all), and the number of the sample."""


@dataclass(frozen=True, slots=True)
class LabelRun:
    """A finished labeling stage: its table, and what a command says of it."""

    table: LabelTable
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """Completions in the order of the prompts, how many requests were new, and how many the journal had."""

    completions: tuple[Completion, ...]
    n_asked: int
    n_from_journal: int


def label_reports(recipe: StudyRecipe, *, track: Track = quiet) -> LabelRun:
    """Label the reports of a recipe into ``{out}/label``; skip what is up to date, ask only what is not in the journal.

    The same completions give the same label files, byte for byte, in whatever order they came.

    Raises
    ------
    InputError
        If the recipe, the table of reports or the region cannot be used; nothing is asked then.
    JournalError
        If another process labels into the same folder, or the journal is damaged.
    BackendError
        If the backend cannot go on at all; what it answered is in the journal.
    """
    started = time.monotonic()
    section, folder = _label_section(recipe), recipe.out / "label"
    template = label_template(section)
    with closing(open_backend(section.backend, template.region)) as backend:
        made_from = stamp_inputs(_settings(section, template, backend), [section.reports.path])
        if is_up_to_date(folder, made_from):
            summary = label_summary(read_json(folder / MANIFEST), up_to_date=True)
            return LabelRun(read_labels(folder / LABELS_PARQUET), summary)
        reports = list(islice(read_reports(section.reports), section.limit))
        prompts = _prompts(reports, template, backend, section.samples)
        with Journal(folder / JOURNAL) as journal:
            answers = complete(prompts, backend, journal=journal, track=track)
            table = _read(answers, prompts, template, backend, least_mass=section.least_label_mass)
            manifest = label_manifest(_provenance(section, template, backend, made_from), table, answers.completions)
            manifest["requests"] = {"asked": answers.n_asked, "from_journal": answers.n_from_journal}
            manifest["seconds"] = round(time.monotonic() - started, 3)
            write_labels(folder, table)
            write_json(folder / MANIFEST, manifest)
            if not manifest["n_failed_requests"]:  # else the next run asks those again
                write_stamp(folder, made_from, LABEL_FILES)
    return LabelRun(table, label_summary(manifest, up_to_date=False))


def label(
    reports: Iterable[Report],
    template: Template,
    backend: Backend,
    *,
    samples: int = 1,
    least_mass: float = LEAST_LABEL_MASS,
    track: Track = quiet,
) -> LabelTable:
    """The label table of some reports, without files: for notebooks."""
    prompts = _prompts(reports, template, backend, samples)
    return _read(complete(prompts, backend, track=track), prompts, template, backend, least_mass=least_mass)


def complete(
    prompts: Sequence[Prompt], backend: Backend, *, journal: Journal | None = None, track: Track = quiet
) -> Answers:
    """One completion a prompt: from the journal where it has one, from the backend (and then journaled) where not.

    Equal prompts are asked once; a report without words is not asked about and fails with ``no_text``.
    """
    identity = {"backend": backend.name, **backend.identity}
    keys = {_asked(p): journal_key(identity, p.fingerprint) for p in prompts if p.report.has_words}
    known: dict[str, Completion] = {}
    unasked: dict[str, Prompt] = {}
    for prompt in prompts:
        key = keys.get(_asked(prompt))
        if key is None or key in known or key in unasked:
            continue
        found = journal.find(key, prompt.report.id) if journal is not None else None
        if found is None:
            unasked[key] = prompt
        else:
            known[key] = found
    n_from_journal = len(known)
    answers = backend.complete(unasked.values()) if unasked else ()
    for completion in track(answers, "label reports", len(unasked)):
        key = keys[completion.report_id, completion.findings, completion.sample]
        if journal is not None:
            journal.store(key, completion)
        known[key] = completion
    completions = tuple(_answer(prompt, keys, known) for prompt in prompts)
    return Answers(completions, len(unasked), n_from_journal)


def _asked(prompt: Prompt) -> Asked:
    return prompt.report.id, prompt.findings, prompt.sample


def _answer(prompt: Prompt, keys: Mapping[Asked, str], known: Mapping[str, Completion]) -> Completion:
    """The completion of a prompt, which may have come for an equal one, about another report or finding."""
    key = keys.get(_asked(prompt))
    failure = NO_TEXT if key is None else "no_answer"
    completion = known.get(key or "") or Completion("", (), failure=failure)
    return replace(completion, report_id=prompt.report.id, findings=prompt.findings, sample=prompt.sample)


def _prompts(reports: Iterable[Report], template: Template, backend: Backend, samples: int) -> list[Prompt]:
    make = partial(template.prompts, reads=backend.reads, samples=samples)
    return [prompt for report in reports for prompt in make(report)]


def _read(
    answers: Answers, prompts: Sequence[Prompt], template: Template, backend: Backend, *, least_mass: float
) -> LabelTable:
    """The cells of all requests, those of samples made one; the table puts those of a report together."""
    labeler, region = f"{backend.name}:{backend.model}", template.region
    reader = partial(read_letter, least_mass=least_mass) if template.plan == "label_read" else read
    pairs = zip(answers.completions, prompts, strict=True)
    cells: Iterable[Cell] = (
        cell for completion, prompt in pairs for cell in reader(completion, prompt.report, region, labeler).cells
    )
    if any(prompt.sample for prompt in prompts):
        cells = vote(cells, region)
    return LabelTable.from_cells(cells, region.schema)


def _label_section(recipe: StudyRecipe) -> LabelRecipe:
    if recipe.label is None:
        raise RecipeError("the recipe has no `label` section; add one, or use a recipe that has one")
    return recipe.label


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
        persona=section.persona,
        examples=section.examples,
        prefill=section.prefill,
        stop=section.stop,
        templates=section.templates,
    )


def _settings(section: LabelRecipe, template: Template, backend: Backend) -> dict[str, Any]:
    """All that the outputs depend on, apart from the reports."""
    recipe = section.model_dump(mode="json")
    made_by = {"version": __version__, "parser": parser_digest()}
    return {"recipe": recipe, "template": template.hash, "backend": backend.identity, **made_by}


def _provenance(
    section: LabelRecipe, template: Template, backend: Backend, made_from: Mapping[str, Any]
) -> dict[str, Any]:
    ((path, sha256),) = made_from["inputs"].items()
    chosen = {"region": template.region.name, "strategy": template.strategy, "language": template.language}
    return {
        "template": {
            **chosen,
            "plan": template.plan,
            "samples": section.samples,
            "sections": section.sections,
            "hash": template.hash,
        },
        "backend": backend.name,
        "model": backend.model,
        "parameters": dict(backend.identity),
        "seed": backend.identity.get("seed"),
        "input": {"path": path, "sha256": sha256},
    }
