"""A synthetic site whose reports a served model has learned to read, and how right its labels are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import trained_model
from tiny_model import MODEL, make_model, serving

from radprompter.labels import LABELS, LabelState
from radprompter.recipe import StudyRecipe
from radprompter.run import LabelRun, label_reports

MEASURED = (LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN)


@dataclass(frozen=True)
class TrainedSite:
    """A running server, and the reports of the patients that its model has never seen."""

    server: str
    templates: Path
    reports: Path

    def label(self, out: Path, *, plan: str, limit: int | None = None, **backend: Any) -> LabelRun:
        """Label the reports in one plan, zero-shot, through the whole engine."""
        section = {
            "reports": {"path": self.reports, "id": "study_id"},
            "region": trained_model.REGION,
            "templates": self.templates,
            "strategy": "zero_shot",
            "plan": plan,
            "limit": limit,
            "backend": {"name": "openai", "model": MODEL, "base_url": self.server, **backend},
        }
        return label_reports(StudyRecipe.model_validate({"name": "trained", "out": out, "label": section}))

    def truth(self, run: LabelRun) -> pd.DataFrame:
        """The true states of the labelled reports, in the rows and columns of the run's wide table."""
        truth = pd.read_csv(self.reports.with_name("truth.csv"), dtype=str, index_col="study_id")
        wide = run.table.wide()
        return truth.loc[wide.index, wide.columns]


@contextmanager
def trained_site(folder: Path, python: Path) -> Iterator[TrainedSite]:
    """Make up a study and lessons in a folder, train on the lessons, and serve the model."""
    templates = trained_model.write_templates(folder / "templates")
    reports = trained_model.write_study(folder / "study")
    trained_model.write_lessons(folder, templates)
    model = make_model(folder, python, script=Path(trained_model.__file__))
    with serving(model, python) as server:
        yield TrainedSite(server, templates, reports)


def share_right(run: LabelRun, truth: pd.DataFrame) -> float:
    """Share of the cells whose state is the true one."""
    return float((run.table.wide().to_numpy() == truth.to_numpy()).mean())


def soft_labels(run: LabelRun) -> np.ndarray:
    """Probabilities of the four states, shape ``(n_cells, 4)``; what the three measured leave is `not_mentioned`."""
    three = run.table.frame[[f"p_{state}" for state in MEASURED]].to_numpy(dtype=float)
    return np.column_stack([three, 1 - three.sum(axis=1)])


def hard_labels(states: pd.DataFrame) -> np.ndarray:
    """All probability on one state a cell, shape ``(n_cells, 4)``."""
    return np.equal.outer(states.to_numpy(dtype=str).ravel(), np.array([*map(str, LABELS)])).astype(float)


def brier(probabilities: np.ndarray, truth: pd.DataFrame) -> float:
    """Mean over the cells of the sum over the four states of (probability - 1 if it is the true state, else 0) squared.

    Source: Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 1950.
    """
    return float(((probabilities - hard_labels(truth)) ** 2).sum(axis=1).mean())
