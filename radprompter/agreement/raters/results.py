"""The agreement of raters finding by finding, and over all findings, as values and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from radprompter.agreement.raters.coefficients import Coefficient, coefficient
from radprompter.agreement.raters.panel import Panel
from radprompter.agreement.raters.ratings import Ratings
from radprompter.agreement.raters.weights import WeightsLike

FEW_SUBJECTS, FEW_CHOSEN = 20, 5
"""Fewer subjects with two ratings, or fewer subjects of a category, than these are too few to rely on."""

FIELDS = (
    "finding", "coefficient", "weights", "value", "se", "low", "high", "p", "pa", "pe", "n_subjects", "n_raters",
    "n_left_out", "categories", "few", "reason",
)  # fmt: skip
"""The columns of a row of `rows`."""


@dataclass(frozen=True, slots=True, eq=False)
class RaterAgreement:
    """The coefficients of one finding, by the names that were asked for; `finding` is None for all findings pooled.

    `n_chosen` has, for each category, the subjects with two ratings of which any rater chose it.
    """

    finding: str | None
    n_chosen: Mapping[str, int]
    coefficients: Mapping[str, Coefficient]

    @property
    def n_subjects(self) -> int:
        """Subjects with two ratings or more."""
        return next(iter(self.coefficients.values())).n_subjects

    @property
    def few(self) -> tuple[str, ...]:
        """What there is too little of to rely on: subjects, or subjects of a category."""
        subjects = ("subjects",) if self.n_subjects < FEW_SUBJECTS else ()
        return (*subjects, *(name for name, count in self.n_chosen.items() if count < FEW_CHOSEN))


def usual(n_raters: int) -> tuple[str, ...]:
    """The coefficients that are shown unless others are asked for."""
    return ("percent", "gwet", "cohen" if n_raters == 2 else "fleiss", "krippendorff")


def assess(
    panel: Panel,
    *,
    names: Sequence[str] = (),
    weights: WeightsLike = "identity",
    confidence: float = 0.95,
    interval: str = "t",
) -> tuple[RaterAgreement, ...]:
    """The agreement of a panel: each finding with its reports as subjects, then all findings pooled.

    Pooled, the cells are the subjects, and the cells of one report vary together in the standard error. Without names
    the coefficients are the `usual`.

    Raises
    ------
    InputError
        If a name, the weights or the interval is unknown.
    """
    names = tuple(names) or usual(len(panel.raters))
    how: dict[str, Any] = {"weights": weights, "confidence": confidence, "interval": interval}
    found = [_agreement(name, panel.ratings(name), names, how) for name in panel.findings]
    return (*found, _agreement(None, panel.pooled(), names, how))


def assess_pairs(
    panel: Panel,
    *,
    names: Sequence[str] = (),
    weights: WeightsLike = "identity",
    confidence: float = 0.95,
    interval: str = "t",
) -> dict[tuple[str, str], RaterAgreement]:
    """The agreement of each two raters who have something in common, all findings pooled; the rest is as in `assess`.

    Categories are those of the whole panel, so that the pairs can be compared.
    """
    names = tuple(names) or usual(2)
    how: dict[str, Any] = {"weights": weights, "confidence": confidence, "interval": interval}
    pairs = (panel.pair(one, other) for one, other in combinations(range(len(panel.raters)), 2))
    return {
        (pair.raters[0], pair.raters[1]): _agreement(None, pair.pooled(), names, how)
        for pair in pairs
        if pair is not None
    }


def _agreement(finding: str | None, ratings: Ratings, names: Sequence[str], how: Mapping[str, Any]) -> RaterAgreement:
    counts = ratings.counts
    chosen = (counts[counts.sum(axis=1) >= 2] > 0).sum(axis=0)
    return RaterAgreement(
        finding,
        dict(zip(ratings.categories, map(int, chosen), strict=True)),
        {name: coefficient(name, ratings, **how) for name in names},
    )


def rows(agreements: Sequence[RaterAgreement]) -> Iterator[dict[str, Any]]:
    """One row a finding and coefficient, with the keys `FIELDS`; an undefined number is NaN."""
    for item in agreements:
        for name, found in item.coefficients.items():
            values = {
                **found._asdict(),
                "finding": "all findings" if item.finding is None else item.finding,
                "coefficient": name,
                "categories": " ".join(item.n_chosen),
                "few": " ".join(item.few),
                "reason": "" if found.reason is None else str(found.reason),
            }
            yield {field: values[field] for field in FIELDS}


def summarise(
    panel: Panel,
    agreements: Sequence[RaterAgreement],
    pairs: Mapping[tuple[str, str], RaterAgreement],
    *,
    confidence: float,
    interval: str,
) -> dict[str, Any]:
    """The numbers of a panel, and of its pairs, as plain data, without words of any report."""
    return {
        "raters": list(panel.raters),
        "projection": panel.projection,
        "confidence": confidence,
        "interval": interval,
        "variance": "linearisation (Gwet 2014), n - 1; pooled cells of a report vary together",
        "n_reports": len(panel.report_ids),
        "n_reports_single": panel.n_reports_single,
        "columns": {name: list(columns) for name, columns in zip(panel.findings, panel.columns, strict=True)},
        "left_out": [asdict(item) for item in panel.left_out],
        "agreements": [_plain(item) for item in agreements],
        "pairs": [{"raters": list(raters), **_plain(item)} for raters, item in pairs.items()],
    }


def _plain(item: RaterAgreement) -> dict[str, Any]:
    return {
        "finding": item.finding,
        "n_subjects": item.n_subjects,
        "n_chosen": dict(item.n_chosen),
        "few": list(item.few),
        "coefficients": {
            name: {**found._asdict(), "reason_words": found.reason.words if found.reason else ""}
            for name, found in item.coefficients.items()
        },
    }
