"""How good the rule labeler is on the Indiana University reports, against three references, with 95 % intervals.

    python benchmarks/rules_gold.py [--samples 2000]

The references, in ``data/iu_reports`` of the folder that RADPROMPTER_SHARED names: NLM's labels (``nlm_gold14.csv``)
and codes of the same indexers (``mesh_gold.csv``), which know only present and the rest, and 200 reports labelled in
four states by one careful reader that is a language model (``annotated_200.csv``). Intervals are percentiles of a
bootstrap that draws texts, not reports, since reports share texts. ``rules_gold_errors.csv`` beside this file holds the
reading of each false cell of five findings.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.labels import LabelState
from radprompter.recipe import Reports
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler
from radprompter.store import read_reports

HERE = Path(__file__).parent
ERRORS = HERE / "rules_gold_errors.csv"
SUMMED = (
    *("atelectasis", "cardiomegaly", "effusion", "pneumonia", "pneumothorax"),
    *("consolidation", "edema", "emphysema", "nodule"),
)
OTHERS = ("infiltration", "mass", "fibrosis", "pleural_thickening")  # NLM's column of hernias is empty
READ = ("cardiomegaly", "atelectasis", "effusion", "pneumonia", "edema")
"""Findings whose false cells were all read."""

IN_CHEST = {"effusion": "pleural_effusion"}
IN_MESH = {"effusion": "pleural_effusion", "infiltration": "infiltrate", "fibrosis": "pulmonary_fibrosis"}
STATES = ("positive", "negative", "uncertain")
KINDS = {"gold error", "convention", "our error"}
SEED = 20

Labels = Mapping[str, Mapping[str, str]]  # report -> finding -> state
Floats = NDArray[np.float64]


class Marked(NamedTuple):
    """One false cell as it was read: which side is wrong, and why."""

    report_id: str
    finding: str
    ours: str
    gold: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class References:
    """The reports' groups of equal texts, and what the references say; sets hold who has a finding."""

    groups: Mapping[str, str]  # report -> group of equal texts
    nlm: Mapping[str, Collection[str]]  # report -> findings
    mesh: Mapping[str, Collection[str]]
    annotated: Labels

    @property
    def developed_on(self) -> frozenset[str]:
        """The half of the texts that the region was made by; the other was held back until its figures were taken."""
        texts = sorted(set(self.groups.values()))
        random.Random(SEED).shuffle(texts)
        half = frozenset(texts[: len(texts) // 2])
        return frozenset(report for report, text in self.groups.items() if text in half)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=2000, help="bootstrap samples")
    samples: int = parser.parse_args().samples
    folder = find_data()
    if not folder.is_dir():
        raise SystemExit(f"skipped: no reports in {folder}; set RADPROMPTER_SHARED to the folder that holds data/")
    known = read_references(folder)
    nih, chest = label_all(folder, "chest_nih14"), label_all(folder, "chest")
    print(f"{len(nih)} reports; 95 % intervals by {samples} draws of texts\n")
    for title, labels, names, counted in (
        ("region chest_nih14 (knows no `uncertain`)", nih, [*SUMMED, *OTHERS], ("positive",)),
        ("region chest, uncertain counted as positive", chest, SUMMED[:7], ("positive", "uncertain")),
        ("region chest, uncertain counted as negative", chest, SUMMED[:7], ("positive",)),
    ):
        held = _held(labels, counted)
        _show(f"NLM's labels, {title}", names, held, known.nlm, known.groups, samples)
    held, developed = _held(nih, ("positive",)), known.developed_on
    for title, reports in (("developed on", developed), ("held back", known.groups.keys() - developed)):
        parts = {report: known.nlm[report] for report in known.nlm if report in reports}
        _, (value, low, high) = _scores(SUMMED, held, parts, known.groups, samples)
        print(f"micro-F1 on the half of the texts that was {title}: {_interval(value, low, high)}")
    print()
    _show_doubts(folder, known)
    _show("codes (mesh_gold.csv), region chest_nih14", [*SUMMED, *OTHERS, "hernia"], held, known.mesh,
          known.groups, samples)  # fmt: skip
    _show_annotated(chest, known, samples)
    _show_errors(read_errors(), held, known, samples)


def find_data() -> Path:
    """The folder with the reports and the references, which may be absent."""
    return Path(os.environ.get("RADPROMPTER_SHARED", HERE.parent.parent / "shared")) / "data/iu_reports"


def label_all(folder: Path, region: str) -> Labels:
    """The rules' labels of all reports; a report without words has none."""
    labeler = RuleLabeler(load_region(region))
    reports = read_reports(Reports(path=folder / "reports.csv", id="report_id"))
    return {
        report.id: {name: str(decision.state) for name, decision in (labeler.label(report) or {}).items()}
        for report in reports
    }


def read_references(folder: Path) -> References:
    """The references; findings are called as in the region ``chest_nih14``."""
    names = [*SUMMED, *OTHERS, "hernia"]
    nlm = {
        row["filename"]: {name for name in names if {k.lower(): v for k, v in row.items()}[name] == "1"}
        for row in _rows(folder / "nlm_gold14.csv")
    }
    mesh = {
        row["report_id"]: {name for name in names if row[IN_MESH.get(name, name)] == "1.0"}
        for row in _rows(folder / "mesh_gold.csv")
        if row["indexed"] == "1"
    }
    annotated = {
        row.pop("report_id"): {k: v.replace("blank", "not_mentioned") for k, v in row.items()}
        for row in _rows(folder / "annotated_200.csv")
    }
    groups = {row["report_id"]: row["text_group"] for row in _rows(folder / "reports.csv")}
    return References(groups, nlm, mesh, annotated)


def read_errors(path: Path = ERRORS) -> list[Marked]:
    """The false cells as they were read."""
    return [Marked(**row) for row in _rows(path)]


def false_cells(held: Mapping[str, Collection[str]], gold: Mapping[str, Collection[str]]) -> set[tuple[str, str]]:
    """(report, finding) where the rules and NLM differ, of the findings in `READ`."""
    return {(r, name) for r in gold for name in READ if (name in held.get(r, ())) != (name in gold[r])}


def positives(folder: Path) -> Mapping[str, Collection[str]]:
    """Report -> findings that the rules label as present in region ``chest_nih14``."""
    return _held(label_all(folder, "chest_nih14"), ("positive",))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _held(labels: Labels, counted: Sequence[str]) -> dict[str, set[str]]:
    names = {IN_CHEST.get(name, name): name for name in SUMMED}
    return {
        report: {names.get(finding, finding) for finding, state in states.items() if state in counted}
        for report, states in labels.items()
    }


def _drawn(counts: Floats, groups: Sequence[str], samples: int) -> Floats:
    """Counts of the whole, then of each draw of texts: (1 + samples, findings, kinds)."""
    texts, index = np.unique(np.asarray(groups), return_inverse=True)
    by_text = np.zeros((len(texts), *counts.shape[1:]))
    np.add.at(by_text, index, counts)
    draws = np.random.default_rng(SEED).multinomial(len(texts), np.full(len(texts), 1 / len(texts)), size=samples)
    weights = np.vstack([np.ones((1, len(texts))), draws])
    return np.tensordot(weights, by_text, axes=1)


def _scores(
    names: Sequence[str],
    held: Mapping[str, Collection[str]],
    gold: Mapping[str, Collection[str]],
    groups: Mapping[str, str],
    samples: int,
) -> tuple[Floats, tuple[float, float, float]]:
    """Per finding tp, fp, fn and, with interval, precision, recall and F1: (findings, 12); and micro-F1."""
    reports = list(gold)
    ours = np.array([[name in held.get(report, ()) for name in names] for report in reports])
    theirs = np.array([[name in gold[report] for name in names] for report in reports])
    counts = np.stack([ours & theirs, ours & ~theirs, ~ours & theirs], axis=2).astype(float)
    drawn = _drawn(counts, [groups[report] for report in reports], samples)
    tp, fp, fn = np.moveaxis(drawn, 2, 0)
    with np.errstate(invalid="ignore"):
        rates = np.stack([tp / (tp + fp), tp / (tp + fn), 2 * tp / (2 * tp + fp + fn)], axis=2)
    low, high = np.nanpercentile(rates[1:], [2.5, 97.5], axis=0)
    table = np.concatenate([drawn[0], np.stack([rates[0], low, high], axis=2).reshape(len(names), 9)], axis=1)
    chosen = [index for index, name in enumerate(names) if name in SUMMED]
    tp, fp, fn = np.moveaxis(drawn[:, chosen].sum(axis=1), 1, 0)
    return table, _percentiles(2 * tp / (2 * tp + fp + fn))


def _percentiles(values: Floats) -> tuple[float, float, float]:
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return float(values[0]), float(low), float(high)


def _show(
    title: str,
    names: Sequence[str],
    held: Mapping[str, Collection[str]],
    gold: Mapping[str, Collection[str]],
    groups: Mapping[str, str],
    samples: int,
) -> None:
    table, micro = _scores(names, held, gold, groups, samples)
    print(f"## {title}, {len(gold)} reports\n")
    print("| finding | TP | FP | FN | precision | recall | F1 |\n|---|---|---|---|---|---|---|")
    for name, row in zip(names, table, strict=True):
        counts = " | ".join(f"{number:.0f}" for number in row[:3])
        print(f"| {name} | {counts} | {_interval(*row[3:6])} | {_interval(*row[6:9])} | {_interval(*row[9:])} |")
    summed = [name for name in names if name in SUMMED]
    print(f"\nmicro-F1 over {len(summed)} findings ({', '.join(summed)}): {_interval(*micro)}\n")


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f}-{high:.3f})"


def _show_doubts(folder: Path, known: References) -> None:
    """Of what region chest calls uncertain, by the kind of doubt, how much the indexers coded as present."""
    labeler = RuleLabeler(load_region("chest"))
    coded: Counter[tuple[str, bool]] = Counter()
    for report in read_reports(Reports(path=folder / "reports.csv", id="report_id")):
        decisions = labeler.label(report) or {}
        for name in SUMMED[:7] if report.id in known.nlm else ():
            decision = decisions.get(IN_CHEST.get(name, name))
            if decision and decision.claim and decision.state is LabelState.UNCERTAIN:
                coded[decision.claim.hedge or "", name in known.nlm[report.id]] += 1
    print("## Uncertain cells of region chest, by the kind of doubt\n\n| doubt | coded | not coded |\n|---|---|---|")
    for kind in sorted({kind for kind, _ in coded}):
        print(f"| {kind} | {coded[kind, True]} | {coded[kind, False]} |")
    print()


def _show_annotated(labels: Labels, known: References, samples: int) -> None:
    states = [*STATES, str(LabelState.NOT_MENTIONED)]
    counts = np.zeros((len(known.annotated), 4, 4))
    for index, (report, row) in enumerate(known.annotated.items()):
        for finding, state in row.items():
            ours = labels[report].get(finding, states[3])
            counts[index, states.index(state), states.index(ours)] += 1
    drawn = _drawn(counts, [known.groups[report] for report in known.annotated], samples)
    same = np.diagonal(drawn, axis1=1, axis2=2)
    f1 = 2 * same / (drawn.sum(axis=1) + drawn.sum(axis=2))
    print(f"## annotated_200.csv, region chest, {len(known.annotated)} reports\n\n| figure | value |\n|---|---|")
    print(
        f"| cells in the same of four states | {_interval(*_percentiles(same.sum(axis=1) / drawn.sum(axis=(1, 2))))} |"
    )
    for index, state in enumerate(states):
        print(f"| F1 of {state} | {_interval(*_percentiles(f1[:, index]))} |")
    print(f"| macro-F1 over {', '.join(STATES)} | {_interval(*_percentiles(f1[:, :3].mean(axis=1)))} |\n")


def _show_errors(
    errors: Sequence[Marked], held: Mapping[str, Collection[str]], known: References, samples: int
) -> None:
    """What the false cells of five findings are, and what is left of the distance to 1 without those of the gold."""
    cells = Counter((error.finding, error.kind) for error in errors)
    kinds = sorted(KINDS)
    print(f"## False cells of five findings, as they were read\n\n| finding | {' | '.join(kinds)} |\n|---|---|---|---|")
    for name in READ:
        print(f"| {name} | {' | '.join(str(cells[name, kind]) for kind in kinds)} |")
    print()
    for title, kinds_set in (("as they are", ()), ("gold errors corrected", kinds[1:2]),
                             ("conventions set aside too", kinds[:2])):  # fmt: skip
        flipped = {(error.report_id, error.finding) for error in errors if error.kind in kinds_set}
        mended = {
            report: {name for name in READ if (name in gold) != ((report, name) in flipped)}
            for report, gold in known.nlm.items()
        }
        _, micro = _scores(READ, held, mended, known.groups, samples)
        print(f"micro-F1 over these five, {title}: {_interval(*micro)}")
    stale = {(error.report_id, error.finding) for error in errors} ^ false_cells(held, known.nlm)
    if stale:
        print(f"\n{len(stale)} cells of {ERRORS.name} do not fit these labels: {sorted(stale)}")


if __name__ == "__main__":
    main()
