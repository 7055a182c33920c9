"""Who chose which category for which subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radprompter.errors import SchemaError

MISSING = -1
"""The code of a rating that was not given."""


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """The category that each rater chose for each subject.

    Parameters
    ----------
    codes:
        int64 ``(n_subjects, n_raters)``: places in `categories`, `MISSING` where a rater gave no rating.
    categories:
        Every category that a rater could choose, used or not, in an order that weights can rely on.
    clusters:
        int64 ``(n_subjects,)``: subjects of the same number belong together, such as the cells of one report, and vary
        together in standard errors. None if each subject stands alone.

    Raises
    ------
    SchemaError
        If there are fewer than two raters or categories, a category repeats, or a code is no place in `categories`.
    """

    codes: NDArray[np.int64]
    categories: tuple[str, ...]
    clusters: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.shape[1] < 2:
            raise SchemaError(f"ratings: expected subjects x two raters or more, found the shape {self.codes.shape}")
        if len(self.categories) < 2 or len(set(self.categories)) < len(self.categories):
            found = ", ".join(self.categories) or "none"
            raise SchemaError(
                f"ratings: expected two different categories or more, found {found}; declare unused ones, too"
            )
        if self.codes.size and not MISSING <= self.codes.min() <= self.codes.max() < len(self.categories):
            raise SchemaError(f"ratings: codes go from {MISSING} (missing) to {len(self.categories) - 1}")
        if self.clusters is not None and self.clusters.shape != self.codes.shape[:1]:
            raise SchemaError(f"ratings: expected one cluster a subject, found the shape {self.clusters.shape}")

    @classmethod
    def from_table(cls, table: ArrayLike, categories: Sequence[str]) -> Ratings:
        """The ratings of two raters from their contingency table: counts ``(q, q)``, the first rater in rows.

        Raises
        ------
        SchemaError
            If the table is not square with one row a category, or has something else than counts.
        """
        counts = np.asarray(table)
        if counts.shape != (len(categories), len(categories)) or (counts < 0).any() or (counts % 1 != 0).any():
            raise SchemaError(f"expected {len(categories)} x {len(categories)} counts, found the shape {counts.shape}")
        pairs = np.indices(counts.shape).reshape(2, -1).T
        return cls(np.repeat(pairs, counts.ravel().astype(np.int64), axis=0), tuple(categories))

    @property
    def counts(self) -> NDArray[np.float64]:
        """How many raters chose each category, ``(n_subjects, n_categories)``."""
        chosen = [(self.codes == code).sum(axis=1) for code in range(len(self.categories))]
        return np.stack(chosen, axis=1).astype(np.float64)

    def take(self, subjects: NDArray[np.bool_]) -> Ratings:
        """The ratings of some of the subjects."""
        clusters = None if self.clusters is None else self.clusters[subjects]
        return Ratings(self.codes[subjects], self.categories, clusters)
