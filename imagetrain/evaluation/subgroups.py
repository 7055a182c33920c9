"""How classifiers do in groups of the tested studies: by sex, age, device or whatever a table says, and by site."""

from __future__ import annotations

import bisect
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.at_frozen import NO_THRESHOLD, rate_number
from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.bootstrap import Counts, in_threads, replicate
from imagetrain.evaluation.comparison.families import few
from imagetrain.evaluation.finding import auroc_number
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.thresholds import at_threshold
from imagetrain.records import Predictions
from radprompter.statistics import percentile_interval

NOT_RECORDED = "not recorded"
SITE = "site"
AGE = re.compile(r"(\d{3})([DWMY])")  # DICOM PS3.5, value representation AS
YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something by which studies fall into groups.

    Parameters
    ----------
    name:
        What it is called, such as ``sex``.
    groups:
        In the order in which they are shown; `NOT_RECORDED` is always one more, the last.
    group_of:
        Study -> its group; a study that is not in it is not in the table.
    """

    name: str
    groups: tuple[str, ...]
    group_of: Mapping[str, str]

    def of(self, study_ids: Sequence[str]) -> list[str]:
        """The group of each study."""
        return [self.group_of.get(study, NOT_RECORDED) for study in study_ids]

    def describe(self, study_ids: Sequence[str]) -> dict[str, Any]:
        """How many studies are in each group, and how many of no group are in no table either, as JSON."""
        found = self.of(study_ids)
        sizes = {group: found.count(group) for group in (*self.groups, NOT_RECORDED) if group in found}
        absent = sum(study not in self.group_of for study in study_ids)
        return {"attribute": self.name, "groups": sizes, "n_not_in_table": absent}


def sites_of(predictions: Predictions) -> Attribute:
    """The site as an attribute."""
    named = {study: site for study, site in zip(predictions.study_ids, predictions.sites, strict=True) if site}
    return Attribute(SITE, tuple(sorted(set(named.values()))), named)


def read_age(text: str) -> float:
    """A number, or an age in years as DICOM writes it (``045Y``, ``006M``); NaN if it is neither."""
    dicom = AGE.fullmatch(text.strip())
    if dicom:
        return int(dicom[1]) * YEARS[dicom[2]]
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def bands_of(edges: Sequence[float]) -> tuple[str, ...]:
    """Names of the bands between ascending edges; a value at an edge belongs to the band above."""
    names = [f"{edge:g}" for edge in edges]
    between = [f"{low} to under {high}" for low, high in itertools.pairwise(names)]
    return (f"under {names[0]}", *between, f"{names[-1]} and over")


def band_of(value: float, edges: Sequence[float]) -> str:
    """The band of a value."""
    return bands_of(edges)[bisect.bisect_right(edges, value)]


def measure_subgroups(
    attributes: Sequence[Attribute],
    predictions: Predictions,
    counts: Counts,
    cuts: Floats,
    options: Options,
    definitions: Definitions,
) -> list[dict[str, Any]]:
    """Every group of every attribute: its macro AUROC, then each finding, as JSON.

    Parameters
    ----------
    predictions:
        Of one run on one set.
    counts:
        ``(n_studies, n_resamples)``.
    cuts:
        ``(n_studies, n_findings)``: frozen thresholds.
    """
    undefined = np.isnan(cuts).any(axis=0)  # a finding without a threshold in some fold has none
    margins = predictions.logits - np.where(undefined, np.nan, cuts)
    groups = list(_groups(attributes, predictions))
    findings = predictions.findings
    cells = [(rows, f) for _, _, rows in groups for f in range(len(findings))]

    def one(cell: int) -> tuple[dict[str, Any], Floats]:
        rows, f = cells[cell]
        targets, logits = predictions.targets[rows, f], predictions.logits[rows, f]
        patients = [predictions.patient_ids[row] for row in rows]
        row = {"finding": findings[f]} | _finding(targets, logits, patients, margins[rows, f], options, definitions)
        resampled = replicate(targets, logits, counts[rows]).auroc if row["in_macro"] else np.empty(0)
        return row, resampled

    measured, made = in_threads(one, range(len(cells))), []
    for i, (attribute, group, rows) in enumerate(groups):
        found = measured[i * len(findings) : (i + 1) * len(findings)]
        n_patients = len({predictions.patient_ids[row] for row in rows})
        about = {"attribute": attribute, "group": group, "n_studies": rows.size, "n_patients": n_patients}
        made.append(about | _macro(found, rows.size, options, definitions))
        made += [about | row for row, _ in found]
    return made


def _groups(attributes: Sequence[Attribute], predictions: Predictions) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """Attribute, group and its studies, of those that are there."""
    for attribute in attributes:
        found = np.array(attribute.of(predictions.study_ids))
        for group in (*attribute.groups, NOT_RECORDED):
            rows = np.flatnonzero(found == group)
            if rows.size:
                yield attribute.name, group, rows


def _finding(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    patient_ids: Sequence[str],
    margins: Floats,
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    known = ~np.isnan(targets)
    n, n_positive = int(known.sum()), int((targets == 1).sum())
    scarce = few(targets, options.min_positives)
    number = auroc_number(targets, logits, patient_ids, options, definitions)
    called = np.where(np.isnan(margins), np.nan, targets)
    there = at_threshold(called, margins, 0, alpha=options.alpha, patient_ids=patient_ids)
    missing = NO_THRESHOLD if np.isnan(margins).any() else ""
    return {
        "n": n,
        "n_positive": n_positive,
        "prevalence": n_positive / n if n else None,
        "status": "undefined" if number["value"] is None else "few" if scarce else "ok",
        "reason": scarce or None,
        "in_macro": not scarce,
        "auroc": number,
        "sensitivity": rate_number("sensitivity", there.sensitivity, definitions, reason=missing),
        "specificity": rate_number("specificity", there.specificity, definitions, reason=missing),
    }


def _macro(
    found: Sequence[tuple[dict[str, Any], Floats]], n_studies: int, options: Options, definitions: Definitions
) -> dict[str, Any]:
    counted = [(row, resampled) for row, resampled in found if row["in_macro"]]
    interval = percentile_interval(
        np.mean([resampled for _, resampled in counted], axis=0) if counted else [], alpha=options.alpha
    )
    number = definitions.number(
        "macro_auroc",
        float(np.mean([row["auroc"]["value"] for row, _ in counted])) if counted else np.nan,
        low=interval.low,
        high=interval.high,
        n=n_studies,
        reason=f"no finding has {options.min_positives} positives and a negative in this group",
        n_resamples=interval.n_used,
        n_skipped=interval.n_skipped,
    )
    return {
        "finding": None,
        "n": n_studies,
        "n_positive": None,
        "prevalence": None,
        "status": "ok" if counted else "undefined",
        "reason": number.get("reason"),
        "n_findings": len(counted),
        "findings": [row["finding"] for row, _ in counted],
        "auroc": number,
    }
