"""Tables of whose studies these are: the flow of exclusions, and the prevalence by label table."""

from __future__ import annotations

from imagetrain.exports.table import Table, joined
from imagetrain.page.formats import percent
from imagetrain.page.view import View
from imagetrain.records import PARTS


def flow_table(view: View) -> Table | None:
    """What is left at each step, and what was lost before it and why."""
    flow = view.study.get("flow") or []
    rows = []
    for step in flow:
        lost = "; ".join(f"{item['n']} {item['reason']}" for item in step["lost"] if item["n"])
        parts = step.get("parts") or {}
        into = ", ".join(f"{parts[part]} {part}" for part in PARTS if part in parts)
        rows.append([step["unit"], step["step"] + (f" ({into})" if into else ""), str(step["n"]), lost or "–"])
    note = joined("Within a unit, what is left and what was lost sum to the step before.", *_notes(view))
    return Table("Flow of exclusions", ["Unit", "Step", "Left", "Lost before it"], rows, note, 2) if rows else None


def prevalence_table(view: View) -> Table | None:
    """Labels of each table and reference, by finding, part and site."""
    found = view.study.get("prevalence") or []
    rows = [
        [
            *(view.titles.get(row["finding"], row["finding"]), row["schema"], row["part"], row["site"] or "–"),
            *(str(row["n"]), f"{row['n_positive']} ({percent(row['n_positive'] / row['n'] if row['n'] else None)})"),
            *(_count(row.get(name)) for name in ("n_negative", "n_uncertain", "n_not_mentioned")),
        ]
        for row in sorted(found, key=lambda row: list(view.titles).index(row["finding"]))
    ]
    header = ["Finding", "Labels", "Part", "Site", "Labelled", "Positive", "Negative", "Uncertain", "Not mentioned"]
    note = "Labelled: studies there with one of the four labels. – is not told apart by that table."
    return Table("Labels by table, part and site", header, rows, note, 4) if rows else None


def _notes(view: View) -> list[str]:
    return list(view.study.get("flow_notes") or [])


def _count(n: int | None) -> str:
    return "–" if n is None else str(n)
