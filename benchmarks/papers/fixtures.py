"""Golden numbers: one confusion matrix with nine scores called F1, and tests and raters with known answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from imagetrain.evaluation.delong import paired_test
from papers.checks import Check, said
from radprompter.agreement.comparing.significance import mcnemar
from radprompter.agreement.definitions import DEFINITIONS
from radprompter.agreement.measuring.scores import score
from radprompter.agreement.raters.coefficients import coefficient
from radprompter.agreement.raters.ratings import Ratings
from radprompter.labels import LABELS, LabelState
from radprompter.statistics import benjamini_hochberg

CONFUSION = ((40, 2, 3, 1), (1, 20, 1, 2), (2, 0, 15, 1), (1, 3, 1, 7))
"""Cells by reference (rows) and labeler (columns), in the order of `ORDER`."""

ORDER = (LabelState.NOT_MENTIONED, LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN)

SCORES = {
    "jmir_three_task": 0.913510,
    "jmir_two_task": 0.916116,
    "positive": 0.816327,
    "negative": 0.789474,
    "uncertain": 0.608696,
    "chexbert": 0.761235,
    "macro": 0.738165,
    "four_class_weighted": 0.819956,
    "absent_macro": 0.787507,
    "uncertain_is_negative": 0.816327,
    "uncertain_is_positive": 0.888889,
    "mention": 0.909091,
}
"""What the matrix scores under each definition, computed apart from this project's code."""


def counts_of(confusion: tuple[tuple[int, ...], ...] = CONFUSION) -> np.ndarray:
    """Counts of one finding as `radprompter.agreement.measuring.scores` takes them, ``(1, 4, 5)``."""
    counts = np.zeros((1, len(LABELS), len(LABELS) + 1))
    for row, truth in zip(confusion, ORDER, strict=True):
        for cell, found in zip(row, ORDER, strict=True):
            counts[0, LABELS.index(truth), LABELS.index(found)] = cell
    return counts


def check_fixtures() -> Iterator[Check]:
    """Golden numbers beside ours."""
    for name, expected in SCORES.items():
        yield _golden(f"the 4 x 4 matrix, {name}", [expected], [_f1(name)], DEFINITIONS[name].says)
    three, two = (_f1(name) for name in ("jmir_three_task", "jmir_two_task"))
    alone = replace(DEFINITIONS["jmir_three_task"], name="uncertain_task", tasks=(LabelState.UNCERTAIN,))
    task = float(score(alone, "weighted_f1", counts_of()).overall)
    why = "what is solved for in JMIR's tables"
    yield _golden("the 4 x 4 matrix, uncertain task as 3 three-task - 2 two-task", [task], [3 * three - 2 * two], why)
    yield _golden(
        "Benjamini-Hochberg of .001 .02 .03 .2 .5",
        [0.005, 0.05, 0.05, 0.25, 0.5],
        list(benjamini_hochberg([0.001, 0.02, 0.03, 0.2, 0.5]).p),
        "step-up over five tests",
    )
    for method, p in (("exact", 4.43444926e-06), ("chi_squared_corrected", 5.45009483e-06)):
        found = mcnemar(121, 59, n=314, method=method).p
        yield said(
            f"McNemar of [[101, 121], [59, 33]], {method.replace('_', ' ')}",
            f"{p:.8e}",
            f"{found:.8e}",
            same=abs(found - p) < 1e-13,
            why="statsmodels 0.15",
        )
    raters = coefficient("gwet", Ratings.from_table([[118, 5], [2, 0]], ("absent", "present")))
    yield _golden(
        "Gwet's AC1 of [[118, 5], [2, 0]]: value, SE, interval",
        [0.94078, 0.02306, 0.89514, 0.98641],
        [raters.value, raters.se, raters.low, raters.high],
        "irrCAC 1.4",
        decimals=5,
    )
    y = [1] * 5 + [0] * 7
    a = [0.9, 0.8, 0.7, 0.55, 0.4, 0.6, 0.5, 0.35, 0.3, 0.2, 0.1, 0.05]
    b = [0.7, 0.9, 0.35, 0.6, 0.3, 0.65, 0.4, 0.5, 0.2, 0.45, 0.1, 0.15]
    test = paired_test(y, a, b)
    yield _golden(
        "DeLong of two scores: AUROCs, z, p",
        [0.914286, 0.742857, 1.289007, 0.197396],
        [test.auroc_a, test.auroc_b, test.statistic, test.p],
        "paired, by hand and pROC",
    )


def _f1(name: str) -> float:
    definition = DEFINITIONS[name]
    return float(score(definition, definition.measures[0], counts_of()).overall)


def _golden(what: str, expected: list[float], found: list[float], why: str, *, decimals: int = 6) -> Check:
    same = all(abs(one - other) <= 0.5 * 10.0**-decimals + 1e-12 for one, other in zip(expected, found, strict=True))
    shown = ["  ".join(f"{value:.{decimals}f}" for value in values) for values in (expected, found)]
    return said(what, *shown, same=same, why=why)
