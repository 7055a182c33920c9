"""The facts that an evaluation can tell a reporting guideline, as sentences made from its metrics alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from imagetrain.exports.table import estimate
from imagetrain.exports.tables import TABLES
from imagetrain.page.formats import decimal
from imagetrain.page.view import View

Row = Mapping[str, Any]


def answers_of(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Name of a fact -> a few sentences; what is not known is not there."""
    view = View(metrics)
    made = {name: tell(view) for name, tell in TOLD.items()}
    made |= {name: str(text) for name, text in (metrics.get("study", {}).get("facts") or {}).items()}
    return {name: text for name, text in made.items() if text}


def _aim(view: View) -> str:
    n = len(view.runs)
    runs = (
        f"Image classifiers of {len(view.titles)} findings are tested ({n} run{'s' * (n > 1)}: {', '.join(view.runs)})"
    )
    return f"{runs} on {_list(one['title'] for one in view.sets)}."


def _sites(view: View) -> str:
    places = dict.fromkeys((row["part"], row["site"], row["n_studies"]) for row in view.metrics["label_counts"])
    return _sentence("Studies by part and site", (f"{part} {site}".strip() + f" {n}" for part, site, n in places))


def _counts(view: View) -> str:
    tested = _list(f"{one['title']}: {one['n_studies']} studies of {one['n_patients']} patients" for one in view.sets)
    return f"{_sites(view)} Tested: {tested}."


def _flow(view: View) -> str:
    """The way to the tests; of scores that were made elsewhere it is not known."""
    flow = view.study.get("flow") or ()
    if len({step["step"] for step in flow} - {"studies with scores", "tested"}) == 0:
        return ""
    steps = []
    for step in flow:
        lost = ", ".join(f"{item['n']} {item['reason']}" for item in step["lost"])
        steps.append(f"{step['step']} {step['n']}{f' (less {lost})' if lost else ''}")
    notes = " ".join(view.study.get("flow_notes") or ())
    return f"{_sentence('Flow', steps)} {notes} {_see(view, 'flow')}"


def _prevalence(view: View) -> str:
    least = view.options["min_positives"]
    return (
        f"Positives of each finding. {_see(view, 'prevalence', 'discrimination')} Findings with fewer than {least} "
        f"positives in a test set do not count in its macro mean. {_see(view, 'left_out')}"
    )


def _findings(view: View) -> str:
    return _sentence("Findings", view.titles.values())


def _reference(view: View) -> str:
    more = [reference.get("title") or reference["name"] for reference in _matrix(view).get("references", ())]
    return f"{view.study['reference'] or ''}{f' Also held against: {_list(more)}.' if more else ''}".strip()


def _measures(view: View) -> str:
    named = {"AUROC": "auroc", "Macro AUROC": "macro_auroc", "Average precision": "average_precision"}
    named |= {"Sensitivity": "sensitivity", "Specificity": "specificity", "PPV": "ppv", "NPV": "npv", "F1": "f1"}
    named |= {"Calibration": "calibration_slope", "Net benefit": "net_benefit"}
    return " ".join(f"{title}: {text}" for title, name in named.items() if (text := view.definition(name)))


def _statistics(view: View) -> str:
    tests = {"Runs compared": "paired", "Sites compared": "unpaired", "Macro means": "macro_difference"}
    tests |= {"Several tests": "p_adjusted"}
    told = " ".join(f"{title}: {text}" for title, name in tests.items() if (text := view.definition(name)))
    return f"Intervals cover {view.confidence}; {view.options['resamples']} resamples of patients. {told}"


def _clusters(view: View) -> str:
    sites = [one["site"] for one in view.sets if one["outside"]]
    told = "Resamples are of whole patients, so studies of one patient stay together."
    return told + (f" Each external site is a test set of its own: {_list(sites)}." if sites else "")


def _performance(view: View) -> str:
    macro = (
        f"{view.set_title(row['set'])}, {row['run']}: {estimate(row['auroc'])} over {row['n_findings']} findings, "
        f"range {decimal(row['min'])}–{decimal(row['max'])}"
        for row in view.metrics["macro"]
        if row["auroc"]["value"] is not None
    )
    return f"{_sentence(f'Macro AUROC ({view.confidence} CI)', macro)} {_see(view, 'discrimination', 'threshold')}"


def _calibration(view: View) -> str:
    return f"Intercept, slope, Brier score and curves. {_see(view, 'calibration')}" if _calibrated(view) else ""


def _groups(view: View) -> str:
    attributes = dict.fromkeys(row["attribute"] for row in view.metrics.get("subgroups") or ())
    return (
        f"Performance by {_list(attributes)}, with numbers of each group. {_see(view, 'subgroups')}"
        if attributes
        else ""
    )


def _heterogeneity(view: View) -> str:
    if not any(one["outside"] for one in view.sets):
        return ""
    return f"Each run inside and at each external site. {_see(view, 'macro', 'sites_compared')}"


def _external(view: View) -> str:
    outside = [f"{one['title']}, {one['n_studies']} studies" for one in view.sets if one["outside"]]
    return f"Tested outside: {_list(outside)}." if outside else ""


def _updating(view: View) -> str:
    methods = dict.fromkeys(
        row["calibration"]["recalibrated"]["method"]
        for row in view.results.values()
        if (row.get("calibration") or {}).get("recalibrated")
    )
    if not methods:
        return ""
    text = f"Probabilities are recalibrated on validation ({_list(methods)}) and then frozen."
    at_site = any(row["calibration"].get("at_site") for row in view.results.values() if row.get("calibration"))
    return text + (
        " Outside, recalibration at the site is shown beside it, cross-fitted by patient." if at_site else ""
    )


def _updated(view: View) -> str:
    return f"Calibration before and after. {_see(view, 'calibration')}" if _updating(view) else ""


def _runs(view: View) -> str:
    return _sentence("Runs", (f"{name} ({text})" for name, text in view.study["runs"] or ()))


def _software(view: View) -> str:
    return _sentence("Software", (f"{name} {number}" for name, number in view.study["versions"] or ()))


def _inputs(view: View) -> str:
    return _sentence("Inputs, SHA-256", (f"{name} {sha[:12]}" for name, sha in view.study["hashes"] or ()))


def _labelling_software(view: View) -> str:
    labelled_here = "labels" in (view.metrics.get("study", {}).get("facts") or {})
    return "Labels were read from report texts by radprompter." if labelled_here else ""


def _references_agree(view: View) -> str:
    return f"Agreement of the references. {_see(view, 'references_compared')}" if _matrix(view).get("agreement") else ""


def _robustness(view: View) -> str:
    done = [
        ("external sites", any(one["outside"] for one in view.sets)),
        ("subgroups", bool(view.metrics.get("subgroups"))),
        ("several references", bool(_matrix(view))),
        ("permutation of labels", any(row.get("permutation") for row in view.results.values())),
    ]
    return _sentence("Shown by", (name for name, is_done in done if is_done))


def _saliency(view: View) -> str:
    return "Grad-CAM maps are on the page; they were not validated." if view.study.get("saliency") else ""


def _errors(view: View) -> str:
    return f"False positives and negatives at the frozen thresholds are on the page. {_see(view, 'threshold')}"


def _machine(view: View) -> str:
    return "None: the predictor is the image itself."


def _caveats(view: View) -> str:
    caveat = view.metrics["comparisons"]["sites"].get("caveat", "") if any(one["outside"] for one in view.sets) else ""
    return " ".join(filter(None, [*view.metrics["notes"], caveat]))


def _calibrated(view: View) -> bool:
    return any(row.get("calibration") for row in view.results.values())


def _matrix(view: View) -> Row:
    matrix: Row = view.metrics.get("matrix") or {}
    return matrix


def _see(view: View, *tables: str) -> str:
    """Where the numbers are, of the tables that there are."""
    there = [f"tables/{name}" for name in tables if TABLES[name](view) is not None]
    return f"See {_list(there)}." if there else ""


def _list(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def _sentence(name: str, texts: Iterable[str]) -> str:
    told = "; ".join(texts)
    return f"{name}: {told}." if told else ""


TOLD: Mapping[str, Callable[[View], str]] = {
    "aim": _aim,
    "sites": _sites,
    "counts": _counts,
    "flow": _flow,
    "prevalence": _prevalence,
    "findings": _findings,
    "reference": _reference,
    "measures": _measures,
    "statistics": _statistics,
    "clusters": _clusters,
    "performance": _performance,
    "calibration": _calibration,
    "groups": _groups,
    "heterogeneity": _heterogeneity,
    "external": _external,
    "updating": _updating,
    "updated": _updated,
    "runs": _runs,
    "software": _software,
    "inputs": _inputs,
    "labelling_software": _labelling_software,
    "references_agree": _references_agree,
    "robustness": _robustness,
    "saliency": _saliency,
    "errors": _errors,
    "machine": _machine,
    "caveats": _caveats,
}
"""Name of a fact -> what tells it. Facts that numbers do not show are in the key ``facts`` of the study."""
