"""Macro AUROCs inside and outside, over the same findings and resamples of patients for all that is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from imagetrain.evaluation.auroc import auroc
from imagetrain.evaluation.bootstrap import patient_counts, replicate
from imagetrain.records import EXTERNAL, TEST, Predictions
from radprompter.pages.formats import p_value
from radprompter.statistics import bootstrap_p, percentile_interval

PLACES: Mapping[str, str] = {TEST: "inside", EXTERNAL: "outside"}
MIN_POSITIVES = 10  # in a test set, of a finding that counts in its mean


@dataclass(frozen=True, slots=True)
class Macro:
    """Mean AUROC over findings, the interval of a bootstrap of patients, and what it was made of."""

    value: float
    low: float
    high: float
    n_findings: int
    resamples: np.ndarray
    each: tuple[float, ...]  # of each classifier, where it is a mean over several


def macro(classifiers: Sequence[Predictions], part: str, *, resamples: int, seed: int = 0) -> Macro:
    """Mean over findings, and over classifiers of the same studies; the interval is that of the patients alone."""
    sets = [predictions.part(part) for predictions in classifiers]
    if any(one.study_ids != sets[0].study_ids for one in sets):
        raise ValueError("classifiers that are compared must be of the same studies")
    truth = sets[0].targets
    positives, known = np.nansum(truth == 1, axis=0), (~np.isnan(truth)).sum(axis=0)
    counted = np.flatnonzero((positives >= MIN_POSITIVES) & (positives < known))
    counts = patient_counts(sets[0].patient_ids, resamples=resamples, seed=seed)
    each, drawn = [], []
    for one in sets:
        each.append(float(np.mean([auroc(truth[:, f], one.logits[:, f]) for f in counted])))
        drawn.append(np.mean([replicate(truth[:, f], one.logits[:, f], counts).auroc for f in counted], axis=0))
    together = np.mean(drawn, axis=0)
    interval = percentile_interval(together)
    return Macro(float(np.mean(each)), interval.low, interval.high, len(counted), together, tuple(each))


def views_table(scored: Mapping[str, Predictions], *, resamples: int) -> list[str]:
    """Markdown: each run inside and outside, then inclusive against exclusive and two views against one."""
    if len({predictions.study_ids for predictions in scored.values()}) > 1:
        raise ValueError("classifiers that are compared must be of the same studies")
    macros = {(name, part): macro([one], part, resamples=resamples) for name, one in scored.items() for part in PLACES}
    lines = [f"| macro AUROC | {' | '.join(_head(macros, scored, part) for part in PLACES)} |", "|---|---|---|"]
    lines += [f"| {name} | {' | '.join(_shown(macros[name, part]) for part in PLACES)} |" for name in scored]
    lines += ["", f"| difference | {' | '.join(PLACES.values())} |", "|---|---|---|"]
    for a, b in _pairs(list(scored)):
        lines.append(f"| {a} − {b} | {' | '.join(_change(macros[a, part], macros[b, part]) for part in PLACES)} |")
    return lines


def noise_table(swept: Mapping[str, Mapping[float, Mapping[str, Macro]]]) -> list[str]:
    """Markdown: a row a way of training and share of flipped labels."""
    lines = ["| training | flipped labels | inside | outside |", "|---|--:|---|---|"]
    for option, levels in swept.items():
        for level, places in levels.items():
            cells = " | ".join(_shown(places[part]) for part in PLACES)
            lines.append(f"| {option} | {100 * level:.0f} % | {cells} |")
    options = list(swept)
    lines += ["", "| difference | flipped labels | inside | outside |", "|---|--:|---|---|"]
    for option in options[1:]:
        for level, places in swept[option].items():
            changes = " | ".join(_change(places[part], swept[options[0]][level][part]) for part in PLACES)
            lines.append(f"| {option} − {options[0]} | {100 * level:.0f} % | {changes} |")
    return lines


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    """Names are ``policy, views``: pairs that differ in one of the two."""
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return [(a, b) for a, b in pairs if sum(x == y for x, y in zip(a.split(", "), b.split(", "), strict=True)) == 1]


def _head(macros: Mapping[tuple[str, str], Macro], scored: Mapping[str, Predictions], part: str) -> str:
    first = next(iter(scored))
    n = len(scored[first].part(part).study_ids)
    return f"{PLACES[part]}: {n} studies, {macros[first, part].n_findings} findings"


def _shown(one: Macro) -> str:
    several = f"; {', '.join(f'{value:.3f}' for value in one.each)}" if len(one.each) > 1 else ""
    return f"{one.value:.3f} ({one.low:.3f}–{one.high:.3f}){several}"


def _change(a: Macro, b: Macro) -> str:
    differences = a.resamples - b.resamples
    interval = percentile_interval(differences)
    p = p_value(bootstrap_p(differences))
    return f"{a.value - b.value:+.3f} ({interval.low:+.3f} to {interval.high:+.3f}), p {p}"
