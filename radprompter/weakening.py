"""Label tables with errors of a known rate: to see what weak labels do to what is taught by them or tested on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from pydantic import Field

from radprompter.label_table import LabelTable
from radprompter.labels import Cell, LabelState
from radprompter.typed_yaml import Section

MARK = "errors injected"
"""What the labeler of a weakened table is called besides its own name."""


class ErrorRates(Section):
    """How often a labeler is made to err; each label is drawn by itself, and an uncertain one stays."""

    missed: float = Field(0.0, ge=0, le=1, description="share of the positive labels that become negative")
    invented: float = Field(
        0.0, ge=0, le=1, description="share of the negative and not mentioned labels that become positive"
    )
    seed: int = Field(0, ge=0, description="another seed makes other errors of the same rate")


def inject_errors(
    table: LabelTable,
    *,
    missed: float,
    invented: float,
    seed: int | Sequence[int],
    only: Collection[str] | None = None,
) -> LabelTable:
    """The same table with some labels turned over, at random: errors that know neither report nor image.

    Positive becomes negative (not mentioned, where a finding has no negative); negative and not mentioned become
    positive. What is uncertain, or no label, stays. A label that is turned over has no evidence and no probabilities.

    Parameters
    ----------
    missed, invented:
        Chance that a positive, or any of the others, is turned over.
    only:
        Ids of the reports that may have errors; all if None.
    """
    generator = np.random.default_rng(seed)
    rates = {LabelState.POSITIVE: missed, LabelState.NEGATIVE: invented, LabelState.NOT_MENTIONED: invented}
    absent = {
        one.name: LabelState.NEGATIVE if LabelState.NEGATIVE in one.states else LabelState.NOT_MENTIONED
        for one in table.schema.findings
    }
    cells = []
    for cell in table.cells():
        drawn = generator.random() < rates.get(cell.state, 0.0)  # for every cell, so that none changes another's
        if drawn and (only is None or cell.report_id in only):
            state = absent[cell.finding] if cell.state is LabelState.POSITIVE else LabelState.POSITIVE
            cells.append(Cell(cell.report_id, cell.finding, state, labeler=_marked(cell.labeler)))
        else:
            cells.append(cell)
    return LabelTable.from_cells(cells, table.schema)


def count_errors(before: LabelTable, after: LabelTable) -> dict[str, int]:
    """How many labels were missed and invented, and of how many they could have been."""
    old, new = (table.wide().to_numpy(dtype=str) for table in (before, after))
    positive, others = old == LabelState.POSITIVE, np.isin(old, (LabelState.NEGATIVE, LabelState.NOT_MENTIONED))
    return {
        "n_positive": int(positive.sum()),
        "n_missed": int((positive & (new != old)).sum()),
        "n_others": int(others.sum()),
        "n_invented": int((others & (new != old)).sum()),
    }


def _marked(labeler: str) -> str:
    return f"{labeler}, {MARK}" if labeler else MARK
