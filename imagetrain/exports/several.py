"""The tables of a paper about several studies: one row a study, runs beside each other, inside and outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from imagetrain.evaluation.studies import LABEL_NUMBERS
from imagetrain.exports.table import Table, estimate
from radprompter.pages.formats import count, decimal, p_value
from radprompter.spreadsheet import csv_text

Row = Mapping[str, Any]


def tables_of(found: Row) -> dict[str, Table]:
    """The tables as they are printed, by the name of their file."""
    confidence = f"{100 * (1 - found['options']['alpha']):g} % CI"
    return {name: make(found, confidence) for name, make in TABLES.items()}


def _studies(found: Row, confidence: str) -> Table:
    places = list(dict.fromkeys(one["where"] for row in found["studies"] for one in row["sets"]))
    rows = []
    for row in found["studies"]:
        sets = {one["where"]: f"{one['n_studies']:,} ({one['n_patients']:,})" for one in row["sets"]}
        rows.append(
            [row["study"], _share(row), f"{row['n_train']:,}", f"{row['n_validation']:,}", count(row["n_uncertain"])]
            + [sets.get(place, "–") for place in places]
        )
    header = ["Study", "Findings", "Training", "Validation", "Uncertain", *(f"Test {place}" for place in places)]
    note = (
        "Studies; in brackets, patients. Findings: trained, of those that the reports were read for. Uncertain: labels "
        "of these findings in training and validation, which the policies decide."
    )
    return Table("Studies", header, rows, note)


def _labels(found: Row, confidence: str) -> Table:
    several = len({row["labeler"] for row in found["labels"]}) > len({row["study"] for row in found["labels"]})
    rows = [
        [
            *(row["study"], row["reports"].replace("=", " ") + (f", {row['labeler']}" if several else "")),
            count(row["n_reports"]),
            *("–" if row[name]["value"] is None else f"{100 * row[name]['value']:.1f} %" for name in LABEL_NUMBERS),
        ]
        for row in found["labels"]
    ]
    note = (
        "Against the reference. Labels right: of all reports and findings, one of four states. Reports "
        "right: every label of them. Uncertain: reports with an uncertain label, by the reference and as labelled."
    )
    header = ["Study", "Reports", "n", "Labels right", "Reports right", "Uncertain", "Labelled uncertain"]
    return Table("Labels", header, rows, note, 2)


def _macro(found: Row, confidence: str) -> Table:
    runs = list(dict.fromkeys(row["run"] for row in found["macro"]))
    kept = {(row["study"], row["where"], row["run"]): row for row in found["macro"]}
    rows = []
    for study, where in dict.fromkeys((study, where) for study, where, _ in kept):
        there = [kept.get((study, where, run)) for run in runs]
        counted = dict.fromkeys(f"{row['n_findings']} of {row['n_all_findings']}" for row in there if row)
        cells = [study, where, " / ".join(counted)]
        for row in there:
            cells += [estimate(row["auroc"]), _range(row)] if row else ["–", "–"]
        rows.append(cells)
    header = ["Study", "Test set", "Findings", *(text for run in runs for text in (run, "Range"))]
    note = (
        f"Macro AUROC ({confidence}), and from the lowest to the highest AUROC of a finding. "
        f"{found['definitions']['macro_auroc']}"
    )
    return Table("Macro AUROC", header, rows, note, 2)


def _differences(found: Row, confidence: str) -> Table:
    rows = [
        [
            *(row["study"], row["what"], row["where"], str(row["n_findings"])),
            *(estimate(row["difference"], sign=True), p_value(row["p"]), p_value(row["p_adjusted"])),
        ]
        for row in found["differences"]
    ]
    family = found["family"]
    note = (
        f"{found['definitions']['macro_difference']} Adjusted p: Benjamini-Hochberg over {family['m']} tests "
        f"({family['family']}). No significant difference is not evidence of equality."
    )
    header = ["Study", "Difference", "Where", "Findings", f"Macro AUROC ({confidence})", "p", "Adjusted p"]
    return Table("Differences of macro AUROC", header, rows, note, 3)


def _findings(found: Row, confidence: str) -> Table:
    runs = list(dict.fromkeys(row["run"] for row in found["findings"]))
    kept = {(row["study"], row["title"], row["where"], row["run"]): row for row in found["findings"]}
    rows = []
    for study, title, where in dict.fromkeys(key[:3] for key in kept):
        there = [kept.get((study, title, where, run)) for run in runs]
        counts = dict.fromkeys(f"{row['n_positive']:,} of {row['n']:,}" for row in there if row)
        numbers = [estimate(row["auroc"]) + ("" if row["in_macro"] else " ~") if row else "–" for row in there]
        rows.append([study, title, where, " / ".join(counts), *numbers])
    note = f"AUROC ({confidence}). ~: not in the macro AUROC. {found['definitions']['auroc']}"
    return Table("AUROC by finding", ["Study", "Finding", "Test set", "Positive", *runs], rows, note, 3)


def _tests(found: Row, confidence: str) -> Table:
    tested = [row for row in found["tests"] if row["p"] is not None]
    rows = [
        [
            *(row["study"], row["title"], row["what"], row["where"]),
            *(decimal(row["auroc_a"]), decimal(row["auroc_b"]), estimate(row["difference"], sign=True)),
            *(p_value(row["p"]), p_value(row["p_adjusted"])),
        ]
        for row in tested
    ]
    families = dict.fromkeys((row["study"], row["kind"], row["m"]) for row in found["tests"])
    sizes = ", ".join(f"{study} {m} of {kind}" for study, kind, m in families)
    note = f"DeLong. {found['definitions']['p_adjusted']} One family a study and kind of test: {sizes}."
    header = ["Study", "Finding", "Difference", "Where", "First", "Second", f"AUROC ({confidence})", "p", "Adjusted p"]
    return Table("Tests of single findings", header, rows, note, 4)


def _left_out(found: Row, confidence: str) -> Table:
    rows = []
    for row in found["left_out"]:
        positives = "–" if row["n_positive"] is None else str(row["n_positive"])
        rows.append([row["study"], row["where"], row["title"], positives, row["reason"]])
    least = found["options"]["min_positives"]
    note = (
        "Findings that were too rare to train, and those that do not count in a macro AUROC: fewer than "
        f"{least} positives, or no negative."
    )
    return Table("Left out", ["Study", "Test set", "Finding", "Positives", "Reason"], rows, note, 3)


TABLES: Mapping[str, Callable[[Row, str], Table]] = {
    "studies": _studies,
    "labels": _labels,
    "macro": _macro,
    "differences": _differences,
    "findings": _findings,
    "tests": _tests,
    "left_out": _left_out,
}
"""Name of a table -> what makes it; also the key of its rows in `side_by_side`, but for `studies`."""


def _share(row: Row) -> str:
    return f"{row['n_findings']} of {row['n_findings'] + row['n_not_trained']}"


def _range(row: Row) -> str:
    return "–" if row["min"] is None else f"{decimal(row['min'])}–{decimal(row['max'])}"


COLUMNS: Mapping[str, Sequence[str]] = {
    "studies": (
        "study",
        "n_findings",
        "n_not_trained",
        "n_train",
        "n_validation",
        "n_uncertain",
        "set",
        "n_studies",
        "n_patients",
    ),
    "labels": ("study", "reports", "n_reports", "labeler", *LABEL_NUMBERS),
    "macro": ("study", "set", "run", "auroc", "min", "max", "n_findings", "n_all_findings"),
    "differences": ("study", "what", "where", "difference", "p", "p_adjusted", "n_findings"),
    "findings": (
        *("study", "set", "run", "finding", "n", "n_positive", "prevalence", "in_macro"),
        *("auroc", "average_precision", "sensitivity", "specificity"),
    ),
    "tests": (
        *("study", "what", "where", "finding", "auroc_a", "auroc_b", "difference", "statistic", "p", "p_adjusted"),
        "m",
    ),
    "left_out": ("study", "where", "title", "n_positive", "reason"),
}
"""Name of a table -> its columns in CSV; a number with an interval has three."""


def rows_as_csv(found: Row, name: str) -> str:
    """The rows of a table as CSV, unrounded."""
    rows = found[name]
    if name == "studies":
        rows = [row | one for row in rows for one in row["sets"]]
    numbers = {key for key in COLUMNS[name] if rows and isinstance(rows[0][key], Mapping)}
    header = [column for key in COLUMNS[name] for column in _columns(key, key in numbers)]
    return csv_text(header, ([cell for key in COLUMNS[name] for cell in _cells(row[key])] for row in rows))


def _columns(key: str, is_number: bool) -> Iterable[str]:
    return (key, f"{key}_low", f"{key}_high") if is_number else (key,)


def _cells(value: Any) -> Iterator[Any]:
    for cell in (value["value"], value["low"], value["high"]) if isinstance(value, Mapping) else (value,):
        yield "" if cell is None else cell
