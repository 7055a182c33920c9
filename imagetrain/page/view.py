"""Look-ups over the numbers of ``metrics.json``; what is absent from older ones is empty here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
STUDY = (
    "title", "created", "synthetic", "reference", "not_trained", "runs", "settings", "hashes", "versions", "flow",
    "prevalence", "checklists", "saliency",
)  # fmt: skip
"""What may be said of a study beside its numbers; all of it may be absent."""


class View:
    """The metrics by set, run and finding, with the names that the page has for them."""

    def __init__(self, metrics: Mapping[str, Any]) -> None:
        self.metrics = metrics
        self.study: Mapping[str, Any] = dict.fromkeys(STUDY) | metrics.get("study", {})
        self.runs: list[str] = metrics["runs"]
        self.sets: list[Row] = [one | {"outside": one["part"] != "test"} for one in metrics["sets"]]
        self.titles: dict[str, str] = {item["name"]: item["title"] for item in metrics["findings"]}
        self.results = {(row["set"], row["run"], row["finding"]): row for row in metrics["results"]}
        self.curves = {(row["set"], row["run"], row["finding"]): row for row in metrics["curves"]}
        self.macro_of = {(row["set"], row["run"]): row for row in metrics["macro"]}
        self.options: Mapping[str, Any] = metrics["options"]

    @property
    def confidence(self) -> str:
        """Coverage of the intervals, as ``95 %``."""
        return f"{100 * (1 - self.options['alpha']):g}\u00a0%"

    def definition(self, name: str) -> str:
        """What a number means; empty where these metrics do not say."""
        text: str = self.metrics["definitions"].get(name, "")
        return text

    def set_title(self, key: str) -> str:
        """Name of an evaluation set, as headings have it."""
        title: str = self._set(key)["title"]
        return title[0].upper() + title[1:]

    def short_title(self, key: str) -> str:
        """Name of an evaluation set, as cells have it."""
        one = self._set(key)
        several = sum(other["outside"] for other in self.sets) > 1
        return "inside" if not one["outside"] else f"outside ({one['site']})" if several else "outside"

    def series(self) -> list[tuple[str, str, int, bool]]:
        """Every (set, run, number of the run, outside) in the order in which they are drawn."""
        return [(one["key"], run, i, one["outside"]) for one in self.sets for i, run in enumerate(self.runs)]

    def findings_drawn(self) -> list[str]:
        """Findings with an AUROC on some set, those in a macro mean first, else in the order of the schema."""
        drawn = [f for f in self.titles if any(r["auroc"]["value"] is not None for r in self.rows(f))]
        return sorted(drawn, key=lambda finding: not self.counted(finding))

    def counted(self, finding: str) -> bool:
        """Whether a finding is in the macro mean of some set and run."""
        return any(row["in_macro"] for row in self.rows(finding))

    def rows(self, finding: str) -> list[Row]:
        """The results of a finding, of every set and run."""
        return [self.results[key, run, finding] for key, run, *_ in self.series()]

    def positives(self, finding: str) -> str:
        """How many positives each set has, as the first run sees it."""
        counts = [(self.results[one["key"], self.runs[0], finding], one["key"]) for one in self.sets]
        return ", ".join(f"{row['n_positive']} {self.short_title(key)}" for row, key in counts)

    def _set(self, key: str) -> Row:
        return next(one for one in self.sets if one["key"] == key)
