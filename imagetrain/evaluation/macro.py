"""The macro AUROC of a run on a set: the plain mean over the findings with enough positives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.numbers import Definitions, Options
from radprompter.statistics import percentile_interval


def macro_mean(
    rows: Sequence[dict[str, Any]],
    aurocs: Floats,
    by_fold: Floats,
    n_studies: int,
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    """The mean over the findings that count, with what is left out, as JSON.

    Parameters
    ----------
    rows:
        What `finding.measure` made of each finding.
    aurocs, by_fold:
        ``(n_resamples, n_findings)``, of the pooled studies, and means over folds.
    """
    chosen = [f for f, row in enumerate(rows) if row["in_macro"]]
    values = [rows[f]["auroc"]["value"] for f in chosen]
    interval = percentile_interval(aurocs[:, chosen].mean(axis=1) if chosen else [], alpha=options.alpha)
    return {
        "auroc": definitions.number(
            "macro_auroc",
            float(np.mean(values)) if values else np.nan,
            low=interval.low,
            high=interval.high,
            n=n_studies,
            reason=f"no finding has {options.min_positives} positives and a negative here",
            n_resamples=interval.n_used,
            n_skipped=interval.n_skipped,
        ),
        "auroc_folds": _by_fold([rows[f] for f in chosen], by_fold[:, chosen], n_studies, options, definitions),
        "min": min(values, default=None),
        "max": max(values, default=None),
        "n_findings": len(chosen),
        "n_all_findings": len(rows),
        "findings": [rows[f]["finding"] for f in chosen],
        "excluded": [
            {"finding": row["finding"], "n_positive": row["n_positive"], "reason": row["excluded_because"]}
            for row in rows
            if not row["in_macro"]
        ],
    }


def _by_fold(
    rows: Sequence[dict[str, Any]], by_fold: Floats, n_studies: int, options: Options, definitions: Definitions
) -> dict[str, Any] | None:
    """The mean of the means over folds; None where networks are not pooled."""
    if not rows or rows[0]["auroc_folds"] is None:
        return None
    values = [row["auroc_folds"]["value"] for row in rows]
    lacking = [row["finding"] for row in rows if row["auroc_folds"]["value"] is None]
    interval = percentile_interval(by_fold.mean(axis=1), alpha=options.alpha)
    return definitions.number(
        "auroc_folds",
        np.nan if lacking else float(np.mean(values)),
        low=interval.low,
        high=interval.high,
        n=n_studies,
        reason=f"positives or negatives are absent in some fold for {', '.join(lacking)}",
        n_resamples=interval.n_used,
        n_skipped=interval.n_skipped,
    )
