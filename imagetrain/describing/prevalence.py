"""How frequent each finding is in each label table and reference, by part and site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imagetrain.records import PARTS, TEST, Split
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, LabelState

Row = dict[str, Any]


def prevalence_of(schema: str, labels: LabelTable, split: Split, findings: Sequence[str]) -> list[Row]:
    """Rows ``{schema, part, site, finding, n, n_positive, n_negative, n_uncertain, n_not_mentioned}`` of one table.

    ``n`` counts the studies there that have one of the four labels, so the four numbers sum to it.
    """
    states = labels.wide()
    states = states[states.index.isin(split.study_ids)]
    places = dict(zip(split.study_ids, zip(split.parts, split.sites, strict=True), strict=True))
    where = [places[study] for study in states.index]
    rows = []
    for part, site in sorted(set(where), key=lambda place: (PARTS.index(place[0]), place[1])):
        there = states[[place == (part, site) for place in where]]
        for finding in (name for name in findings if name in there.columns):
            counts = there[finding].value_counts()
            of_state = {state: int(counts.get(str(state), 0)) for state in LABELS}
            rows.append(
                {"schema": schema, "part": part, "site": site, "finding": finding, "n": sum(of_state.values())}
                | {f"n_{state}": of_state[state] for state in LabelState if state in LABELS}
            )
    return rows


def prevalence_of_counts(schema: str, label_counts: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The same from counts of definitive labels, each place once; uncertain ones are not told apart: None."""
    made: dict[tuple[str, ...], Row] = {}
    for row in label_counts:
        about = {name: row[name] for name in ("part", "site", "finding")}
        made.setdefault(tuple(about.values()), {"schema": schema} | about | _definitive(row))
    return list(made.values())


def prevalence_of_matrix(metrics: Mapping[str, Any]) -> list[Row]:
    """The same of every reference of the matrix of an evaluation, from its cells.

    The site of the internal test set is empty where it has several.
    """
    matrix = metrics["matrix"]
    names = {one["name"]: one.get("title") or one["name"] for one in matrix["references"]}
    sites = {row["site"] for row in metrics["label_counts"] if row["part"] == TEST}
    inside = sites.pop() if len(sites) == 1 else ""
    places = {one["key"]: {"part": one["part"], "site": one["site"] or inside} for one in metrics["sets"]}
    made: dict[tuple[str, str, str], Row] = {}
    for cell in matrix["cells"]:
        if cell["finding"] is not None:
            row = (
                {"schema": f"reference {names[cell['reference']]}"} | places[cell["set"]] | {"finding": cell["finding"]}
            )
            made.setdefault((cell["reference"], cell["set"], cell["finding"]), row | _definitive(cell))
    return list(made.values())


def _definitive(row: Mapping[str, Any]) -> Row:
    counts = {"n": row["n"], "n_positive": row["n_positive"], "n_negative": row["n"] - row["n_positive"]}
    return counts | {"n_uncertain": None, "n_not_mentioned": None}
