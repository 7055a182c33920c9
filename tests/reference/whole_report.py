"""Evaluations with all that a page can show, and with hardly anything, for tests of the page and its files."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.evaluation.subgroups import Attribute
from imagetrain.records import EvaluationReport, Predictions, ReferenceLabels
from reference.predictions import FINDINGS, make_predictions, two_runs

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
STUDY: dict[str, Any] = {
    "title": "Elbow <radiographs>",
    "created": "2030-01-01",
    "synthetic": True,
    "reference": "Held against the reference.",
    "runs": [("inclusive", "uncertain counts as positive")],
    "hashes": [("/a/folder/with/a/long/name/that/does/not/fit/on/a/phone/predictions.parquet", "0123456789abcdef" * 4)],
    "not_trained": [("Fat pad sign", "3 positives, fewer than 8")],
    "flow": [
        {"step": "reports in the label table", "n": 700, "unit": "reports", "lost": []},
        {"step": "with a label", "n": 690, "unit": "reports", "lost": [{"reason": "no usable answer", "n": 10}]},
        {"step": "studies in the table of studies", "n": 660, "unit": "studies", "lost": []},
        {
            "step": "in a part of the split",
            "n": 640,
            "unit": "studies",
            "lost": [{"reason": "no image of any of the wanted views, or none that could be read", "n": 20}],
            "parts": {"train": 200, "validation": 60, "test": 140, "external": 240},
        },
    ],
    "flow_notes": ["3 reports lack some of their labels; only those cells do not count."],
    "prevalence": [
        {
            "schema": schema, "part": part, "site": site, "finding": finding, "n": 100, "n_positive": n,
            "n_negative": 100 - n, "n_uncertain": 0, "n_not_mentioned": 0,
        }
        for schema, more in (("labels", 0), ("reference findings.csv", 4))
        for part, site in (("train", "alpha"), ("test", "alpha"), ("external", "beta"))
        for n, finding in zip((30 + more, 20 + more, 10, 2, 0), FINDINGS, strict=True)
    ],
}  # fmt: skip

PICTURES = [
    {
        "run": "inclusive",
        "finding": "fracture",
        "pictures": [{"source": PIXEL, "probability": 0.93, "label": "positive"}],
    }
]


@functools.cache
def whole_report() -> EvaluationReport:
    """Two runs, two external sites, subgroups, a matrix of three references, and all that is said of a study."""
    runs = {name: _with_a_second_site(run) for name, run in two_runs().items()}
    first = runs["inclusive"]
    ids, targets = first.study_ids, first.targets
    flipped = np.where(np.random.default_rng(0).random(targets.shape) < 0.15, 1 - targets, targets)
    references = {
        "human": ReferenceLabels(ids, targets, "Radiologists", "two readers"),
        "rules": ReferenceLabels(ids, targets, "Rules"),
        "weak": ReferenceLabels(ids, flipped.astype(np.float32), "Rules with errors"),
    }
    sex = Attribute("sex", ("F", "M"), {study: "FM"[i % 3 == 0] for i, study in enumerate(ids) if i % 7})
    options = Options(resamples=60, permutations=30)
    metrics = evaluate(runs, references=references, attributes=[sex], options=options).metrics
    return EvaluationReport({**metrics, "study": STUDY})


def small_report() -> EvaluationReport:
    """One run at one site, of which nothing else is known; two findings lack positives."""
    run = make_predictions()
    inside = [i for i, part in enumerate(run.parts) if part != "external"]
    return EvaluationReport(evaluate({"only": run.take(inside)}, options=Options(resamples=0, permutations=0)).metrics)


@functools.cache
def older_report() -> EvaluationReport:
    """The metrics as they were before curves had bands and sites had thresholds of their own."""
    metrics = evaluate(two_runs(), options=Options(resamples=20, permutations=0)).metrics
    added = ("calibration", "decision", "permutation", "shift")
    rows = [{name: value for name, value in row.items() if name not in added} for row in metrics["results"]]
    kept = ("run", "set", "finding", "false_positive_rate", "true_positive_rate")
    curves = [{name: curve[name] for name in kept} for curve in metrics["curves"]]
    basic = ("options", "findings", "runs", "sets", "label_counts", "macro", "comparisons", "notes")
    definitions = {"macro_auroc": "Mean.", "threshold": "Youden.", "paired": "DeLong.", "unpaired": "DeLong."}
    return EvaluationReport(
        {name: metrics[name] for name in basic} | {"results": rows, "curves": curves, "definitions": definitions}
    )


def _with_a_second_site(run: Predictions) -> Predictions:
    outside = [i for i, part in enumerate(run.parts) if part == "external"]
    second = set(outside[len(outside) // 2 :])
    return replace(run, sites=tuple("gamma" if i in second else site for i, site in enumerate(run.sites)))
