"""Agreement beside scikit-learn, where it has the measure: on random tables, zeros and all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from random_cells import random_cells
from sklearn import metrics

from radprompter.agreement.definitions import BINARY, DEFINITIONS, Definition
from radprompter.agreement.measuring.cells import UNLABELLED, Cells, count
from radprompter.agreement.measuring.scores import Scores, score
from radprompter.labels import LABELS

FOUR, THREE = range(4), range(3)  # codes of positive, negative, uncertain, not mentioned
SETTINGS = settings(deadline=None, max_examples=25)


def _columns(cells: Cells) -> list[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]]:
    """Labeler, finding, and the codes and weights of the cells that the reference has."""
    columns = []
    for labeler, finding in np.ndindex(len(cells.labelers), len(cells.findings)):
        known = cells.reference[:, finding] >= 0
        codes = cells.reference[known, finding], cells.labels[labeler, known, finding]
        columns.append((labeler, finding, *codes, cells.weights[known]))
    return columns


def _score(name: str, cells: Cells, measure: str = "") -> Scores:
    definition = DEFINITIONS[name]
    chosen = next(each for each in definition.measures if each == (measure or definition.measures[0]))
    observed = count(_unweighted(cells))
    return score(definition, chosen, count(cells), no_finding=cells.no_finding, observed=observed)


def _unweighted(cells: Cells) -> Cells:
    return replace(cells, weights=np.ones(cells.n_reports))


def _positive(codes: np.ndarray, definition: Definition, side: str) -> np.ndarray:
    """Which codes are positive after the projection of a side; no label is none."""
    states = getattr(definition, side).states
    chosen = [code for code in FOUR if states[LABELS[code]] == "positive"]
    return np.isin(codes, chosen)


@given(random_cells(most_reports=12))
@SETTINGS
@pytest.mark.parametrize("name", ["uncertain_is_negative", "uncertain_is_positive", "mention"])
def test_binary_measures_are_scikit_learns(name: str, cells: Cells) -> None:
    definition = DEFINITIONS[name]
    found = {measure: _score(name, cells, measure).by_finding for measure in BINARY}
    for labeler, finding, truth, called, weights in _columns(cells):
        if not truth.size or (called == UNLABELLED).any():
            continue
        one, other = _positive(truth, definition, "reference"), _positive(called, definition, "labeler")
        expected = {
            "accuracy": metrics.accuracy_score(one, other, sample_weight=weights),
            "sensitivity": _ask(metrics.recall_score, one, other, weights),
            "specificity": _ask(metrics.recall_score, ~one, ~other, weights),
            "ppv": _ask(metrics.precision_score, one, other, weights),
            "npv": _ask(metrics.precision_score, ~one, ~other, weights),
            "f1": _ask(metrics.f1_score, one, other, weights),
        }
        ours = {measure: values[labeler, finding] for measure, values in found.items()}
        assert ours == pytest.approx(expected, abs=1e-12, nan_ok=True)


def _ask(of: object, truth: np.ndarray, called: np.ndarray, weights: np.ndarray) -> float:
    return float(of(truth, called, sample_weight=weights, zero_division=np.nan))  # type: ignore[operator]


@given(random_cells(most_reports=12))
@SETTINGS
def test_the_weighted_f1_of_a_task_is_scikit_learns(cells: Cells) -> None:
    """Both sides of each task weighted by the reference; scikit-learn's 0/0 is 1 here, and weighs nothing."""
    found = _score("jmir_three_task", cells)
    for labeler, finding, truth, called, weights in _columns(cells):
        if not truth.size or (called == UNLABELLED).any():
            continue
        tasks = [
            metrics.f1_score(
                truth == code, called == code, average="weighted", sample_weight=weights, zero_division=1.0
            )
            for code in THREE
        ]
        assert found.by_task[labeler, finding] == pytest.approx(tasks, abs=1e-12)
        assert found.by_finding[labeler, finding] == pytest.approx(np.mean(tasks), abs=1e-12)


@given(random_cells(most_reports=12))
@SETTINGS
def test_class_f1s_and_their_averages_are_scikit_learns(cells: Cells) -> None:
    """Of cells without a label scikit-learn makes a class of its own, which is in none of the averages."""
    cells = _without_no_finding(cells)
    macro, chexbert, four = (_score(name, cells) for name in ("macro", "chexbert", "four_class_weighted"))
    for labeler, finding, truth, called, weights in _columns(cells):
        if not truth.size:
            continue
        *_, f1, support = metrics.precision_recall_fscore_support(
            truth, called, labels=list(FOUR), sample_weight=weights, zero_division=np.nan
        )
        n_cells = np.array([(truth == code).sum() for code in THREE])
        expected = f1[:3][n_cells > 0]
        assert macro.by_task[labeler, finding] == pytest.approx(f1[:3], abs=1e-12, nan_ok=True)
        mean = expected.mean() if expected.size else np.nan
        assert macro.by_finding[labeler, finding] == pytest.approx(mean, abs=1e-12, nan_ok=True)
        for scores, codes in ((chexbert, THREE), (four, FOUR)):
            share = support[list(codes)]
            weighted = (np.nan_to_num(f1[list(codes)]) * share).sum() / share.sum() if share.sum() else np.nan
            assert scores.by_finding[labeler, finding] == pytest.approx(weighted, abs=1e-12, nan_ok=True)
            if share.sum():
                average = metrics.f1_score(
                    truth, called, labels=list(codes), average="weighted", sample_weight=weights, zero_division=0.0
                )
                assert scores.by_finding[labeler, finding] == pytest.approx(average, abs=1e-12)


def _without_no_finding(cells: Cells) -> Cells:
    return replace(cells, no_finding=None)


@given(random_cells(most_reports=12))
@SETTINGS
def test_pooled_f1s_accuracy_and_the_confusion_matrix_are_scikit_learns(cells: Cells) -> None:
    counts = count(cells)
    micro, macro, same = (_score(name, cells).overall for name in ("micro", "macro_zero", "cell_accuracy"))
    pooled = _score("macro_pooled", cells).overall
    for labeler in range(len(cells.labelers)):
        columns = [each for each in _columns(cells) if each[0] == labeler]
        truth, called, weights = (np.concatenate([each[part] for each in columns]) for part in (2, 3, 4))
        if not truth.size:
            assert np.isnan([micro[labeler], macro[labeler], same[labeler], pooled[labeler]]).all()
            continue
        asked = {"labels": list(THREE), "sample_weight": weights}
        expected = metrics.f1_score(truth, called, average="micro", zero_division=np.nan, **asked)
        assert micro[labeler] == pytest.approx(expected, abs=1e-12, nan_ok=True)
        of_classes = metrics.f1_score(truth, called, average=None, zero_division=np.nan, **asked)
        there = of_classes[[(truth == code).any() for code in THREE]]
        assert pooled[labeler] == pytest.approx(there.mean() if there.size else np.nan, abs=1e-12, nan_ok=True)
        assert same[labeler] == pytest.approx(metrics.accuracy_score(truth, called, sample_weight=weights), abs=1e-12)
        matrix = metrics.confusion_matrix(truth, called, labels=[*FOUR, UNLABELLED], sample_weight=weights)
        assert counts[labeler].sum(axis=0) == pytest.approx(matrix[:4], abs=1e-12)
        zeros = [
            metrics.f1_score(one, other, average="macro", labels=list(THREE), sample_weight=n, zero_division=0.0)
            for _, _, one, other, n in columns
            if one.size
        ]
        assert macro[labeler] == pytest.approx(np.mean(zeros), abs=1e-12)
