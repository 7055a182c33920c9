"""Finished agreements by hand: labelers that err at random against a random reference, measured for real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from radprompter.agreement.definitions import DEFINITIONS
from radprompter.agreement.measuring.cells import UNLABELLED, Cells
from radprompter.agreement.measuring.numbers import measure
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.report import Agreement, Cost, Group, LeftOut, MatchedFinding, Matching
from radprompter.labels import LABELS

DETAILED, OVERVIEW = (
    ("uncertain_is_negative", "chexbert"),
    ("cell_accuracy", "jmir_three_task", "positive", "uncertain"),
)


def random_cells(
    findings: Sequence[str], labelers: Sequence[str], *, n_reports: int = 60, seed: int = 1, rare: bool = False
) -> Cells:
    """Codes of random labels; later labelers err more. With `rare`, the last finding is in no report of any table."""
    rng = np.random.default_rng(seed)
    shape = (n_reports, len(findings))
    reference = rng.choice(4, size=shape, p=[0.2, 0.3, 0.1, 0.4]).astype(np.int8)
    labels = np.stack([
        np.where(rng.random(shape) < 0.04 + 0.12 * place, rng.choice(UNLABELLED + 1, size=shape), reference)
        for place in range(len(labelers))
    ])  # fmt: skip
    reference[rng.random(shape) < 0.02] = -1
    if rare:
        reference[:, -1] = labels[:, :, -1] = 3
    no_finding = findings.index("no_finding") if "no_finding" in findings else None
    return Cells(
        tuple(f"report {number}" for number in range(n_reports)), tuple(findings), tuple(labelers), reference,
        labels.astype(np.int8), no_finding, np.arange(n_reports), np.ones(n_reports),
        np.zeros(n_reports, dtype=np.intp),
    )  # fmt: skip


def agreement_of(
    cells: Cells,
    *,
    definitions: Sequence[str] = DETAILED,
    overview: Sequence[str] = OVERVIEW,
    refused: Mapping[str, str] | None = None,
    groups: bool = False,
    costs: bool = False,
    rounds: int = 60,
) -> Agreement:
    """The agreement of cells, as it would come of tables."""
    detailed = tuple(DEFINITIONS[name] for name in definitions)
    more = tuple(DEFINITIONS[name] for name in overview)
    bootstrap = Bootstrap(rounds=rounds)
    matched = tuple(
        MatchedFinding(name, dict.fromkeys(("reference.csv", *cells.labelers), name), "same name")
        for name in cells.findings
    )
    left_out = (LeftOut(cells.labelers[0], "hernia", "no finding of the reference has this name"),)
    tables = ("reference.csv", *cells.labelers)
    matching = Matching(matched, left_out, dict.fromkeys(tables, LABELS), dict.fromkeys(tables, 3))
    made = Agreement(
        "reference.csv", cells, matching, detailed, more, refused or {}, bootstrap, "report",
        measure(cells, detailed, bootstrap, overview=more),
    )  # fmt: skip
    if groups:
        half = np.arange(cells.n_reports) % 3 == 0
        parts = (("site=north", half, ""), ("site=south", ~half, ""), ("length=short", half, "up to 41 words"))
        made = replace(made, groups=tuple(
            Group(name, int(part.sum()), says, measure(cells.of(part), detailed, bootstrap, group=name))
            for name, part, says in parts
        ))  # fmt: skip
    if costs:
        unknown = Cost(cells.labelers[-1], cells.n_reports, None, None, None, None, None, {})
        known = Cost(cells.labelers[0], cells.n_reports, 1.25, 120_000, 8_000, 0.5, 3, {"timeout": 2, "no_json": 1})
        made = replace(made, costs=(known, unknown) if len(cells.labelers) > 1 else (known,))
    return made
