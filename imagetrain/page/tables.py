"""The tables and cards of the page, arranged from the look-ups of `View`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imagetrain.page.plots.calibration import VERSIONS, calibrations
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


def undefined(view: View, key: str) -> list[tuple[str, list[str]]]:
    """Why numbers at the threshold of a set are undefined, and the findings of which."""
    reasons: dict[str, dict[str, None]] = {}
    for finding, title in view.titles.items():
        for run in view.runs:
            row = view.results[key, run, finding]
            for name in ("auroc", "sensitivity", "specificity", "ppv", "npv"):
                if row[name]["value"] is None:
                    reasons.setdefault(row[name]["reason"], {})[title] = None
    return [(reason, list(titles)) for reason, titles in reasons.items()]


def calibration_numbers(view: View, finding: str) -> list[Row]:
    """One group a test set: a row a version of the probabilities and run."""
    groups: dict[str, list[Row]] = {}
    for one, version, found in calibrations(view, finding):
        rows = groups.setdefault(view.set_title(one["key"]), [])
        rows += [
            known | {"version": VERSIONS[version], "run": view.runs[i], "number": i, "reason": known.get("reason")}
            for i, known in found
        ]
    return [{"title": title, "rows": rows} for title, rows in groups.items()]


def shifts(view: View) -> list[Row]:
    """One table an external site: prevalence and thresholds inside and there, by finding and run."""
    made = []
    for one in view.sets:
        groups = []
        for finding, title in view.titles.items():
            rows = []
            for i, run in enumerate(view.runs):
                row = view.results[one["key"], run, finding]
                shift = row.get("shift")
                if shift:
                    plain = {name: _plain(shift[name]) for name in ("prevalence_inside", "prevalence_here")}
                    plain |= {name: _plain(shift[name]) for name in ("threshold_inside", "threshold_here")}
                    rates = {name: row[name] for name in ("sensitivity", "specificity")}
                    rows.append(shift | plain | rates | {"run": run, "number": i})
            if rows:
                groups.append({"title": title, "rows": rows})
        if groups:
            made.append({"title": view.set_title(one["key"]), "groups": groups})
    return made


def subgroup_rows(view: View, attribute: str) -> list[Row]:
    """One group of rows a finding: every set, group and run."""
    groups: dict[str, list[Row]] = {}
    for row in view.subgroups:
        if row["attribute"] == attribute and row["finding"] is not None:
            more = {"number": view.runs.index(row["run"]), "where": view.short_title(row["set"])}
            groups.setdefault(view.titles[row["finding"]], []).append(row | more)
    return [{"title": title, "rows": rows} for title, rows in groups.items()]


def matrix_tests(view: View, family: str) -> Row | None:
    """The tests of a family of the matrix that have a p value, ``means`` and ``rows``; None if there are none."""
    found = (view.matrix or {}).get(family)
    if not found:
        return None
    titles = {one["name"]: one["title"] for one in view.matrix["references"]} if view.matrix else {}
    rows = []
    for row in [*found["macro"], *found["rows"]]:
        if family == "rows":
            who, held = f"{row['run_a']} − {row['run_b']}", titles[row["reference"]]
        else:
            who, held = f"{titles[row['reference_a']]} − {titles[row['reference_b']]}", row["run"]
        title = view.titles[row["finding"]] if row.get("finding") else "Mean over findings"
        more = {"p_adjusted": None, "significant": False, "title": title, "who": who, "held": held}
        rows.append(more | row | {"where": view.short_title(row["set"])})
    rows = [row for row in rows if row["p"] is not None]
    means, single = ([row for row in rows if bool(row.get("finding")) == is_one] for is_one in (False, True))
    return found | {"means": means, "rows": single} if rows else None


AGREEMENT = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "kappa": "Kappa",
    "attenuation": "Left of AUROC − 0.5",
}


def agreements(view: View) -> Row | None:
    """How each reference of the matrix agrees with the first one, on average over findings; None without a second."""
    found = [row for row in (view.matrix or {}).get("agreement", ()) if row["finding"] is None]
    if not found or view.matrix is None:
        return None
    titles = {one["name"]: one["title"] for one in view.matrix["references"]}
    rows = [
        row | {"where": view.set_title(row["set"]), "title": titles[row["reference"]], "first": titles[row["against"]]}
        for row in found
    ]
    defined = [f"reference_{name}" for name in AGREEMENT]
    return {"columns": list(AGREEMENT.items()), "rows": rows, "defined": defined}


def _plain(value: Any) -> Any:
    """The value of a number, as a probability if it is a threshold."""
    return value.get("probability", value["value"]) if isinstance(value, dict) else value
