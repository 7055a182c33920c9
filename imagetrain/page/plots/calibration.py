"""Calibration plots of a finding: observed shares over predicted probabilities, a panel a test set and version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imagetrain.page.formats import decimal, interval
from imagetrain.page.plots.frame import Frame, Ruler, look
from imagetrain.page.plots.plot import Cell, DataTable, Panel, Plot
from imagetrain.page.view import View

FRAME = Frame(Ruler("predicted probability"), Ruler("share with the finding"))
VERSIONS = {"as_trained": "as trained", "recalibrated": "recalibrated on validation", "at_site": "recalibrated here"}
HEADER = ("set", "run", "version", "method", "probability", "share", "low", "high", "n", "n_positive")
NUMBERS = ("in_the_large", "slope", "intercept", "brier", "ece")


def calibrations(view: View, finding: str) -> Iterator[tuple[dict[str, Any], str, list[tuple[int, Any]]]]:
    """Each test set and version that some run has: (number of the run, calibration) a run."""
    for one in view.sets:
        for version in VERSIONS:
            found = []
            for i, run in enumerate(view.runs):
                known = view.results[one["key"], run, finding].get("calibration") or {}
                if known.get(version):
                    found.append((i, known[version]))
            if found:
                yield one, version, found


def calibration_plot(view: View, finding: str) -> Plot | None:
    """Groups of studies with similar probabilities; a calibrated classifier is on the diagonal."""
    panels: list[Panel] = []
    rows: list[tuple[Cell, ...]] = []
    for one, version, found in calibrations(view, finding):
        if not any(one_run["curve"] for _, one_run in found):
            continue
        parts, said = [FRAME.line((0, 1), (0, 1), "chance")], []
        for i, known in found:
            curve = known["curve"]
            x = [point["probability"] for point in curve]
            parts.append(FRAME.line(x, [point["share"] for point in curve], f"curve light {look(i)}"))
            parts += [FRAME.interval(p["probability"], p["low"], p["high"], look(i)) for p in curve]
            parts += [FRAME.mark(i, p["probability"], p["share"]) for p in curve]
            slope, large = known["slope"], known["in_the_large"]
            said.append(
                f"{view.runs[i]} slope {decimal(slope['value'], 2)} {interval(slope, 2)}".strip()
                + f", in the large {decimal(large['value'], 2)} {interval(large, 2)}".rstrip()
            )
            rows += [
                (one["key"], view.runs[i], version, known["method"], *(p[key] for key in HEADER[4:])) for p in curve
            ]
        title = f"{view.set_title(one['key'])}, {VERSIONS[version]}"
        says = f"Calibration of {view.titles[finding]}, {title}: {'; '.join(said)}."
        panels.append(FRAME.panel(title, parts, says=says)._replace(row=one["key"]))
    if not panels:
        return None
    table = DataTable(HEADER, tuple(rows))
    return Plot(f"{view.titles[finding]}: calibration", tuple(panels), table, tuple(view.runs))
