"""Tables of tests: runs on the same studies, and each run inside and outside."""

from __future__ import annotations

from imagetrain.exports.table import Table, estimate, joined, undefined
from imagetrain.page.formats import decimal, p_value
from imagetrain.page.tables import differences, tested, untested
from imagetrain.page.view import View

CALLS = {"sensitivity": "Sensitivity", "specificity": "Specificity", "f1": "F1"}


def differences_table(view: View) -> Table | None:
    """Differences of macro AUROCs."""
    found = differences(view)
    rows = [
        [
            *(row["what"], row["where"], str(row["n_findings"])),
            *(decimal(row["auroc_a"]), decimal(row["auroc_b"])),
            *(estimate(row["difference"], sign=True), p_value(row["p"])),
        ]
        for row in found
    ]
    header = ["Difference", "Where", "Findings", "First", "Second", f"Difference ({view.confidence} CI)", "p"]
    note = joined(view.definition("macro_difference"), undefined([row["difference"] for row in found]))
    return Table("Differences of macro AUROC", header, rows, note, 2) if rows else None


def runs_table(view: View) -> Table | None:
    """Paired tests of runs, finding by finding."""
    return _family(view, "runs", "Runs compared on the same studies", ("Runs", "Test set"), "paired")


def calls_table(view: View) -> Table | None:
    """Paired tests of runs at their frozen thresholds, finding by finding."""
    compared = view.metrics["comparisons"].get("calls") or {"rows": []}
    found = [row for row in compared["rows"] if row["p"] is not None]
    rows = [
        [
            *(view.titles[row["finding"]], CALLS[row["measure"]], f"{row['run_a']} − {row['run_b']}"),
            *(view.short_title(row["set"]), decimal(row["a"], 2), decimal(row["b"], 2)),
            *(estimate(row["difference"], 2, sign=True), p_value(row["p"])),
            p_value(row["p_adjusted"]) + (" *" if row["significant"] else ""),
        ]
        for row in found
    ]
    header = ["Finding", "Measure", "Runs", "Test set", "First", "Second"]
    header += [f"Difference ({view.confidence} CI)", "p", "Adjusted p"]
    if not rows:
        return None
    note = joined(
        *(f"{title}: {view.definition(f'paired_{name}')}" for name, title in CALLS.items()),
        f"Adjusted p: {view.definition('p_adjusted')}",
        f"Family: {compared['family']}; {compared['m']} tests, {compared['n_significant']} significant (*).",
        undefined([row["difference"] for row in compared["rows"]]),
    )
    return Table("Runs compared at their frozen thresholds", header, rows, note, 4)


def sites_table(view: View) -> Table | None:
    """Unpaired tests of sites, finding by finding."""
    return _family(view, "sites", "Inside against outside", ("Run", "Against"), "unpaired")


def _family(view: View, family: str, title: str, columns: tuple[str, str], definition: str) -> Table | None:
    compared = view.metrics["comparisons"][family]
    found, rest = tested(view, family)
    if not compared["rows"]:
        return None
    rows = [
        [
            *(row["title"], row["who"], row["where"], decimal(row["auroc_a"]), decimal(row["auroc_b"])),
            *(estimate(row["difference"], sign=True), p_value(row["p"])),
            p_value(row["p_adjusted"]) + (" *" if row["significant"] else ""),
        ]
        for row in found
    ]
    header = ["Finding", *columns, "First", "Second", f"Difference ({view.confidence} CI)", "p", "Adjusted p"]
    not_tested = "; ".join(f"{name} ({reason})" for name, reason in untested(rest))
    note = joined(
        view.definition(definition),
        f"Adjusted p: {view.definition('p_adjusted')}",
        f"Family: {compared['family']}; {compared['m']} tests, {compared['n_significant']} significant (*).",
        f"Not tested: {not_tested}." if not_tested else "",
        compared.get("caveat", ""),
    )
    return Table(title, header, rows, note, 3)
