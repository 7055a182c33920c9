"""Confusion matrices as they are printed: counts, and the share of each row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.measuring.cells import UNLABELLED
from radprompter.agreement.page.shown import Labeler, Ledger, worded
from radprompter.labels import LABELS
from radprompter.pages.formats import count, percent

HEADS = ("positive", "negative", "uncertain", "not mentioned", "no label")
"""Heads of the columns: labels of the labeler."""


class Share(NamedTuple):
    """One cell: how many, which share of its row (None of an empty row), and whether both say the same."""

    n: str
    percent: str
    share: float
    is_right: bool


class Row(NamedTuple):
    """One label of the reference."""

    label: str
    n: str
    cells: tuple[Share, ...]


class Matrix(NamedTuple):
    """One labeler against the reference."""

    labeler: Labeler
    rows: tuple[Row, ...]


class Matrices(NamedTuple):
    """The matrices of all labelers for one finding, or for all findings together."""

    title: str
    columns: tuple[str, ...]
    of_labelers: tuple[Matrix, ...]


def confusion_matrices(ledger: Ledger) -> tuple[Matrices, ...]:
    """All findings together, then each; the column for cells without a label only where there are any."""
    counts = ledger.agreement.measured.counts
    n_columns = UNLABELLED + 1 if counts[..., UNLABELLED].any() else UNLABELLED
    named = [("all findings together", counts.sum(axis=1))]
    named += [(worded(name), counts[:, column]) for column, name in enumerate(ledger.agreement.cells.findings)]
    return tuple(
        Matrices(
            title,
            HEADS[:n_columns],
            tuple(
                Matrix(labeler, tuple(_rows(matrix[:, :n_columns])))
                for labeler, matrix in zip(ledger.labelers, of_labelers, strict=True)
            ),
        )
        for title, of_labelers in named
    )


def _rows(matrix: NDArray[np.float64]) -> list[Row]:
    rows = []
    for code, label in enumerate(LABELS):
        total = float(matrix[code].sum())
        cells = []
        for column, n in enumerate(matrix[code]):
            share = float(n) / total if total else None
            cells.append(
                Share(count(float(n)), percent(share) if share else "", round(share or 0.0, 3), column == code)
            )
        rows.append(Row(worded(label), count(total), tuple(cells)))
    return rows
