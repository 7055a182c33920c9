"""The reports of a recipe, for commands that look at some of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from radprompter.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radprompter.recipe import StudyRecipe
    from radprompter.records import Report

MOST_COMPARED = 50_000
"""Ids among which those like an unknown one are looked for."""


def recipe_reports(study: StudyRecipe, recipe: str) -> Iterator[Report]:
    """The reports that a recipe labels, one at a time.

    Raises
    ------
    InputError
        If there is no `label` section, or its table cannot be used; a table that the recipe writes itself is named so.
    """
    from itertools import islice

    from radprompter.labeling.section import label_section
    from radprompter.store import read_reports

    section = label_section(study)
    if study.phantom is not None and not section.reports.path.is_file():
        raise TableError(f"{section.reports.path}: no such file yet; `radprompter run {recipe}` writes it")
    return islice(read_reports(section.reports), section.limit)


def find_report(reports: Iterable[Report], report_id: str, source: str) -> Report:
    """The report with an id.

    Raises
    ------
    TableError
        If there is none; the message has the nearest ids.
    """
    ids: list[str] = []
    n_reports = 0
    for report in reports:
        if report.id == report_id:
            return report
        n_reports += 1
        if n_reports <= MOST_COMPARED:
            ids.append(report.id)
    close = difflib.get_close_matches(report_id, ids, n=3, cutoff=0.5) or ids[:3]
    raise TableError(f"{source}: none of its {n_reports:,} reports is {report_id!r}; near it: {', '.join(close)}")
