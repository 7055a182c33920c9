"""What the page of an agreement draws, shades, marks and prints in bold."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from agreements import agreement_of, random_cells

from radprompter.agreement.comparing.labelers import LabelerComparison, Methods, compare_labelers
from radprompter.agreement.page.matrices import confusion_matrices
from radprompter.agreement.page.plots import bar_chart, forests, heat_map
from radprompter.agreement.page.shown import N_COLOURS, Ledger, axis_of, listed, worded
from radprompter.agreement.page.tables import finding_tables
from radprompter.agreement.page.versus import versus
from radprompter.agreement.page.view import View
from radprompter.agreement.report import Agreement
from radprompter.pages.formats import count, p_value
from radprompter.pages.svg import Axis, Estimate, forest_track, mark

FINDINGS, LABELERS = ("edema", "lung_lesion", "rare_thing"), ("rules", "model")


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    return agreement_of(random_cells(FINDINGS, LABELERS, n_reports=80, rare=True))


@pytest.fixture(scope="module")
def ledger(agreement: Agreement) -> Ledger:
    return Ledger(agreement)


def numbers(drawn: str, element: str, *names: str) -> list[tuple[float, ...]]:
    """Attributes of the elements of a drawing, as numbers without their percent sign."""
    found = re.findall(f"<{element} [^>]*>", drawn)
    return [tuple(float(re.search(rf' {name}="([\d.]+)%?"', one)[1]) for name in names) for one in found]  # type: ignore[index]


def test_bars_are_as_long_as_their_numbers_and_lines_as_long_as_their_intervals(ledger: Ledger) -> None:
    definition = ledger.agreement.definitions[0]
    for bars, finding in zip(bar_chart(ledger, definition), FINDINGS, strict=True):
        found = [ledger.find(one, definition, "f1", finding) for one in LABELERS]
        values = [one for one in found if one is not None and one.value is not None]
        drawn = str(bars.drawing)
        assert numbers(drawn, "rect", "width") == [(round(100 * (one.value or 0), 2),) for one in values]
        lines = [one for one in re.findall("<line [^>]*>", drawn) if "whisker" in one]
        ends = numbers("".join(lines[::3]), "line", "x1", "x2")
        limits = [one.shown_limits for one in values]
        assert ends == [(round(100 * (low or 0), 2), round(100 * (high or 0), 2)) for low, high in limits]
        assert drawn.count(">undefined<") == len(found) - len(values)
        assert bars.title == worded(finding) and all(name in drawn for name in LABELERS)  # told to those who cannot see


def test_marks_stand_at_their_numbers_on_an_axis_that_starts_below_all_intervals(ledger: Ledger) -> None:
    definition = ledger.agreement.definitions[0]
    for plot, measure in zip(forests(ledger, definition), definition.measures, strict=True):
        found = [one for one in ledger.agreement.numbers if (one.definition, one.measure) == (definition.name, measure)]
        lows = [one.low for one in found if one.low is not None]
        assert plot.axis.low <= 0.5 and (plot.axis.low == 0 or plot.axis.low <= min(lows) + 0.1)
        first = ledger.find("rules", definition, measure)
        assert first is not None and first.value is not None
        assert f'cx="{plot.axis.percent(first.value)}%"' in str(plot.rows[0].track)
    assert axis_of([Estimate(0.9, 0.04, 1.0, "run0")]).low == 0
    assert axis_of([]).low == 0.5


@pytest.mark.parametrize("shape", ["circle", "square", "diamond", "up", "down", "plus", "hexagon"])
def test_every_shape_has_a_mark_of_its_own(shape: str) -> None:
    drawn = forest_track([Estimate(0.75, 0.6, 0.9, "run0", shape)], Axis(0.5))  # type: ignore[arg-type]
    assert '"50.0%"' in drawn and drawn.count("<svg") == (1 if shape == "circle" else 2)
    assert mark(shape, "6", 6, "run0") != mark("square" if shape == "circle" else "circle", "6", 6, "run0")  # type: ignore[arg-type]


def test_more_labelers_than_colours_are_still_told_apart() -> None:
    ledger = Ledger(agreement_of(random_cells(["edema"], [f"labeler {at}" for at in range(20)], n_reports=20)))
    assert len({(one.look, one.shape) for one in ledger.labelers}) == 20
    assert len({one.look for one in ledger.labelers}) == N_COLOURS


def test_a_number_that_no_resample_moves_is_drawn_with_its_score_interval() -> None:
    cells = random_cells(["edema"], ["rules"])
    right = replace(cells, labels=np.where(cells.reference < 0, 3, cells.reference)[None].astype(np.int8))
    ledger = Ledger(agreement_of(right))
    definition = ledger.agreement.definitions[0]
    number = ledger.find("rules", definition, "sensitivity", "edema")
    assert number is not None and number.shows_score and number.score_low is not None
    drawn = ledger.estimate(ledger.labelers[0], definition, "sensitivity", "edema")
    assert (drawn.value, drawn.low, drawn.high) == (1.0, number.score_low, number.score_high)
    assert drawn.low is not None and drawn.low < 0.9 and drawn.look == "run0 score"
    assert ledger.shown("rules", definition, "sensitivity", "edema").score.startswith("score (0.")


def test_the_strongest_colour_is_the_scale_of_the_heat_map_and_its_side_the_sign(ledger: Ledger) -> None:
    heat = heat_map(ledger, ledger.agreement.definitions[0])
    assert heat is not None
    cells = [cell for row in heat.rows for cell in row.cells]
    scale = float(heat.scale)
    values = [float(cell.text.replace("−", "-")) for cell in cells if not cell.reason]
    strengths = [cell.strength for cell in cells if not cell.reason]
    assert strengths == pytest.approx([value / scale for value in values], abs=0.0006 / scale)
    assert max(map(abs, values)) <= scale <= max(map(abs, values)) + 0.05
    assert [cell.strength for cell in cells if cell.reason] == [0.0]


def test_the_shade_of_a_matrix_is_the_share_of_the_row_and_the_diagonal_is_right(ledger: Ledger) -> None:
    counts = ledger.agreement.measured.counts
    for group, of_labelers in zip(confusion_matrices(ledger)[1:], counts.transpose(1, 0, 2, 3), strict=True):
        for matrix, expected in zip(group.of_labelers, of_labelers, strict=True):
            for place, (row, n) in enumerate(zip(matrix.rows, expected, strict=True)):
                shares = n / n.sum() if n.sum() else n
                assert [cell.share for cell in row.cells] == pytest.approx(list(shares), abs=0.0006)
                assert [cell.is_right for cell in row.cells] == [column == place for column in range(5)]


def test_the_highest_of_a_row_is_bold_and_a_tie_is_not(ledger: Ledger) -> None:
    tables = finding_tables(ledger)
    seen = set()
    for table in tables:
        for row in table.rows:
            values = [float(cell.value) if not cell.reason else None for cell in row.cells]
            defined = [value for value in values if value is not None]
            seen.add(sum(row.best))
            if len(set(defined)) > 1:
                assert row.best == tuple(value == max(defined) for value in values)
            else:
                assert not any(row.best)
    assert seen == {0, 1}


def test_tables_say_how_many_cells_their_labeler_left_without_a_label(agreement: Agreement) -> None:
    lost = (agreement.cells.labels == 4) & (agreement.cells.reference >= 0)
    assert lost.any()
    tables = View(agreement, ()).compared_tables()
    assert [one.n_unlabelled for one in tables] == ["", *(count(float(n)) for n in lost.sum(axis=(1, 2)))]


def test_what_is_marked_as_significant_is_so_after_adjustment(agreement: Agreement) -> None:
    comparison: LabelerComparison = compare_labelers(
        agreement.cells, agreement.measured, agreement.definitions[0], Methods(alpha=0.4)
    )
    rows = [
        row._replace(p=0.001, p_adjusted=adjusted, mcnemar_adjusted=adjusted)
        for row, adjusted in zip(comparison.differences, itertools.cycle((0.2, 0.9)))
    ]
    changed = replace(comparison, differences=tuple(rows))
    [shown] = versus([changed])
    [pair] = shown.pairs
    assert [row.bootstrap.is_significant for row in pair.rows] == [True, False, True, False]
    assert [row.mcnemar.is_significant for row in pair.rows] == [True, False, True, False]
    assert [row.mcnemar.p_adjusted for row in pair.rows] == [p_value(0.2), p_value(0.9)] * 2
    heat = View(agreement, [changed]).heat()
    assert heat is not None
    assert [row.cells[0].is_significant for row in heat.rows] == [True, False, True, False]


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed_as_sentences_have_them(names: list[str], text: str) -> None:
    assert listed(names) == text
