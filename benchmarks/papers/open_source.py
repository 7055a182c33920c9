"""OSL: the counts behind its Table 2, from which every mean and interval of it follows; its rates, times and raters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from papers.checks import Check, derived, held, said
from papers.numbers import Printed, Table, read_table
from radprompter.agreement.definitions import DEFINITIONS
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.numbers import Number, measure
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.raters.coefficients import Coefficient, coefficient
from radprompter.agreement.raters.ratings import Ratings
from radprompter.labels import LABELS, LabelState

N_READ = 2000
N_REPORTS = 1980
"""Those read less the equivocal ones, which the paper does not count: 1,970 to 1,995 fit the limits in its table."""

POSITIVES = {"pneumothorax": 29, "rib_fracture": 41}
"""Reports with the finding: 41 stands in the text (39/41, 21/41), 29 fits the printed rates (`fitting_positives`)."""

MEASURES = ("accuracy", "sensitivity", "specificity", "npv", "ppv", "f1")
ROUNDS = 1000
BINARY = DEFINITIONS["uncertain_is_negative"]
POSITIVE, NEGATIVE = LABELS.index(LabelState.POSITIVE), LABELS.index(LabelState.NEGATIVE)


class Spread(NamedTuple):
    """Mean and limits of the resamples."""

    mean: float
    low: float
    high: float


class Counted(NamedTuple):
    """A confusion matrix that gives what is printed, and how far its F1, sensitivity and PPV are from it at most."""

    tp: int
    fp: int
    fn: int
    distance: float

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)


def check_open_source() -> Iterator[Check]:
    """Every derived number of the OSL paper."""
    table = read_table("open_source_table2")
    counted = {
        (finding, labeler): recover(table, finding, labeler, positives)
        for finding, positives in POSITIVES.items()
        for labeler in table.columns
    }
    for finding, positives in POSITIVES.items():
        yield from _counts(table, finding, positives, [counted[finding, labeler] for labeler in table.columns])
    yield from _rates(table, counted["pneumothorax", "chexpert"])
    yield from _times(read_table("open_source_table3"))
    yield from _raters(read_table("open_source_raters"))


def recover(table: Table, finding: str, labeler: str, positives: int) -> Counted:
    """The counts that come nearest to the printed sensitivity, PPV and F1."""
    tp, fp = np.meshgrid(np.arange(1, positives + 1), np.arange(100), indexing="ij")
    rates = {"sensitivity": tp / positives, "ppv": tp / (tp + fp), "f1": 2 * tp / (positives + tp + fp)}
    printed = {name: table.cells[f"{finding} {name}", labeler].value for name in rates}
    distance = np.max([abs(rates[name] - printed[name]) for name in rates], axis=0)
    best = np.unravel_index(distance.argmin(), distance.shape)
    return Counted(int(tp[best]), int(fp[best]), positives - int(tp[best]), float(distance[best]))


def fitting_positives(table: Table, finding: str) -> int:
    """The number of positives of which counts come nearest to the rates of all labelers, of 10 to 57."""
    return min(
        range(10, 58),
        key=lambda positives: max(recover(table, finding, one, positives).distance for one in table.columns),
    )


def _counts(table: Table, finding: str, positives: int, counted: Sequence[Counted]) -> Iterator[Check]:
    sensitivity, ppv, f1 = (table.row(f"{finding} {name}") for name in ("sensitivity", "ppv", "f1"))
    means = [2 * s.value * p.value / (s.value + p.value) for s, p in zip(sensitivity, ppv, strict=True)]
    above = sum(mean > cell.value for mean, cell in zip(means, f1, strict=True))
    yield held(
        f"{finding}: F1 from printed sensitivity and PPV",
        f1,
        means,
        f"within .004, and above in {above} of 7: printed are means of resampled F1s, not F1s of the means",
        slack=0.004,
    )
    fitting, text = fitting_positives(table, finding), {"rib_fracture": "41", "pneumothorax": "–"}[finding]
    why = "of 10 to 57 reports with the finding, the number that fits all 21 printed rates best"
    if text == "–":
        yield derived(f"{finding}: reports with it", str(fitting), why)
    else:
        yield said(f"{finding}: reports with it", text, str(fitting), same=text == str(fitting), why=why)
    yield derived(
        f"{finding}: TP/FP/FN behind the table, {positives} positives",
        "  ".join(f"{one.tp}/{one.fp}/{one.fn}" for one in counted),
        f"whole counts within {max(one.distance for one in counted):.4f} of every printed sensitivity, PPV and F1",
    )
    numbers = _resampled(table.columns, finding, positives, counted)
    for name in MEASURES:
        printed = table.row(f"{finding} {name}")
        ours = [numbers[labeler, name] for labeler in table.columns]
        yield _held_resampled(f"{finding}: {name}, mean and interval of {ROUNDS} resamples", printed, ours)


def _resampled(
    labelers: Sequence[str], finding: str, positives: int, counted: Sequence[Counted]
) -> dict[tuple[str, str], Number]:
    """Our own bootstrap of the recovered counts."""
    reference = np.full((N_REPORTS, 1), NEGATIVE, dtype=np.int8)
    reference[:positives] = POSITIVE
    labels = np.full((len(labelers), N_REPORTS, 1), NEGATIVE, dtype=np.int8)
    for row, one in enumerate(counted):
        labels[row, : one.tp] = POSITIVE
        labels[row, positives : positives + one.fp] = POSITIVE
    cells = Cells(
        report_ids=tuple(map(str, range(N_REPORTS))),
        findings=(finding,),
        labelers=tuple(labelers),
        reference=reference,
        labels=labels,
        no_finding=None,
        units=np.arange(N_REPORTS),
        weights=np.ones(N_REPORTS),
        strata=np.zeros(N_REPORTS, dtype=np.intp),
    )
    found = measure(cells, [BINARY], Bootstrap(ROUNDS)).numbers
    return {(number.labeler, number.measure): number for number in found if number.finding == finding}


def _held_resampled(what: str, printed: Sequence[Printed], ours: Sequence[Number]) -> Check:
    """The same if means agree within 3 of their Monte Carlo errors, and limits within half a deviation or a case."""
    found = [Spread(number.mean or 0.0, number.low or 0.0, number.high or 0.0) for number in ours]
    same = all(_fits(one, other) for one, other in zip(printed, found, strict=True))
    paper, shown = (
        "  ".join(f"{mean:.3f} ({low:.3f}-{high:.3f})" for mean, low, high in values)
        for values in ([Spread(cell.value, cell.low, cell.high) for cell in printed], found)
    )
    why = "from the recovered counts; means within 3 Monte Carlo errors, limits within half a standard error or a case"
    return said(what, paper, shown, same=same, why=why)


def _fits(printed: Printed, ours: Spread) -> bool:
    deviation = (ours.high - ours.low) / (2 * 1.96)
    slack = printed.half_unit + max(deviation / 2, 1 / N_REPORTS)
    near = all(abs(one - other) <= slack for one, other in ((printed.low, ours.low), (printed.high, ours.high)))
    return near and printed.is_rounded(ours.mean, slack=3 * deviation * math.sqrt(2 / ROUNDS))


def _rates(table: Table, rules: Counted) -> Iterator[Check]:
    called = rules.tp + rules.fp
    false_positive_rate = 1 - table.cells["pneumothorax specificity", "chexpert"].value
    yield said(
        "'false positive rate' of CheXpert, pneumothorax",
        "34 % (14/41)",
        f"1 - PPV {rules.fp / called:.3f} ({rules.fp}/{called}); false positive rate {false_positive_rate:.3f}",
        same=False,
        why="14 of 41 called positive are wrong: that is 1 - PPV; of all negatives it is under 1 %",
    )
    shares = {"llama_3_cot": (39, "95 %"), "chexpert": (21, "51 %")}
    for labeler, (hits, text) in shares.items():
        share = hits / POSITIVES["rib_fracture"]
        yield said(
            f"rib fracture sensitivity of {labeler}, {hits}/41",
            text,
            f"{100 * share:.1f} %",
            same=f"{100 * share:.0f} %" == text,
            why=f"the table prints the mean of resamples, {table.cells['rib_fracture sensitivity', labeler].text}",
        )
    for name in ("sensitivity", "f1"):
        worse = [
            f"{finding} {labeler} {table.cells[f'{finding} {name}', labeler].text}"
            for finding in POSITIVES
            for labeler in table.columns[1:]
            if table.cells[f"{finding} {name}", labeler].value < table.cells[f"{finding} {name}", "chexpert"].value
        ]
        yield said(
            f"'all LLM-based methods outperformed CheXpert', by {name}",
            "all",
            "all" if not worse else f"not {', '.join(worse)}",
            same=not worse,
            why="true of F1, for both findings" if not worse else "the rules miss fewer pneumothoraces than Phi-3",
        )

    yield said("billion parameters of Phi-3 mini (Discussion)", "3", "4", same=False, why="its Methods say 4 billion")


def _times(table: Table) -> Iterator[Check]:
    ours = [cell.value / 227.827 for cell in table.row("minutes_mimic")]
    yield held(
        "minutes per 1,000 of 227,827 reports",
        table.row("minutes_per_1000"),
        ours,
        "",
        otherwise="1.16 and 5.96 are printed as 1.1 and 5.9: cut, not rounded",
    )


def _raters(table: Table) -> Iterator[Check]:
    for finding, positives in POSITIVES.items():
        printed = table.cells[f"{finding} ac1", "two_students"]
        split = min(range(1, 200), key=lambda n: abs(_students(positives, n).value - printed.value))
        found = _students(positives, split)
        same = printed.is_rounded(found.value) and all(
            abs(mine - theirs) <= printed.half_unit + 0.0005
            for mine, theirs in ((found.low, printed.low), (found.high, printed.high))
        )
        yield said(
            f"{finding}: interval of Gwet's AC1 of two students",
            f"{printed.value:.3f} ({printed.low:.3f}-{printed.high:.3f})",
            f"{found.value:.4f} ({found.low:.4f}-{found.high:.4f})",
            same=same,
            why=f"{split} of 2,000 reports read differently give this AC1; its interval then follows, to ±.001",
        )


def _students(positives: int, n_split: int) -> Coefficient:
    """AC1 of two readers in three categories who agree on all reports but a few."""
    both = max(positives - n_split // 2, 0)
    one, other = n_split - n_split // 2, n_split // 2
    table = [[both, one, 0], [other, N_READ - both - n_split, 0], [0, 0, 0]]
    return coefficient("gwet", Ratings.from_table(table, ("present", "absent", "uncertain")))
