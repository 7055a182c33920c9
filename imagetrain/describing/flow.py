"""The flow of exclusions: from reports to tested studies, with what was lost on the way and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from imagetrain.records import EXTERNAL, TEST, TRAIN, VALIDATION
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, LabelState

SHOWN = 6
SPLIT_REASONS = ("in no part of the split file", "its site is neither internal nor external")
NAMED_FILE = re.compile(r"^.*\(study .*\): ", re.DOTALL)
"""How the reason of an image begins: its file and study, which are no business of a page."""

Step = dict[str, Any]


def flow_of(manifest: Mapping[str, Any], labels: LabelTable | None, metrics: Mapping[str, Any]) -> list[Step]:
    """Steps ``{step, n, unit, lost}`` in their order; ``lost`` has each reason with the number that it cost this step.

    Within one unit, ``n`` and what is lost sum to the ``n`` of the step before. The step into the parts of the split
    also says how many studies are in each of its ``parts``, unless there are folds.

    Parameters
    ----------
    manifest:
        Of a training run, which says how studies were left out and into which parts they went; may be empty.
    labels:
        The label table that was trained on; None if there is none.
    metrics:
        Of the evaluation.
    """
    flow = _reports(labels) if labels is not None else []
    n_tested = sum(one["n_studies"] for one in metrics["sets"])
    if "excluded" not in manifest:
        return [*flow, *_scores(metrics, n_tested)]
    flow += _studies(manifest, n_tested)
    if "n_images" in manifest:
        flow += _images(manifest)
    return flow


def flow_notes(manifest: Mapping[str, Any], labels: LabelTable | None) -> list[str]:
    """What the flow does not say because nobody recorded it."""
    notes = []
    if labels is None:
        notes.append("How reports became labels is not recorded with this evaluation.")
    elif n := int(_n_labels(labels).between(1, len(labels.schema.names) - 1).sum()):
        notes.append(f"{n} reports lack some of their labels; only those cells do not count.")
    if "excluded" not in manifest:
        notes.append("How studies came to be among the scores is not recorded with this evaluation.")
    if manifest.get("folds"):
        notes.append(
            f"Internal studies are in {len(manifest['folds'])} folds: each is tested once, by a network that was not "
            "trained on it."
        )
    return notes


def _reports(labels: LabelTable) -> list[Step]:
    states = labels.wide()
    without = states[_n_labels(labels) == 0]
    skipped = int((without == str(LabelState.SKIPPED)).all(axis=1).sum())
    reasons = ["no text"] * skipped + ["no usable answer"] * (len(without) - skipped)
    return [
        _step("reports in the label table", len(states), "reports"),
        _step("with a label", len(states) - len(without), "reports", reasons),
    ]


def _n_labels(labels: LabelTable) -> Any:
    """How many findings of each report have a label."""
    return labels.wide().isin([str(state) for state in LABELS]).sum(axis=1)


def _studies(manifest: Mapping[str, Any], n_tested: int) -> list[Step]:
    folds = manifest.get("folds")
    parts = dict((folds[0] if folds else manifest)["n_studies"])
    excluded = [_kind(reason) for reason in manifest["excluded"].values()]
    unlabelled = [reason for reason in excluded if reason.startswith("no labels")]
    unsplit = [reason for reason in excluded if reason in SPLIT_REASONS]
    imageless = [reason for reason in excluded if reason not in SPLIT_REASONS and not reason.startswith("no labels")]
    n = sum(parts.values())
    outside = parts.get(EXTERNAL, 0)
    testable = n if folds else parts.get(TEST, 0) + outside
    taught = [] if folds else [f"used for {use}" for use, part in _USES for _ in range(parts.get(part, 0))]
    return [
        _step("studies in the table of studies", n + len(excluded), "studies"),
        _step("labelled", n + len(imageless) + len(unsplit), "studies", unlabelled),
        _step("with the images that are needed", n + len(unsplit), "studies", imageless),
        _step("in a part of the split", n, "studies", unsplit) | ({} if folds else {"parts": parts}),
        _step("tested", n_tested, "studies", [*taught, *["no reference"] * (testable - n_tested)]),
    ]


_USES = (("training", TRAIN), ("validation", VALIDATION))


def _scores(metrics: Mapping[str, Any], n_tested: int) -> list[Step]:
    """Of scores that were made elsewhere, what is in their tables."""
    places = {(row["part"], row["site"]): row["n_studies"] for row in metrics["label_counts"]}
    parts = {part: sum(n for (of, _), n in places.items() if of == part) for part, _ in places}
    used = [f"used for {use}" for use, part in _USES for _ in range(parts.get(part, 0))]
    return [
        _step("studies with scores", len(used) + n_tested, "studies") | {"parts": parts},
        _step("tested", n_tested, "studies", used),
    ]


def _images(manifest: Mapping[str, Any]) -> list[Step]:
    found, used = manifest["n_images"]["found"], manifest["n_images"]["used"]
    unused = [_kind(reason) for reason in manifest["unused_images"].values()]
    elsewhere = ["of studies that are not used"] * (found - used - len(unused))
    return [_step("images of the wanted views", found, "images"), _step("seen", used, "images", [*unused, *elsewhere])]


def _step(step: str, n: int, unit: str, reasons: Iterable[str] = ()) -> Step:
    counted = Counter(reasons).most_common()
    lost = [{"reason": reason, "n": count} for reason, count in counted[:SHOWN]]
    if rest := sum(count for _, count in counted[SHOWN:]):
        lost.append({"reason": "other reasons", "n": rest})
    return {"step": step, "n": n, "unit": unit, "lost": lost}


def _kind(reason: str) -> str:
    """A reason without the file and study that it is of."""
    return NAMED_FILE.sub("", reason)
