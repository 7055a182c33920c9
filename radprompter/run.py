"""The labeling flow on one screen: reports, prompts, completions, readings, table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any

from radprompter.backends import open_backend
from radprompter.backends.base import Backend
from radprompter.backends.endpoint import goes_elsewhere
from radprompter.disguises import is_disguised
from radprompter.errors import TableError
from radprompter.files import is_up_to_date, read_json, stamp_inputs, write_json, write_stamp
from radprompter.journal import Journal
from radprompter.label_table import LabelTable
from radprompter.labeling.asking import Asker, Survey
from radprompter.labeling.engine import Engine
from radprompter.labeling.headway import Headway
from radprompter.labeling.manifest import label_manifest, label_summary
from radprompter.labeling.rounds import Labeling, Rounds
from radprompter.labeling.section import (
    label_journal,
    label_limits,
    label_provenance,
    label_rounds,
    label_screening,
    label_section,
    label_settings,
    label_template,
)
from radprompter.ownership import refuse_to_replace, replacing
from radprompter.privacy import Found, Screening, refuse_examples
from radprompter.prompting.length import LengthCounts, describe_length
from radprompter.prompting.templates import Template
from radprompter.recipe import LabelRecipe, Privacy, StudyRecipe
from radprompter.records import LabeledReport, Report
from radprompter.store import (
    ATTRIBUTES_CSV,
    FAILURES_CSV,
    LABELS_CSV,
    LABELS_PARQUET,
    MANIFEST,
    LabelFiles,
    read_labels,
    read_reports,
)
from radprompter.terminal import Track, quiet
from radprompter.tracked import track_labels

BATCHES = "batches"
OUTPUTS = (LABELS_PARQUET, LABELS_CSV, FAILURES_CSV, ATTRIBUTES_CSV, MANIFEST)

Before = Callable[[Survey], None]
"""Is told what will be sent before anything is."""


@dataclass(frozen=True)
class LabelRun:
    """A finished labeling stage: its folder, and what a command says of it."""

    folder: Path
    summary: dict[str, Any]
    written_ns: int  # when the labels were, by the clock of their file

    @classmethod
    def of(cls, folder: Path, summary: dict[str, Any]) -> LabelRun:
        """The run whose labels are in a folder now."""
        return cls(folder, summary, (folder / LABELS_PARQUET).stat().st_mtime_ns)

    @cached_property
    def table(self) -> LabelTable:
        """The labels, read from their file when they are first asked for.

        Raises
        ------
        TableError
            If a later run has written the file again.
        """
        path = self.folder / LABELS_PARQUET
        if path.stat().st_mtime_ns != self.written_ns:
            raise TableError(f"{path}: written again since this run; read it anew, or give each run a folder (--out)")
        return read_labels(path)


def _go_on(survey: Survey) -> None:
    """Ask, whatever it takes."""


def label_reports(
    recipe: StudyRecipe,
    *,
    journal: Path | None = None,
    overwrite: bool = False,
    track: Track = quiet,
    before: Before = _go_on,
    engine: Engine | None = None,
) -> LabelRun:
    """Label the reports of a recipe into ``{out}/label``; skip what is up to date, ask only what is not in the journal.

    Reports are read twice and never held together: once to see what will be sent, which `before` is told and may
    raise to prevent, once to label them; an `engine` has the questions answered in between. Runs may share a `journal`,
    which goes before the recipe's own. The same completions give the same label files, byte for byte, in whatever
    order they came.

    Raises
    ------
    InputError
        If the recipe, the table of reports or the region cannot be used, or a file would be replaced that this study
        did not write and `overwrite` is not set; nothing is asked then.
    JournalError
        If another process labels into the same folder, or the journal is damaged.
    BackendError
        If the backend cannot go on at all; what it answered is in the journal.
    BudgetError
        If too many requests failed, or the money is spent; what was answered is in the journal.
    AwaitingError
        If answers will come later; running the same again fetches them.
    """
    started = time.monotonic()
    section, folder = label_section(recipe), recipe.out / "label"
    screening = label_screening(section, elsewhere=engine is not None and engine.is_elsewhere)
    template = replace(label_template(section), screen=screening)
    limits = label_limits(section)
    with closing(open_backend(section.backend, template.region, folder=folder / BATCHES)) as backend:
        made_from = stamp_inputs(label_settings(section, template, backend), [section.reports.path])
        if is_up_to_date(folder, made_from):
            track_labels(recipe)
            return LabelRun.of(folder, label_summary(read_json(folder / MANIFEST), up_to_date=True))
        if not overwrite:
            refuse_to_replace(folder, OUTPUTS, study=recipe.name)
        labeling = Labeling(template, backend, label_rounds(section))
        with ExitStack() as opened:
            path = journal or label_journal(recipe)
            asker = Asker(backend, keep_truncated=section.reasks > 0, watch=limits.check)
            if path.is_file():  # else it is made when nothing is found wrong, so that a wrong request leaves nothing
                asker.journal = opened.enter_context(Journal(path, durability=section.durability))
            survey = _look_ahead(labeling, asker, screening, track(_reports(section), "look ahead", section.limit))
            before(survey)
            if stamp_inputs({}, [section.reports.path])["inputs"] != made_from["inputs"]:
                raise TableError(f"{section.reports.path}: changed while it was looked at; nothing was sent, run again")
            if not isinstance(asker.journal, Journal):
                asker.journal = opened.enter_context(Journal(path, durability=section.durability))
            headway = Headway(asker.tally, limits)
            if engine is not None:
                engine.fill(section, labeling, asker, n_reports=survey.n_reports, track=partial(track, note=headway))
            lengths, found, n_disguised = LengthCounts(), Found(screening), 0
            with LabelFiles(folder, template.region.schema) as files:
                done = label_each(_reports(section), labeling, asker)
                for labeled in track(done, "label reports", survey.n_reports, note=headway):
                    files.add(labeled.cells)
                    lengths = lengths.plus(labeled.report)
                    found.add(labeled.report)
                    n_disguised += is_disguised(labeled.report.text)
                opened.enter_context(replacing(folder, OUTPUTS, study=recipe.name))
                names = files.finish()
            manifest = label_manifest(label_provenance(section, template, backend, made_from), files, asker.tally)
            manifest["spent_usd"] = limits.spent_usd(asker.tally)
            manifest["canary"] = dict(asker.proven or {})
            manifest["length"] = describe_length(template.length, template.counter, lengths)
            manifest["privacy"] = found.describe()
            manifest["n_disguised"] = n_disguised
            manifest["n_answered_before"] = survey.n_known
            manifest["seconds"] = round(time.monotonic() - started, 3)
            write_json(folder / MANIFEST, manifest)
            if not manifest["n_failed_requests"]:  # else the next run asks those again
                write_stamp(folder, made_from, (*names, MANIFEST))
    track_labels(recipe)
    return LabelRun.of(folder, label_summary(manifest, up_to_date=False))


def label_each(reports: Iterable[Report], labeling: Labeling, asker: Asker) -> Iterator[LabeledReport]:
    """The cells of each report, in order, while others are under way."""
    for labeled in asker.hold(labeling.label(report) for report in reports):
        asker.tally.add_report(labeled)
        yield labeled


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
    screening = Screening.of(privacy or Privacy(), elsewhere=goes_elsewhere(backend.identity))
    labeling = Labeling(replace(template, screen=screening), backend, rounds or Rounds())
    kept, asker = list(reports), Asker(backend)
    _look_ahead(labeling, asker, screening, kept)
    done = track(label_each(kept, labeling, asker), "label reports", len(kept))
    return LabelTable.from_cells((cell for labeled in done for cell in labeled.cells), template.region.schema)


def _look_ahead(labeling: Labeling, asker: Asker, screening: Screening, reports: Iterable[Report]) -> Survey:
    """Read all reports and write their first prompts, so that what is wrong with any shows before one is sent.

    Raises
    ------
    InputError
        If a report cannot be read or asked about, or names a person and may not.
    """
    refuse_examples(screening, labeling.template.examples)
    found = Found(screening)
    findings = labeling.template.region.findings
    prompts = (labeling.first_prompts(report) for report in reports)
    survey = asker.survey(found.watch(prompts), [name for name, finding in findings.items() if finding.depends_on])
    found.refuse()
    return survey


def _reports(section: LabelRecipe) -> Iterator[Report]:
    return islice(read_reports(section.reports), section.limit)
