"""The tables and cards of the page, arranged from the look-ups of `View`."""

from __future__ import annotations

from collections.abc import Sequence

from imagetrain.page.plots.forest import axis_of, estimate
from imagetrain.page.view import Row, View
from radprompter.pages.svg import forest_track


def headline(view: View) -> list[Row]:
    """One card a set: the macro AUROC of each run."""
    axis = axis_of([macro["auroc"] for macro in view.metrics["macro"]])
    cards = []
    for one in view.sets:
        runs = []
        for i, run in enumerate(view.runs):
            macro = view.macro_of[one["key"], run]
            track = forest_track([estimate(macro["auroc"], i, outside=one["outside"])], axis)
            runs.append(macro | {"number": i, "track": track})
        cards.append(one | {"title": view.set_title(one["key"]), "runs": runs, "axis": axis})
    return cards


def differences(view: View) -> list[Row]:
    """Macro AUROCs against each other: runs on one set, then one run inside and outside."""
    compared = view.metrics["comparisons"]
    rows = [
        row | {"what": f"{row['run_a']} − {row['run_b']}", "where": view.short_title(row["set"])}
        for row in compared["runs"]["macro"]
    ]
    rows += [
        row | {"what": f"inside − {view.short_title(row['set_b'])}", "where": row["run"]}
        for row in compared["sites"]["macro"]
    ]
    return rows


def at_threshold(view: View) -> list[Row]:
    """One table a set: findings with their runs under each other."""
    made = []
    for one in view.sets:
        groups = [
            {
                "title": view.titles[finding],
                "rows": [view.results[one["key"], run, finding] | {"number": i} for i, run in enumerate(view.runs)],
            }
            for finding in view.titles
        ]
        groups.sort(key=lambda group: not any(row["in_macro"] for row in group["rows"]))
        made.append(one | {"title": view.set_title(one["key"]), "groups": groups})
    return made


def tested(view: View, family: str) -> tuple[list[Row], list[Row]]:
    """Rows of a family of tests with a p value, and those without."""
    rows = [
        row
        | {
            "title": view.titles[row["finding"]],
            "where": view.short_title(row["set"] if family == "runs" else row["set_b"]),
            "who": f"{row['run_a']} − {row['run_b']}" if family == "runs" else row["run"],
        }
        for row in view.metrics["comparisons"][family]["rows"]
    ]
    return [row for row in rows if row["p"] is not None], [row for row in rows if row["p"] is None]


def untested(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Findings of a family that were not tested, once each, with the reasons."""
    reasons: dict[str, dict[str, None]] = {}
    for row in rows:
        where = f"{row['where']}: " if "set" in row else ""
        reasons.setdefault(row["title"], {})[where + row["difference"]["reason"]] = None
    return [(title, "; ".join(texts)) for title, texts in reasons.items()]


def excluded(view: View) -> list[Row]:
    """Findings left out of a macro mean: where, how many positives, and why."""
    made: dict[tuple[str, str, str], Row] = {}
    for macro in view.metrics["macro"]:
        for item in macro["excluded"]:
            key = (macro["set"], item["finding"], item["reason"])
            row = made.setdefault(
                key,
                item | {"title": view.titles[item["finding"]], "where": view.short_title(macro["set"]), "runs": []},
            )
            row["runs"].append(macro["run"])
    return list(made.values())


def label_counts(view: View) -> tuple[list[Row], list[Row]]:
    """Columns (part and site) and rows (findings) of the table of positives; runs that agree are shown once."""
    counts = view.metrics["label_counts"]
    places = list(dict.fromkeys((row["part"], row["site"], row["n_studies"]) for row in counts))
    columns = [{"part": part, "site": site, "n_studies": n} for part, site, n in places]
    rows = []
    for finding, title in view.titles.items():
        cells = []
        for part, site, _ in places:
            found = [row for row in counts if (row["part"], row["site"], row["finding"]) == (part, site, finding)]
            distinct = list({(row["n_positive"], row["n"]): row for row in found}.values())
            cells.append(distinct)
        rows.append({"title": title, "cells": cells})
    return columns, rows
