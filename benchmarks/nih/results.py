"""From out-of-fold predictions to numbers: pooled and as a mean over folds, with intervals and paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from imagetrain.evaluation.auroc import auroc
from imagetrain.evaluation.bootstrap import patient_counts, replicate
from imagetrain.evaluation.delong import delong, paired_test
from imagetrain.records import TEST, Predictions
from radprompter.pages.formats import p_value
from radprompter.statistics import percentile_interval


class OutOfFold(NamedTuple):
    """Each image once, scored by the network that had not seen its patient."""

    study_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    fold: np.ndarray
    targets: np.ndarray
    logits: np.ndarray


class Estimate(NamedTuple):
    """A number with the interval of a bootstrap of patients, and its resamples."""

    value: float
    low: float
    high: float
    resamples: np.ndarray


def out_of_fold(folds: Sequence[Predictions]) -> OutOfFold:
    """The test parts of all folds, in the order of their study ids."""
    tests = [fold.part(TEST) for fold in folds]
    ids = [study for test in tests for study in test.study_ids]
    if len(set(ids)) != len(ids):
        raise ValueError("an image is in the test part of two folds")
    order = np.argsort(ids)
    number = np.concatenate([np.full(len(test.study_ids), index) for index, test in enumerate(tests)])
    patients = np.array([patient for test in tests for patient in test.patient_ids])
    return OutOfFold(
        tuple(np.array(ids)[order]),
        tuple(patients[order]),
        number[order],
        np.concatenate([test.targets for test in tests])[order],
        np.concatenate([test.logits for test in tests])[order],
    )


def pooled(scored: OutOfFold, column: int, among: np.ndarray, counts: np.ndarray) -> Estimate:
    """AUROC of all images together; networks of different folds share a scale only as far as they are alike."""
    targets = np.where(among, scored.targets[:, column], np.nan)
    scores = scored.logits[:, column]
    return _estimate(auroc(targets, scores), replicate(targets, scores, counts).auroc)


def mean_of_folds(scored: OutOfFold, columns: Sequence[int], among: np.ndarray, counts: np.ndarray) -> Estimate:
    """Mean over findings and folds of the AUROC within a fold, which compares scores of one network alone."""
    values, resamples = [], []
    for column in columns:
        for fold in np.unique(scored.fold):
            targets = np.where(among & (scored.fold == fold), scored.targets[:, column], np.nan)
            values.append(auroc(targets, scored.logits[:, column]))
            resamples.append(replicate(targets, scored.logits[:, column], counts).auroc)
    defined = np.isfinite(values)  # a fold without one of the classes has no AUROC
    means = np.stack(resamples)[defined].mean(axis=0)  # a resample without them is not used
    return _estimate(float(np.mean(np.array(values)[defined])), means)


def tables(scored: Mapping[str, OutOfFold], findings: Sequence[str], *, resamples: int, seed: int = 0) -> list[str]:
    """Markdown: each contender's numbers, then each pair against the first named contender."""
    first = next(iter(scored.values()))
    counts = patient_counts(first.patient_ids, resamples=resamples, seed=seed)
    every, ill = np.ones(len(first.study_ids), dtype=bool), first.targets[:, 0] == 1
    others = list(range(1, len(findings)))
    lines = [
        f"{len(first.study_ids)} images of {len(set(first.patient_ids))} patients, {int(ill.sum())} with pneumonia; "
        f"co-labels within those: {', '.join(f'{findings[c]} {int(first.targets[ill, c].sum())}' for c in others)}",
        "",
        "| | pneumonia, pooled | DeLong | mean of folds | co-labels within pneumonia, mean of folds |",
        "|---|---|---|---|---|",
    ]
    found: dict[str, tuple[Estimate, Estimate, Estimate]] = {}
    for name, one in scored.items():
        by_delong = delong(one.targets[:, 0], one.logits[:, 0])
        found[name] = (
            pooled(one, 0, every, counts),
            mean_of_folds(one, [0], every, counts),
            mean_of_folds(one, others, ill, counts),
        )
        a, b, c = (_shown(estimate) for estimate in found[name])
        lines.append(f"| {name} | {a} | {_limits(by_delong.low, by_delong.high)} | {b} | {c} |")
    lines += ["", "| difference | pooled (paired DeLong) | mean of folds | co-labels |", "|---|---|---|---|"]
    for name, other in ((a, b) for a in scored for b in scored if _same_network(a, b)):
        test = paired_test(first.targets[:, 0], scored[name].logits[:, 0], scored[other].logits[:, 0])
        cells = [f"{test.difference:+.3f} {_limits(test.low, test.high, sign=True)}, p {p_value(test.p)}"]
        for mine, theirs in list(zip(found[name], found[other], strict=True))[1:]:
            change = _estimate(mine.value - theirs.value, mine.resamples - theirs.resamples)
            cells.append(_shown(change, sign=True))
        lines.append(f"| {name} − {other} | " + " | ".join(cells) + " |")
    return lines


def _same_network(name: str, other: str) -> bool:
    """Ours against each other contender with the same network; names are ``network, contender``."""
    return name != other and name.split(", ")[0] == other.split(", ")[0] and name.endswith("ours")


def _estimate(value: float, resamples: np.ndarray) -> Estimate:
    interval = percentile_interval(resamples)
    return Estimate(value, interval.low, interval.high, np.asarray(resamples))


def _shown(estimate: Estimate, *, sign: bool = False) -> str:
    number = f"{estimate.value:+.3f}" if sign else f"{estimate.value:.3f}"
    return f"{number} {_limits(estimate.low, estimate.high, sign=sign)}"


def _limits(low: float, high: float, *, sign: bool = False) -> str:
    return f"({low:+.3f} to {high:+.3f})" if sign else f"({low:.3f}–{high:.3f})"
