"""Look-ups over the numbers of ``metrics.json``; what is absent from older ones is empty here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]
STUDY = (
    "title", "created", "synthetic", "reference", "not_trained", "runs", "settings", "hashes", "versions", "flow",
    "flow_notes", "prevalence",
)  # fmt: skip
"""What may be said of a study beside its numbers; all of it may be absent."""

TITLES: Mapping[str, str] = {
    "auroc": "AUROC", "auroc_delong": "AUROC, DeLong", "auroc_bootstrap": "AUROC, bootstrap",
    "auroc_folds": "AUROC, mean over folds", "ppv": "PPV", "npv": "NPV", "f1": "F1", "macro_auroc": "Macro AUROC",
    "brier": "Brier score", "ece": "Calibration error", "permutation": "p of chance", "paired": "Paired test",
    "unpaired": "Unpaired test", "p_adjusted": "Adjusted p", "macro_difference": "Difference of macro AUROC",
    "threshold_here": "Threshold of its own", "sensitivity_here": "Sensitivity, threshold of its own",
    "specificity_here": "Specificity, threshold of its own",
    "reference_sensitivity": "Sensitivity of a reference", "reference_specificity": "Specificity of a reference",
    "matrix_auroc": "AUROC in the matrix", "matrix_average_precision": "Average precision in the matrix",
    "paired_f1": "Paired difference of F1", "paired_sensitivity": "Paired difference of sensitivity",
    "paired_specificity": "Paired difference of specificity", "reference_kappa": "Kappa of references",
    "reference_attenuation": "Left of AUROC − 0.5",
}  # fmt: skip
"""How definitions are headed; others by their own name."""


class View:
    """The metrics by set, run and finding, with the names that the page has for them."""

    def __init__(
        self,
        metrics: Mapping[str, Any],
        *,
        pictures: Sequence[Mapping[str, Any]] = (),
        links: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.metrics, self.links = metrics, links
        self.study: Mapping[str, Any] = dict.fromkeys(STUDY) | metrics.get("study", {})
        self.runs: list[str] = metrics["runs"]
        order = {name: i for i, name in enumerate([*(item["name"] for item in metrics["findings"]), *self.runs])}
        self.pictures = sorted(pictures, key=lambda one: (order.get(one["finding"], 0), order.get(one["run"], 0)))
        self.sets: list[Row] = [one | {"outside": one["part"] != "test"} for one in metrics["sets"]]
        self.titles: dict[str, str] = {item["name"]: item["title"] for item in metrics["findings"]}
        self.results = {(row["set"], row["run"], row["finding"]): row for row in metrics["results"]}
        self.curves = {(row["set"], row["run"], row["finding"]): row for row in metrics["curves"]}
        self.macro_of = {(row["set"], row["run"]): row for row in metrics["macro"]}
        self.subgroups: list[Row] = metrics.get("subgroups") or []
        self.matrix: Row | None = metrics.get("matrix") or None
        self.options: Mapping[str, Any] = metrics["options"]

    @property
    def confidence(self) -> str:
        """Coverage of the intervals, as ``95 %``."""
        return f"{100 * (1 - self.options['alpha']):g}\u00a0%"

    @property
    def has_outside(self) -> bool:
        """Whether any set is external."""
        return any(one["outside"] for one in self.sets)

    def contents(self) -> list[tuple[str, str]]:
        """The sections that there is something to say in: anchor and heading."""
        drawn, several = bool(self.findings_drawn()), len(self.runs) > 1
        sections = [
            ("tested", "What was tested", True),
            ("macro", "Macro AUROC", True),
            ("findings", "AUROC by finding", drawn),
            ("curves", "Finding by finding", drawn),
            ("threshold", "At the frozen threshold", True),
            ("sites", "Inside and outside", self.has_outside),
            ("subgroups", "Subgroups", bool(self.subgroups)),
            ("runs", "Runs compared", several),
            ("matrix", "Cross-schema matrix", bool(self.matrix)),
            ("saliency", "Where scores come from", bool(self.pictures)),
            ("definitions", "Definitions", True),
            ("provenance", "Provenance", True),
        ]
        return [(anchor, title) for anchor, title, is_there in sections if is_there]

    def has(self, number: str) -> bool:
        """Whether any result has a number that is defined."""
        return any((row.get(number) or {}).get("value") is not None for row in self.results.values())

    @property
    def threshold_unit(self) -> str:
        """On which scale thresholds are shown: that of probabilities, or of scores that are none."""
        return "probability" if any("probability" in row["threshold"] for row in self.results.values()) else "score"

    def meanings(self, names: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """Headings and definitions of some numbers, or of all; those that these metrics do not define are left out."""
        texts: Mapping[str, str] = self.metrics["definitions"]
        chosen = texts if names is None else [name for name in names if name in texts]
        return [(TITLES.get(name) or name.replace("_", " ").capitalize(), texts[name]) for name in chosen]

    def abouts(self) -> list[tuple[str, str]]:
        """What is said of the references of the matrix."""
        references = self.matrix["references"] if self.matrix else []
        return [(one["title"], one["about"]) for one in references if one.get("about")]

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
