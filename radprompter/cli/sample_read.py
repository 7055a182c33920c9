"""`radprompter sample read`: sheets that people filled become a reference."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from radprompter.cli.sample_files import OPEN, PRIVATE, SAMPLE, load_sample, refuse_changed, sheet_path, write_files
from radprompter.options import AsJson
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from radprompter.reading import Decisions, Filled, Reference, Sample, Sheet

ADJUDICATE, READING = "adjudicate.csv", "reading.json"

SHOWN = 10
"""Reports that are named of those that are left; the others are counted."""


class Outcome(NamedTuple):
    """What was read of a sample, or of its random part."""

    sample: Sample
    filled: tuple[Filled, ...]
    reference: Reference
    left: Mapping[str, tuple[str, ...]]

    @property
    def problems(self) -> list[str]:
        """Cells that nobody can understand."""
        return [*(problem for item in self.filled for problem in item.problems), *self.reference.problems]

    @property
    def is_done(self) -> bool:
        """Whether everything is read and decided."""
        return not (self.problems or self.reference.undecided or any(self.left.values()))


@guarded
def read(
    sheets: Annotated[
        list[Path],
        typer.Argument(metavar="DIR|FILE...", help="The sample's folder, filled sheets, or exports of Label Studio."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The reference to write; beside the sample by default.")
    ] = None,
    sample: Annotated[
        Path | None, typer.Option("--sample", metavar="DIR", help="The sample's folder; by default that of the sheets.")
    ] = None,
    random_share_only: Annotated[
        bool, typer.Option("--random-share-only", help="Only the reports that were drawn at random from all.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that were changed by hand.")] = False,
    json: AsJson = False,
) -> int:
    """Read filled sheets back, and write the reference that they make, with weights, and what is left to decide."""
    from radprompter.errors import InputError
    from radprompter.reading import decide, left, read_decisions, understand

    if not sheets[0].exists():
        raise InputError(f"{sheets[0]}: no such file or folder")
    folder = sample or (sheets[0] if sheets[0].is_dir() else sheets[0].parent)
    whole = load_sample(folder)
    to = out or (folder if folder.is_dir() else folder.parent) / "reference.csv"
    if to.suffix != ".csv":
        raise InputError(f"--out {to}: the reference is a CSV file; name one that ends in .csv")
    files = _files(whole, sheets)
    filled = understand(whole, (sheet for file in files for sheet in _open(file, whole)))
    part = whole.random_part() if random_share_only else whole
    path = to.parent / ADJUDICATE
    decisions = read_decisions(path.read_bytes(), whole, source=str(path)) if path.is_file() else {}
    outcome = Outcome(part, filled, decide(part, filled, decisions), left(part, filled))
    written = _write(outcome, decisions, to, overwrite=overwrite)
    _record(to.parent, {"sample": whole.id, **_summary(outcome)}, files, written)
    if json:
        print_json({**_summary(outcome), "problems": outcome.problems, "files": [str(path) for path in written]})
    else:
        _show(outcome, written)
    return DONE if outcome.is_done else DONE_WITH_FAILURES


def _files(sample: Sample, paths: Sequence[Path]) -> list[Path]:
    """The files to read; a folder stands for the sheets that were written into it."""
    from radprompter.errors import InputError, TableError

    files = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        if (path / SAMPLE).is_file() and load_sample(path).id != sample.id:
            raise InputError(f"{path}: holds another sample, with other weights; read it by itself")
        own = (sheet_path(path, sample, rater, ending=end) for rater in sample.raters for end in (".csv", ".jsonl"))
        there = [file for file in own if file.is_file()]
        if not there:
            raise TableError(f"{path}: no sheet in it; name the filled sheets, or the export of Label Studio")
        files += there
    return files


def _open(file: Path, sample: Sample) -> Sequence[Sheet]:
    """The sheets in a file: one, or as many as Label Studio had annotators."""
    from radprompter.errors import TableError
    from radprompter.reading import read_csv, read_export, read_jsonl

    if not file.is_file():
        raise TableError(f"{file}: no such file")
    content, source = file.read_bytes(), str(file)
    if file.suffix == ".json":
        return read_export(content, sample.schema, source=source)
    rater = file.stem.removeprefix("sheet").lstrip("_") or next(iter(sample.raters))
    parse = read_jsonl if file.suffix == ".jsonl" else read_csv
    return [parse(content, sample.schema, source=source, rater=rater)]


def _write(outcome: Outcome, decisions: Decisions, out: Path, *, overwrite: bool) -> list[Path]:
    """Write the reference, what each of several raters read, and the cells to decide."""
    from radprompter.reading import write_rater, write_reference

    several = outcome.filled if len(outcome.filled) > 1 else ()
    names = _file_names([item.rater for item in several])
    private = {
        out.parent / name: write_rater(outcome.sample.schema, item) for name, item in zip(names, several, strict=True)
    }
    public = {out: write_reference(outcome.sample, outcome.reference.labels)} if outcome.reference.labels else {}
    if not overwrite:
        refuse_changed(public | private, known=_recorded(out.parent))
    write_files(public, mode=OPEN)
    write_files(private, mode=PRIVATE)
    return [*public, *private, *_write_disputes(outcome, decisions, out.parent / ADJUDICATE)]


def _write_disputes(outcome: Outcome, decisions: Decisions, path: Path) -> list[Path]:
    """Write the cells to decide, unless the file there has them all: it may be one that somebody works in."""
    from radprompter.reading import write_disputes

    if all((item.report_id, item.finding) in decisions for item in outcome.reference.disputes):
        return []
    notes: dict[str, str] = {}
    for item in outcome.filled:
        for report_id, note in item.notes.items():
            notes[report_id] = " | ".join((*filter(None, [notes.get(report_id)]), f"{item.rater}: {note}"))
    raters = [item.rater for item in outcome.filled]
    write_files({path: write_disputes(outcome.reference.disputes, raters, decisions, notes)}, mode=PRIVATE)
    return [path]


def _recorded(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that was written into a folder before, by name."""
    from radprompter.files import read_json

    try:
        return dict(read_json(folder / READING)["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _record(folder: Path, summary: Mapping[str, Any], files: Sequence[Path], written: Sequence[Path]) -> None:
    """Write down what was read from which files, and what was made of it."""
    from radprompter.files import sha256, write_json

    outputs = _recorded(folder) | {path.name: sha256(path) for path in written}
    sheets = {file.name: sha256(file) for file in files}
    write_json(folder / READING, {**summary, "sheets": sheets, "outputs": outputs})


def _summary(outcome: Outcome) -> dict[str, Any]:
    raters = {
        item.rater: {"n_read": len(item.read), "n_begun": len(item.begun), "n_problems": len(item.problems)}
        for item in outcome.filled
    }
    return {
        "n_drawn": len(outcome.sample.reports),
        "n_in_reference": len(outcome.reference.labels),
        "raters": raters,
        "left": {rater: list(ids) for rater, ids in outcome.left.items()},
        "n_disputed_cells": len(outcome.reference.disputes),
        "n_undecided_cells": len(outcome.reference.undecided),
        "done": outcome.is_done,
    }


def _show(outcome: Outcome, written: Sequence[Path]) -> None:
    for problem in outcome.problems:
        console(stderr=True).print(problem, markup=False, emoji=False, soft_wrap=True, style="yellow")
    for item in outcome.filled:
        begun = f", {len(item.begun):,} begun" if item.begun else ""
        _say(f"{item.rater}: {len(item.read):,} reports read{begun}")
        for report_id, findings in list(item.begun.items())[:SHOWN]:
            _say(f"  {report_id}: no label yet for {', '.join(findings)}")
        for name in item.ignored:
            _say(f"  a column that means nothing here: {name}")
    alone = len(outcome.left) == 1
    for rater, ids in outcome.left.items():
        if ids:
            more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
            _say(f"left to read{'' if alone else f' for {rater}'}: {len(ids):,}: {', '.join(ids[:SHOWN])}{more}")
    reference = outcome.reference
    if reference.disputes:
        _say(
            f"cells in which raters differ: {len(reference.disputes):,}, of them undecided: "
            f"{len(reference.undecided):,}; decisions are read from the column `decision` of {ADJUDICATE}"
        )
    if reference.unused:
        _say(f"decisions about cells in which nobody differs, which change nothing: {len(reference.unused):,}")
    for path in written:
        _say(f"wrote {path}")
    lacking = outcome.sample.unread_strata(set(reference.labels))
    if lacking:
        _say(f"the reference has no report of these strata, and says nothing of them: {', '.join(lacking)}")
    if not outcome.is_done:
        _say(
            "not everything is read and decided: the weights make up for it within each stratum, which is right only "
            "if what is left is like what was read"
        )


def _file_names(raters: Sequence[str]) -> list[str]:
    """A file's name for each rater; those that would be equal without special characters are numbered."""
    names: dict[str, None] = {}
    for rater in raters:
        plain = re.sub(r"[^\w.@-]+", "_", rater)
        number = next(number for number in count(1) if f"rater_{plain}{number if number > 1 else ''}.csv" not in names)
        names[f"rater_{plain}{number if number > 1 else ''}.csv"] = None
    return list(names)


def _say(text: str) -> None:
    console().print(text, markup=False, emoji=False, soft_wrap=True)
