"""Tables of how well each run does: macro means, discrimination, and what the frozen thresholds do."""

from __future__ import annotations

from imagetrain.exports.table import Table, estimate, joined, undefined
from imagetrain.page.formats import decimal
from imagetrain.page.view import Row, View

AT_THRESHOLD = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV", "f1": "F1"}


def macro_table(view: View) -> Table:
    """Macro AUROC and range of each run and set."""
    rows = []
    for key, run, _, _ in view.series():
        macro = view.macro_of[key, run]
        least, most = decimal(macro["min"]), decimal(macro["max"])
        n_findings = f"{macro['n_findings']} of {macro['n_all_findings']}"
        rows.append([view.set_title(key), run, n_findings, estimate(macro["auroc"]), f"{least}–{most}"])
    header = ["Test set", "Run", "Findings", f"Macro AUROC ({view.confidence} CI)", "Range"]
    note = joined(
        view.definition("macro_auroc"),
        "Range: lowest and highest AUROC of the findings that count.",
        undefined([macro["auroc"] for macro in view.metrics["macro"]]),
    )
    return Table("Macro AUROC", header, rows, note, 2)


def discrimination_table(view: View) -> Table:
    """AUROC and average precision of each finding, set and run."""
    found = _results(view)
    rows = [
        [
            *_about(view, row),
            f"{row['n_positive']} / {row['n']}",
            estimate(row["auroc"]) + ("" if row["in_macro"] else " *"),
            estimate(row["average_precision"]),
            decimal(row["prevalence"]),
        ]
        for row in found
    ]
    header = [
        *("Finding", "Test set", "Run", "Positive / n", f"AUROC ({view.confidence} CI)"),
        *(f"Average precision ({view.confidence} CI)", "Prevalence"),
    ]
    note = joined(
        view.definition("auroc"),
        view.definition("average_precision"),
        "* Does not count in the macro AUROC: too few positives, or no negative."
        if any(not row["in_macro"] for row in found)
        else "",
        undefined([row["auroc"] for row in found]),
    )
    return Table("Discrimination by finding", header, rows, note, 3)


def threshold_table(view: View) -> Table:
    """What each run's frozen thresholds do."""
    found = _results(view)
    rows = [
        [
            *_about(view, row),
            decimal(row["threshold"].get("probability", row["threshold"]["value"]), 2),
            *(estimate(row[name], 2) for name in AT_THRESHOLD),
        ]
        for row in found
    ]
    header = ["Finding", "Test set", "Run", "Threshold", *AT_THRESHOLD.values()]
    note = joined(
        f"{view.confidence} intervals in brackets.",
        view.definition("threshold"),
        "Threshold: the probability, as trained.",
        *(f"{title}: {view.definition(name)}" for name, title in AT_THRESHOLD.items()),
        undefined([row[name] for row in found for name in AT_THRESHOLD]),
    )
    return Table("At the frozen thresholds", header, rows, note, 3)


def left_out_table(view: View) -> Table | None:
    """Findings that are in no classifier, and those that do not count in a macro mean."""
    rows = [[title, "all", "not trained on", "–", reason] for title, reason in view.study["not_trained"] or ()]
    for (key, run), macro in view.macro_of.items():
        for item in macro["excluded"]:
            about = [view.titles[item["finding"]], view.set_title(key), f"not in the macro AUROC of {run}"]
            rows.append([*about, str(item["n_positive"]), item["reason"]])
    header = ["Finding", "Test set", "What", "Positives", "Reason"]
    return Table("Findings left out", header, sorted(rows), "", 3) if rows else None


def _results(view: View) -> list[Row]:
    """Every result of a finding that has a known label somewhere, finding by finding."""
    drawn = view.findings_drawn()
    others = [finding for finding in view.titles if finding not in drawn]
    return [row for finding in [*drawn, *others] for row in view.rows(finding)]


def _about(view: View, row: Row) -> list[str]:
    return [view.titles[row["finding"]], view.short_title(row["set"]), row["run"]]
