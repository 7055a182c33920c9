"""Several evaluated studies side by side, such as the regions of an arm: the same numbers, one row a study.

No number is computed anew but the p values of macro differences, adjusted over all studies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from radprompter.errors import DefinitionError, InputError
from radprompter.statistics import benjamini_hochberg

Metrics = Mapping[str, Any]
Row = dict[str, Any]

ALIKE = ("min_positives", "few_positives", "few_errors", "resamples", "alpha")
"""Options that must be the same for macro AUROCs and tests to stand in one table."""

DEFINED_ALIKE = ("auroc", "macro_auroc", "paired", "unpaired", "p_adjusted", "macro_difference")
"""Definitions that must be the same; they also tell versions apart."""

LABEL_ACCURACY = "cell_accuracy"
"""The definition of an agreement whose numbers are in the table of labels."""

LABEL_NUMBERS = ("same", "report_accuracy", "uncertain_reports_reference", "uncertain_reports_labeler")

FAMILY = "every comparison of macro AUROCs × every study"


def side_by_side(
    studies: Mapping[str, Metrics], agreements: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The numbers of several studies in long form, each row with its study; plain JSON.

    Parameters
    ----------
    studies:
        Name of a study -> its metrics. Findings, runs and sites may differ.
    agreements:
        Name of a study -> ``agreement.json`` of its labels, where they were held against a reference.

    Raises
    ------
    InputError
        If there is no study.
    DefinitionError
        If two studies were evaluated by different definitions; the fields are named.
    """
    if not studies:
        raise InputError("no study to make tables of")
    check_alike(studies)
    first = next(iter(studies.values()))
    places = _places(studies)
    differences, family = _differences(studies, places)
    return {
        "studies": [_describe(name, metrics, places) for name, metrics in studies.items()],
        "options": {key: first["options"][key] for key in ALIKE if key in first["options"]},
        "labels": list(_labels(agreements or {})),
        "macro": list(_macro(studies, places)),
        "differences": differences,
        "family": family,
        "findings": list(_findings(studies, places)),
        "tests": list(_tests(studies, places)),
        "left_out": list(_left_out(studies, places)),
        "definitions": {key: first["definitions"][key] for key in DEFINED_ALIKE if key in first["definitions"]},
    }


def check_alike(studies: Mapping[str, Metrics]) -> None:
    """Refuse studies whose numbers do not mean the same.

    Raises
    ------
    DefinitionError
        With every field in which a study differs from the first.
    """
    (first_name, first), *others = studies.items()
    differing = [
        f"{field}: {_short(ours)} in {first_name!r}, {_short(theirs)} in {name!r}"
        for name, metrics in others
        for field, ours, theirs in _differing(first, metrics)
    ]
    if differing:
        raise DefinitionError(
            "these studies were not evaluated alike, so their numbers cannot stand in one table ("
            + "; ".join(differing)
            + "); give all recipes the same `evaluate` section and evaluate again"
        )


def _differing(ours: Metrics, theirs: Metrics) -> Iterator[tuple[str, Any, Any]]:
    options = [key for key in ALIKE if ours["options"].get(key) != theirs["options"].get(key)]
    for key in options:
        yield key, ours["options"].get(key), theirs["options"].get(key)
    held = [metrics.get("identity", {}).get("projection", {}).get("source") for metrics in (ours, theirs)]
    if None not in held and held[0] != held[1]:
        yield "tested against", *held
    if options:  # the words of a definition quote the options
        return
    for key in DEFINED_ALIKE:
        if ours["definitions"].get(key) != theirs["definitions"].get(key):
            yield f"definition of {key}", ours["definitions"].get(key), theirs["definitions"].get(key)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _places(studies: Mapping[str, Metrics]) -> dict[str, str]:
    """How to call each evaluation set of any study: inside, outside, or with the site where there are several."""
    found = {one["key"]: one for metrics in studies.values() for one in metrics["sets"]}
    outside = [key for key, one in found.items() if one["part"] != "test"]
    called = {key: f"outside ({found[key]['site']})" if len(outside) > 1 else "outside" for key in outside}
    return {key: called.get(key, "inside") for key in sorted(found, key=lambda key: key in called)}


def _describe(name: str, metrics: Metrics, places: Mapping[str, str]) -> Row:
    n_studies = {
        f"{row['part']}:{row['site']}": (row["part"], row["n_studies"]) for row in metrics["label_counts"]
    }.values()
    sets = [
        {"set": one["key"], "where": places[one["key"]], "n_studies": one["n_studies"], "n_patients": one["n_patients"]}
        for one in metrics["sets"]
    ]
    return {
        "study": name,
        "n_findings": len(metrics["findings"]),
        "n_not_trained": len(metrics.get("study", {}).get("not_trained") or ()),
        "runs": metrics["runs"],
        "n_train": sum(n for part, n in n_studies if part == "train"),
        "n_validation": sum(n for part, n in n_studies if part == "validation"),
        "n_uncertain": _n_uncertain(metrics),
        "sets": sets,
        "reference": metrics.get("study", {}).get("reference"),
    }


def _n_uncertain(metrics: Metrics) -> int | None:
    """Uncertain labels that classifiers were taught or chosen by, those that policies decide; None if not recorded."""
    rows = metrics.get("study", {}).get("prevalence") or ()
    taught = [
        row["n_uncertain"] for row in rows if row["part"] in ("train", "validation") and row["schema"] == "labels"
    ]
    trained = [row for row in taught if row is not None]
    return sum(trained) if trained else None


def _labels(agreements: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    """How right the labels of each study are, over all of its reports and in each group of them."""
    for study, agreement in agreements.items():
        for part in ({"name": "all"} | dict(agreement), *agreement["groups"]):
            numbers = part["numbers"].get(LABEL_ACCURACY, {})
            for labeler in numbers.get(LABEL_NUMBERS[0], {}):
                about = {"study": study, "reports": part["name"], "n_reports": part["n_reports"], "labeler": labeler}
                yield about | {name: numbers[name][labeler]["all"] for name in LABEL_NUMBERS}


def _macro(studies: Mapping[str, Metrics], places: Mapping[str, str]) -> Iterator[Row]:
    for study, metrics in studies.items():
        kept = {(row["set"], row["run"]): row for row in metrics["macro"]}
        for key in places:
            for run in metrics["runs"]:
                if (key, run) in kept:
                    row = kept[key, run]
                    yield {"study": study, "set": key, "where": places[key], "run": run} | {
                        name: row[name] for name in ("auroc", "min", "max", "n_findings", "n_all_findings", "findings")
                    }


def _compared(row: Row, places: Mapping[str, str]) -> Row:
    """What a comparison is of and where, in words: two runs on a set, or a run inside and outside."""
    if "set" in row:
        return {"what": f"{row['run_a']} − {row['run_b']}", "where": places[row["set"]]}
    return {"what": f"{places[row['set_a']]} − {places[row['set_b']]}", "where": row["run"]}


def _differences(studies: Mapping[str, Metrics], places: Mapping[str, str]) -> tuple[list[Row], Row]:
    rows = [
        {"study": study, "kind": kind} | _compared(row, places) | row
        for study, metrics in studies.items()
        for kind in ("runs", "sites")
        for row in metrics["comparisons"][kind]["macro"]
    ]
    adjusted = benjamini_hochberg([np.nan if row["p"] is None else row["p"] for row in rows])
    for row, p in zip(rows, adjusted.p, strict=True):
        row["p_adjusted"] = None if np.isnan(p) else float(p)
    return rows, {"family": FAMILY, "m": adjusted.m, "n_undefined": len(rows) - adjusted.m}


def _findings(studies: Mapping[str, Metrics], places: Mapping[str, str]) -> Iterator[Row]:
    wanted = ("n", "n_positive", "prevalence", "in_macro", "auroc", "average_precision", "sensitivity", "specificity")
    for study, metrics in studies.items():
        titles = {one["name"]: one["title"] for one in metrics["findings"]}
        for row in metrics["results"]:
            about = {"study": study, "finding": row["finding"], "title": titles[row["finding"]], "set": row["set"]}
            yield about | {"where": places[row["set"]], "run": row["run"]} | {key: row[key] for key in wanted}


def _tests(studies: Mapping[str, Metrics], places: Mapping[str, str]) -> Iterator[Row]:
    """Tests of single findings with the p that each study adjusted over its own declared family."""
    for study, metrics in studies.items():
        titles = {one["name"]: one["title"] for one in metrics["findings"]}
        for kind in ("runs", "sites"):
            family = metrics["comparisons"][kind]
            for row in family["rows"]:
                about = {"study": study, "kind": kind, "title": titles[row["finding"]], "m": family["m"]}
                yield about | _compared(row, places) | row


def _left_out(studies: Mapping[str, Metrics], places: Mapping[str, str]) -> Iterator[Row]:
    """Findings that were not trained, then those not in a macro AUROC, once for all runs that agree in it."""
    for study, metrics in studies.items():
        for title, reason in metrics.get("study", {}).get("not_trained") or ():
            about = {"study": study, "set": None, "where": "training", "finding": None, "title": title}
            yield about | {"n_positive": None, "reason": reason, "runs": metrics["runs"]}
        titles = {one["name"]: one["title"] for one in metrics["findings"]}
        made: dict[tuple[str, str, str], Row] = {}
        for macro in metrics["macro"]:
            for item in macro["excluded"]:
                key = (macro["set"], item["finding"], item["reason"])
                about = {"study": study, "set": macro["set"], "where": places[macro["set"]]}
                row = made.setdefault(key, about | item | {"title": titles[item["finding"]], "runs": []})
                row["runs"].append(macro["run"])
        yield from made.values()
