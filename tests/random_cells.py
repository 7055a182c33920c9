"""Random labelers and references, for tests that hold fast arithmetic against slow."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from reference.agreement import State, Table

from radprompter.agreement.definitions import DEFINITIONS, MENTION, Definition
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.scores import MEASURES
from radprompter.labels import LABELS, PROJECTIONS

WEIGHTS = (0.5, 1.0, 2.25)


def make_cells(
    reference: Any,
    labels: Any,
    *,
    no_finding: int | None = None,
    units: Any = None,
    weights: Any = None,
    strata: Any = None,
) -> Cells:
    """Cells of codes, ``(n_reports, n_findings)`` and ``(n_labelers, n_reports, n_findings)``."""
    truth, said = np.asarray(reference, dtype=np.int8), np.asarray(labels, dtype=np.int8)
    n_labelers, n_reports, n_findings = said.shape
    return Cells(
        report_ids=tuple(f"r{row}" for row in range(n_reports)),
        findings=tuple(f"finding {column}" for column in range(n_findings)),
        labelers=tuple(f"labeler {row}" for row in range(n_labelers)),
        reference=truth.reshape(n_reports, n_findings),
        labels=said,
        no_finding=no_finding,
        units=np.arange(n_reports) if units is None else np.asarray(units, dtype=np.intp),
        weights=np.ones(n_reports) if weights is None else np.asarray(weights, dtype=np.float64),
        strata=np.zeros(n_reports, dtype=np.intp) if strata is None else np.asarray(strata, dtype=np.intp),
    )


@st.composite
def random_cells(draw: st.DrawFn, *, most_reports: int = 7, patients: bool = False) -> Cells:
    """Few labelers, reports and findings, so that much is missing, one-sided or undefined; some with weights.

    With `patients` the reports are of patients, and these of strata.
    """
    n_labelers, n_findings = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    n_reports = draw(st.integers(0, most_reports))
    shape = (n_labelers, n_reports, n_findings)
    weights = st.lists(st.sampled_from(WEIGHTS), min_size=n_reports, max_size=n_reports)
    numbers = st.lists(st.integers(0, 3), min_size=n_reports, max_size=n_reports)
    units = np.unique(draw(numbers), return_inverse=True)[1] if patients else None
    return make_cells(
        draw(arrays.arrays(np.int8, shape[1:], elements=st.integers(-1, 3))),
        draw(arrays.arrays(np.int8, shape, elements=st.integers(0, 4))),
        no_finding=draw(st.sampled_from([None, *range(n_findings)])),
        weights=draw(weights) if draw(st.booleans()) else None,
        units=units,
        strata=None if units is None else np.array(draw(st.lists(st.integers(0, 2), min_size=4, max_size=4)))[units],
    )


@st.composite
def random_definitions(draw: st.DrawFn) -> Definition:
    """One of the registry, or any other that the type allows."""
    if draw(st.booleans()):
        return draw(st.sampled_from(list(DEFINITIONS.values())))
    projections = st.sampled_from([*PROJECTIONS.values(), MENTION])
    return Definition(
        "drawn",
        "drawn at random",
        measures=(*MEASURES, "same"),
        tasks=tuple(draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=4, unique=True))),
        reference=draw(projections),
        labeler=draw(projections),
        unlabelled=draw(st.sampled_from(["wrong", "left_out"])),
        over_tasks=draw(st.sampled_from(["mean", "support", "pooled"])),
        over_findings=draw(st.sampled_from(["mean", "pooled"])),
        least_support=draw(st.integers(0, 2)),
        undefined=draw(st.sampled_from(["left_out", "zero"])),
        no_finding=draw(st.sampled_from(["as_others", "positive_only"])),
    )


def table_of(codes: np.ndarray) -> Table:
    """Codes ``(n_reports, n_findings)`` as states; None without a label."""
    return [[_state(int(code)) for code in row] for row in codes]


def fractions_of(weights: np.ndarray) -> list[Fraction]:
    """Weights, exactly."""
    return [Fraction(float(weight)) for weight in weights]


def _state(code: int) -> State:
    return LABELS[code] if 0 <= code < len(LABELS) else None
