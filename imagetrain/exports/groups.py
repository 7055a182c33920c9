"""The table of subgroups."""

from __future__ import annotations

from imagetrain.exports.table import Table, estimate, finding_of, joined, undefined
from imagetrain.page.view import View


def subgroup_table(view: View) -> Table | None:
    """Macro AUROC and each finding's numbers in each subgroup."""
    found = view.metrics.get("subgroups") or []
    numbers = ("auroc", "sensitivity", "specificity")
    rows = []
    for row in found:
        counts = "–" if row.get("n_positive") is None else f"{row['n_positive']} / {row['n']}"
        about = [row["attribute"], row["group"], finding_of(view, row), view.short_title(row["set"]), row["run"]]
        sizes = [f"{row['n_studies']} ({row['n_patients']})", counts]
        measured = [estimate(row.get(name), digits) for name, digits in zip(numbers, (3, 2, 2), strict=True)]
        rows.append([*map(str, about), *sizes, *measured])
    header = ["Attribute", "Group", "Finding", "Test set", "Run", "Studies (patients)", "Positive / n"]
    header += [f"AUROC ({view.confidence} CI)", "Sensitivity", "Specificity"]
    note = joined(
        "Sensitivity and specificity at the frozen threshold of the whole set.",
        undefined([row.get(name) for row in found for name in numbers]),
    )
    return Table("Subgroups", header, rows, note, 5) if rows else None
