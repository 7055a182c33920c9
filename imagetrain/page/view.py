"""The numbers of ``metrics.json``, arranged as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imagetrain.page.svg import RocLine, look, roc_panel
from radprompter.pages.svg import Axis, Estimate, forest_track

Row = dict[str, Any]
STUDY = ("title", "created", "synthetic", "reference", "not_trained", "runs", "settings", "hashes", "versions")
"""What may be said of a study beside its numbers; all of it may be absent."""


class View:
    """Look-ups over the metrics, and what each section of the page shows."""

    def __init__(self, metrics: Mapping[str, Any]) -> None:
        self.metrics = metrics
        self.study: Mapping[str, Any] = dict.fromkeys(STUDY) | metrics.get("study", {})
        self.runs: list[str] = metrics["runs"]
        self.sets: list[Row] = [one | {"outside": one["part"] != "test"} for one in metrics["sets"]]
        self.titles: dict[str, str] = {item["name"]: item["title"] for item in metrics["findings"]}
        self.results = {(row["set"], row["run"], row["finding"]): row for row in metrics["results"]}
        self.macro_of = {(row["set"], row["run"]): row for row in metrics["macro"]}
        self.options: Mapping[str, Any] = metrics["options"]

    @property
    def confidence(self) -> str:
        """Coverage of the intervals, as ``95 %``."""
        return f"{100 * (1 - self.options['alpha']):g} %"

    def set_title(self, key: str) -> str:
        """Name of an evaluation set, as headings have it."""
        title: str = next(one["title"] for one in self.sets if one["key"] == key)
        return title[0].upper() + title[1:]

    def short_title(self, key: str) -> str:
        """Name of an evaluation set, as cells have it."""
        one = next(one for one in self.sets if one["key"] == key)
        several = sum(other["outside"] for other in self.sets) > 1
        return "inside" if not one["outside"] else f"outside ({one['site']})" if several else "outside"

    def keys(self) -> list[tuple[str, str, int, bool]]:
        """Every (set, run, number of the run, outside) in the order in which they are drawn."""
        return [(one["key"], run, i, one["outside"]) for one in self.sets for i, run in enumerate(self.runs)]

    def headline(self) -> list[Row]:
        """One card a set: the macro AUROC of each run."""
        values = [m["auroc"]["low"] or m["auroc"]["value"] for m in self.metrics["macro"]]
        axis = Axis.around([value for value in values if value is not None])
        cards = []
        for one in self.sets:
            runs = []
            for i, run in enumerate(self.runs):
                macro = self.macro_of[one["key"], run]
                track = forest_track([self._estimate(macro["auroc"], i, one["outside"])], axis)
                runs.append(macro | {"number": i, "track": track})
            cards.append(one | {"title": self.set_title(one["key"]), "runs": runs, "axis": axis})
        return cards

    def differences(self) -> list[Row]:
        """Macro AUROCs against each other: runs on one set, then one run inside and outside."""
        compared = self.metrics["comparisons"]
        rows = [
            row | {"what": f"{row['run_a']} − {row['run_b']}", "where": self.short_title(row["set"])}
            for row in compared["runs"]["macro"]
        ]
        rows += [
            row | {"what": f"inside − {self.short_title(row['set_b'])}", "where": row["run"]}
            for row in compared["sites"]["macro"]
        ]
        return rows

    def forest(self) -> tuple[list[Row], Axis]:
        """One row a finding that has an AUROC anywhere; those that count in a macro mean first."""
        lows = [
            number
            for row in self.results.values()
            if row["in_macro"]
            for number in (row["auroc"]["low"], row["auroc"]["value"])
            if number is not None
        ]
        axis = Axis.around(lows)
        rows = []
        for finding in self.findings_drawn():
            found = [
                (self.results[key, run, finding], i, outside, key, run)
                for key, run, i, outside in self.keys()
                if self.results[key, run, finding]["auroc"]["value"] is not None
            ]
            estimates = [self._estimate(row["auroc"], i, outside) for row, i, outside, _, _ in found]
            numbers = [
                row | {"number": i, "outside": outside, "where": self.short_title(key)}
                for row, i, outside, key, _ in found
            ]
            rows.append(
                {
                    "title": self.titles[finding],
                    "counts": self._positives(finding),
                    "counted": any(row["in_macro"] for row, *_ in found),
                    "track": forest_track(estimates, axis),
                    "numbers": numbers,
                }
            )
        return rows, axis

    def roc_panels(self) -> list[Row]:
        """One panel a finding that has a curve anywhere."""
        curves = {(c["set"], c["run"], c["finding"]): c for c in self.metrics["curves"]}
        panels = []
        for finding in self.findings_drawn():
            lines, legend = [], []
            for key, run, i, outside in self.keys():
                curve = curves.get((key, run, finding))
                if curve is None:
                    continue
                row = self.results[key, run, finding]
                sensitivity, specificity = row["sensitivity"]["value"], row["specificity"]["value"]
                point = None if sensitivity is None or specificity is None else (1 - specificity, sensitivity)
                lines.append(RocLine(curve["false_positive_rate"], curve["true_positive_rate"], i, outside, point))
                legend.append(row | {"number": i, "outside": outside, "label": f"{run}, {self.short_title(key)}"})
            counted = any(row["in_macro"] for row in legend)
            title = self.titles[finding]
            panels.append(
                {"name": finding, "title": title, "svg": roc_panel(lines, title), "legend": legend, "counted": counted}
            )
        return panels

    def findings_drawn(self) -> list[str]:
        """Findings with an AUROC on some set, those in a macro mean first, else in the order of the schema."""
        drawn = [f for f in self.titles if any(r["auroc"]["value"] is not None for r in self._rows(f))]
        return sorted(drawn, key=lambda f: not any(row["in_macro"] for row in self._rows(f)))

    def tables(self) -> list[Row]:
        """One table a set: findings with their runs under each other."""
        made = []
        for one in self.sets:
            groups = [
                {
                    "title": self.titles[finding],
                    "rows": [self.results[one["key"], run, finding] | {"number": i} for i, run in enumerate(self.runs)],
                }
                for finding in self.titles
            ]
            groups.sort(key=lambda group: not any(row["in_macro"] for row in group["rows"]))
            made.append(one | {"title": self.set_title(one["key"]), "groups": groups})
        return made

    def tested(self, family: str) -> tuple[list[Row], list[Row]]:
        """Rows of a family of tests with a p value, and those without."""
        rows = [
            row
            | {
                "title": self.titles[row["finding"]],
                "where": self.short_title(row["set"] if family == "runs" else row["set_b"]),
                "who": f"{row['run_a']} − {row['run_b']}" if family == "runs" else row["run"],
            }
            for row in self.metrics["comparisons"][family]["rows"]
        ]
        return [row for row in rows if row["p"] is not None], [row for row in rows if row["p"] is None]

    def untested(self, rows: Sequence[Row]) -> list[tuple[str, str]]:
        """Findings of a family that were not tested, once each, with the reasons."""
        reasons: dict[str, dict[str, None]] = {}
        for row in rows:
            where = f"{row['where']}: " if "set" in row else ""
            reasons.setdefault(row["title"], {})[where + row["difference"]["reason"]] = None
        return [(title, "; ".join(texts)) for title, texts in reasons.items()]

    def excluded(self) -> list[Row]:
        """Findings left out of a macro mean: where, how many positives, and why."""
        made: dict[tuple[str, str, str], Row] = {}
        for macro in self.metrics["macro"]:
            for item in macro["excluded"]:
                key = (macro["set"], item["finding"], item["reason"])
                row = made.setdefault(
                    key,
                    item | {"title": self.titles[item["finding"]], "where": self.short_title(macro["set"]), "runs": []},
                )
                row["runs"].append(macro["run"])
        return list(made.values())

    def label_counts(self) -> tuple[list[Row], list[Row]]:
        """Columns (part and site) and rows (findings) of the table of positives; runs that agree are shown once."""
        counts = self.metrics["label_counts"]
        places = list(dict.fromkeys((row["part"], row["site"], row["n_studies"]) for row in counts))
        columns = [{"part": part, "site": site, "n_studies": n} for part, site, n in places]
        rows = []
        for finding, title in self.titles.items():
            cells = []
            for part, site, _ in places:
                found = [row for row in counts if (row["part"], row["site"], row["finding"]) == (part, site, finding)]
                distinct = list({(row["n_positive"], row["n"]): row for row in found}.values())
                cells.append(distinct)
            rows.append({"title": title, "cells": cells})
        return columns, rows

    def _rows(self, finding: str) -> list[Row]:
        return [row for (_, _, name), row in self.results.items() if name == finding]

    def _positives(self, finding: str) -> str:
        run = self.runs[0]
        return ", ".join(
            f"{self.results[one['key'], run, finding]['n_positive']} {self.short_title(one['key'])}"
            for one in self.sets
        )

    @staticmethod
    def _estimate(number: Row, run: int, outside: bool) -> Estimate:
        return Estimate(number["value"], number["low"], number["high"], look(run, outside))
