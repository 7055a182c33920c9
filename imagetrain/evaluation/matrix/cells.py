"""Classifiers against references: every run held against the labels of every labeler, and of people.

What a classifier seems to be worth depends on who says what is right. A cell is one run against one reference. `rows`
are tests of two runs against the same reference, `columns` of one run against two references of the same studies. Macro
means are over the findings that count for every reference that knows any study of a set, so that those of a set are of
the same findings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from imagetrain.evaluation.comparison.families import Rules, Scored, few
from imagetrain.evaluation.finding import discrimination
from imagetrain.evaluation.matrix.holding import Held, Labels, hold, labels_of
from imagetrain.evaluation.matrix.labelers import agreement_rows
from imagetrain.evaluation.matrix.reference_tests import compare_references, compare_under_references
from imagetrain.evaluation.numbers import Options
from imagetrain.records import ReferenceLabels
from radprompter.errors import InputError
from radprompter.statistics import percentile_interval
from radprompter.terminal import Track, quiet

Row = dict[str, Any]


def cross_schema(
    scored: Mapping[str, Mapping[str, Scored]],
    references: Mapping[str, ReferenceLabels],
    rules: Rules,
    options: Options,
    *,
    track: Track = quiet,
) -> dict[str, Any]:
    """Every run on every set against every reference, with tests of runs and of references.

    Parameters
    ----------
    scored:
        ``scored[set][run]``; the runs of a set have the same studies and resamples.
    references:
        By name; the others are held against the first. A study or finding that a reference lacks is not known to it.

    Raises
    ------
    InputError
        If there is no reference, or its targets do not fit the findings of the runs.
    """
    if not references:
        raise InputError("a matrix of runs and references needs a reference")
    labels = {
        where: {name: labels_of(one, next(iter(runs.values())).predictions) for name, one in references.items()}
        for where, runs in scored.items()
    }
    places = [(where, name, run) for where, runs in scored.items() for name in references for run in runs]
    held: dict[tuple[str, str], dict[str, Held]] = {}
    for where, name, run in track(places, "hold against references"):
        held.setdefault((where, name), {})[run] = hold(scored[where][run], labels[where][name])
    first = next(iter(references))
    in_set = {where: next(iter(runs.values())) for where, runs in scored.items()}
    findings = next(iter(in_set.values())).predictions.findings
    left_out = _left_out(labels, findings, rules)
    counted = {where: [f for f, finding in enumerate(findings) if (where, finding) not in left_out] for where in scored}
    cells = [
        {"set": where, "run": run, "reference": name} | cell
        for (where, name), runs in held.items()
        for run, one in runs.items()
        for cell in _cells(one, counted[where], rules, options)
    ]
    return {
        "references": [
            {"name": name, "title": one.title or name, "about": one.about} for name, one in references.items()
        ],
        "sets": list(scored),
        "left_out": [
            {"set": where, "finding": finding, "reasons": reasons} for (where, finding), reasons in left_out.items()
        ],
        "cells": cells,
        "rows": compare_under_references(held, counted, rules),
        "columns": compare_references(held, first, counted, rules, track=track),
        "agreement": [
            {"set": where, "reference": name, "against": first} | row
            for where, of in labels.items()
            for name in references
            if name != first
            for row in agreement_rows(
                of[name],
                of[first],
                in_set[where].predictions.patient_ids,
                findings,
                counted[where],
                in_set[where].counts,
                rules,
            )
        ],
    }


def _left_out(
    labels: Mapping[str, Mapping[str, Labels]], findings: Sequence[str], rules: Rules
) -> dict[tuple[str, str], str]:
    """(set, finding) -> the references it does not count for, and why; it is in no macro mean of that set."""
    found = {}
    for where, of in labels.items():
        asked = {name: targets for name, targets in of.items() if not np.isnan(targets).all()}
        for f, finding in enumerate(findings):
            reasons = {name: few(targets[:, f], rules.min_positives) for name, targets in asked.items()}
            if any(reasons.values()):
                found[where, finding] = "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason)
    return found


def _cells(held: Held, counted: Sequence[int], rules: Rules, options: Options) -> list[Row]:
    """One cell a finding, and one for the macro mean, whose finding is None."""
    predictions, aurocs = held.scored.predictions, held.scored.aurocs
    cells = []
    for f, finding in enumerate(predictions.findings):
        columns = predictions.targets[:, f], predictions.logits[:, f], predictions.patient_ids
        found = discrimination(*columns, aurocs[:, f], held.precisions[:, f], options, rules.definitions)
        kept = ("n", "n_positive", "prevalence", "in_macro", "excluded_because", "auroc", "average_precision")
        cells.append({"finding": finding} | {key: found[key] for key in kept})
    whole: Row = {"finding": None, "n": len(predictions.study_ids), "n_positive": None, "n_findings": len(counted)}
    whole["findings"] = [predictions.findings[f] for f in counted]
    asked = not np.isnan(predictions.targets).all()
    nothing = f"no finding has {options.min_positives} positives and a negative to every reference"
    for name, drawn in (("auroc", aurocs), ("average_precision", held.precisions)):
        values = [cells[f][name]["value"] for f in counted] if asked else []
        interval = percentile_interval(drawn[:, counted].mean(axis=1) if counted else [], alpha=options.alpha)
        whole[name] = rules.definitions.number(
            f"matrix_{name}",
            float(np.mean(values)) if values else np.nan,
            low=interval.low,
            high=interval.high,
            n=whole["n"],
            reason=nothing if asked else "no study with a known label",
            n_resamples=interval.n_used,
            n_skipped=interval.n_skipped,
        )
    return [*cells, whole]
