"""Which studies a classifier is tested on: the internal test set, and one external set a site, aligned between runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from imagetrain.records import ALL_FOLDS, EXTERNAL, PARTS, TEST, VALIDATION, Predictions
from radprompter.errors import InputError, SchemaError, TableError


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationSet:
    """The same studies, in the same order, as every run predicts them."""

    key: str
    part: str
    site: str | None
    title: str
    predictions: Mapping[str, Predictions]

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """Patient of each study."""
        return next(iter(self.predictions.values())).patient_ids

    def describe(self) -> dict[str, Any]:
        """What it is and how large, as JSON."""
        about = {"key": self.key, "part": self.part, "site": self.site, "title": self.title}
        return about | {"n_studies": len(self.patient_ids), "n_patients": len(set(self.patient_ids))}


def evaluation_sets(runs: Mapping[str, Predictions]) -> tuple[EvaluationSet, ...]:
    """The internal test set, then one set an external site.

    Raises
    ------
    InputError
        If there is nothing to evaluate, or if the runs differ in findings or in the studies of a set.
    """
    check(runs)
    first = next(iter(runs.values()))
    wanted: list[tuple[str, str | None]] = [(TEST, None)] if TEST in first.parts else []
    outside = zip(first.sites, first.parts, strict=True)
    wanted += [(EXTERNAL, site) for site in dict.fromkeys(site for site, part in outside if part == EXTERNAL)]
    if not wanted:
        found = ", ".join(sorted(set(first.parts))) or "none"
        raise InputError(f"nothing to evaluate: no study is in part {TEST!r} or {EXTERNAL!r}; parts found: {found}")
    return tuple(_one_set(runs, part, site) for part, site in wanted)


def validation_predictions(runs: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """The validation studies of each run, on which thresholds are chosen."""
    return {name: predictions.part(VALIDATION) for name, predictions in runs.items()}


def label_counts(runs: Mapping[str, Predictions]) -> list[dict[str, Any]]:
    """Labels of each run, part, site and finding, as the run was trained on or tested against them."""
    made = []
    for run, predictions in runs.items():
        where = list(zip(predictions.parts, predictions.sites, strict=True))
        for part, site in sorted(set(where), key=lambda place: (PARTS.index(place[0]), place[1])):
            found = {predictions.study_ids[i]: i for i, place in enumerate(where) if place == (part, site)}
            rows = list(found.values())  # with folds a study may validate several networks
            for f, finding in enumerate(predictions.findings):
                labels = predictions.targets[rows, f]
                known = int((~np.isnan(labels)).sum())
                positive = int((labels == 1).sum())
                made.append(
                    {
                        "run": run,
                        "part": part,
                        "site": site,
                        "finding": finding,
                        "n_studies": len(rows),
                        "n": known,
                        "n_positive": positive,
                        "prevalence": positive / known if known else None,
                    }
                )
    return made


def check(runs: Mapping[str, Predictions]) -> None:
    """Refuse runs that cannot be evaluated together.

    Raises
    ------
    InputError
        Saying which run differs from which, and how.
    """
    if not runs:
        raise InputError("nothing to evaluate: no run has predictions")
    first_name, first = next(iter(runs.items()))
    for name, run in runs.items():
        if run.findings != first.findings:
            differing = sorted(set(run.findings) ^ set(first.findings)) or ["the same ones in another order"]
            raise SchemaError(
                f"runs {first_name!r} and {name!r} predict different findings ({', '.join(differing)}); "
                "evaluate them separately"
            )
        twice = _repeated(run)
        if twice is not None:
            raise TableError(f"predictions of run {name!r} have study {twice!r} more than once")
        strangers = sorted(set(run.parts) - set(PARTS))
        if strangers:
            raise TableError(f"predictions of run {name!r}: part {strangers[0]!r} is none of {', '.join(PARTS)}")
        if not np.isfinite(run.logits).all():
            study = run.study_ids[int(np.flatnonzero(~np.isfinite(run.logits).all(axis=1))[0])]
            raise TableError(
                f"predictions of run {name!r}: the logits of study {study!r} are not finite; the training diverged"
            )
        _refuse_other_facts(first_name, first, name, run)


def _refuse_other_facts(first_name: str, first: Predictions, name: str, run: Predictions) -> None:
    """Refuse runs that do not agree on where a study was made, whose it is, or whether it is tested."""
    outside = [tuple(part == EXTERNAL for part in one.parts) for one in (first, run)]
    facts = {
        "site": (first.sites, run.sites),
        "patient": (first.patient_ids, run.patient_ids),
        "being external": (tuple(map(str, outside[0])), tuple(map(str, outside[1]))),
    }
    for what, (ours, theirs) in facts.items():
        known = dict(zip(first.study_ids, ours, strict=True))
        for study, value in zip(run.study_ids, theirs, strict=True):
            if known.get(study, value) != value:
                raise TableError(
                    f"runs {first_name!r} and {name!r} differ on the {what} of study {study!r}: "
                    f"{known[study]!r} and {value!r}; correct one of the tables"
                )


def _repeated(run: Predictions) -> str | None:
    """A study that the same network predicts twice, or that is tested twice."""
    made_by = run.folds or (ALL_FOLDS,) * len(run.study_ids)
    seen: set[tuple[str, int]] = set()
    for study, part, fold in zip(run.study_ids, run.parts, made_by, strict=True):
        key = (study, -1 if part in (TEST, EXTERNAL) else fold)
        if key in seen:
            return study
        seen.add(key)
    return None


def _one_set(runs: Mapping[str, Predictions], part: str, site: str | None) -> EvaluationSet:
    key = part if site is None else f"{part}:{site}"
    chosen = {name: _of_site(run.part(part), site) for name, run in runs.items()}
    first_name, first = next(iter(chosen.items()))
    aligned = {name: _reordered(run, first, f"runs {first_name!r} and {name!r}", key) for name, run in chosen.items()}
    names = ", ".join(name for name in dict.fromkeys(first.sites) if name)
    title = "internal test" if site is None else "external"
    title += f" ({names})" if names else ""
    return EvaluationSet(key, part, site, title, aligned)


def _of_site(predictions: Predictions, site: str | None) -> Predictions:
    if site is None:
        return predictions
    return predictions.take([i for i, where in enumerate(predictions.sites) if where == site])


def _reordered(run: Predictions, first: Predictions, who: str, key: str) -> Predictions:
    """`run` with its studies in the order of `first`."""
    place = {study: i for i, study in enumerate(run.study_ids)}
    lacking = sorted(set(first.study_ids) ^ set(place))
    if lacking:
        raise TableError(
            f"{who} do not predict the same studies in {key!r}: {len(lacking)} are in only one, such as "
            f"{lacking[0]!r}; predict both again, or evaluate them separately"
        )
    return run.take([place[study] for study in first.study_ids])
