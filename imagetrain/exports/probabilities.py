"""Tables of probabilities and thresholds that travel, or do not: calibration, and what shifts outside."""

from __future__ import annotations

from imagetrain.exports.table import Table, estimate, joined, undefined
from imagetrain.page.formats import decimal
from imagetrain.page.view import View

STAGES = {"as_trained": "as trained", "recalibrated": "recalibrated", "at_site": "at the site"}
MEASURES = {
    "in_the_large": "In the large",
    "intercept": "Intercept",
    "slope": "Slope",
    "brier": "Brier score",
    "ece": "Calibration error",
}

DIGITS = {name: 3 if name in ("brier", "ece") else 2 for name in MEASURES}
DEFINED = {name: f"calibration_{name}" for name in ("in_the_large", "intercept", "slope")}
"""Where the definition of a measure has another name."""


def calibration_table(view: View) -> Table | None:
    """Calibration of each finding, set and run, as trained and recalibrated."""
    rows, numbers = [], []
    for finding, title in view.titles.items():
        for row in view.rows(finding):
            for stage, words in STAGES.items():
                found = (row.get("calibration") or {}).get(stage)
                if not found:
                    continue
                method = "" if found.get("method", "none") == "none" else f" ({found['method']})"
                measured = [found.get(name) for name in MEASURES]
                if not any(number and number["value"] is not None for number in measured):
                    continue
                numbers += measured
                about = [title, view.short_title(row["set"]), row["run"], words + method]
                rows.append(
                    [*about, *(estimate(number, DIGITS[name]) for name, number in zip(MEASURES, measured, strict=True))]
                )
    header = ["Finding", "Test set", "Run", "Probabilities", *MEASURES.values()]
    note = joined(
        f"{view.confidence} intervals in brackets.",
        *(f"{title}: {view.definition(DEFINED.get(name, name))}" for name, title in MEASURES.items()),
        undefined(numbers),
    )
    return Table("Calibration", header, rows, note, 4) if rows else None


def shift_table(view: View) -> Table | None:
    """Prevalence and threshold of each external site against those inside."""
    rows, numbers = [], []
    for finding, title in view.titles.items():
        for row in view.rows(finding):
            if not (shift := row.get("shift")):
                continue
            numbers += [shift["prevalence_difference"], shift["sensitivity_here"], shift["specificity_here"]]
            rows.append(
                [
                    *(title, view.short_title(row["set"]), row["run"]),
                    *(_plain(shift["prevalence_inside"]), _plain(shift["prevalence_here"])),
                    estimate(shift["prevalence_difference"], sign=True),
                    *(estimate(row[name], 2) for name in ("sensitivity", "specificity")),
                    *(estimate(shift[name], 2) for name in ("sensitivity_here", "specificity_here")),
                ]
            )
    header = [
        *("Finding", "Test set", "Run", "Prevalence inside", "Prevalence there", "Difference"),
        *("Sensitivity, frozen", "Specificity, frozen", "Sensitivity, chosen there", "Specificity, chosen there"),
    ]
    note = joined(
        f"{view.confidence} intervals in brackets. Frozen: at the threshold chosen on validation.",
        f"Difference: {view.definition('prevalence_difference')}",
        f"Chosen there: {view.definition('sensitivity_here')}",
        undefined(numbers),
    )
    return Table("What shifts outside", header, rows, note, 3) if rows else None


def _plain(value: object) -> str:
    """A share, given as a number or as a value with an interval."""
    if isinstance(value, dict):
        value = value["value"]
    return decimal(value if isinstance(value, int | float) else None)
