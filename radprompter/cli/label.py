"""`radprompter label`: reports in, label table out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radprompter.options import AsJson, CompatOption, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json, show_progress

if TYPE_CHECKING:
    from radprompter.labeling.asking import Survey
    from radprompter.labeling.engine import Engine


class EngineName(StrEnum):
    """Who asks."""

    ONE = "one"
    RAY = "ray"


FOLLOW_UPS = {
    "longer": "cut replies, asked for again with more room",
    "again": "faulty answers, asked about again",
    "verification": "positives, checked by a second question",
}


@guarded
def label(
    recipe: RecipePath,
    settings: Settings = None,
    out: OutFolder = None,
    at_most: Annotated[
        int | None, typer.Option("--at-most", min=0, metavar="N", help="Send nothing if more than N requests are new.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace label files that another study, program or person wrote.")
    ] = False,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="ray: ask by several workers, here or on a cluster.")
    ] = EngineName.ONE,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, metavar="N", help="Workers of --engine ray; else all there is.")
    ] = None,
    block: Annotated[
        int | None, typer.Option("--block", min=1, metavar="N", help="Reports that a worker of --engine ray takes.")
    ] = None,
    compat: CompatOption = None,
    json: AsJson = False,
) -> int:
    """Label the reports of a recipe; run it again to go on after a stop."""
    from radprompter.errors import AwaitingError
    from radprompter.labeling.section import with_compat
    from radprompter.recipe import load_recipe
    from radprompter.run import label_reports
    from radprompter.shipped import find_recipe

    study = with_compat(load_recipe(find_recipe(recipe), settings=settings or (), out=out), compat)
    asked_by = _engine(engine, workers, block)
    try:
        run = label_reports(study, overwrite=overwrite, track=show_progress, before=_announce(at_most), engine=asked_by)
    except AwaitingError as awaiting:
        if not json:
            raise
        print_json({"awaited": awaiting.n_requests, "line": str(awaiting)})
        return DONE
    folder = study.out / "label"
    if json:
        print_json({**run.summary, "folder": str(folder)})
    else:
        _show(run.summary, run.summary["counts"])
        more = "attributes.csv, " if (folder / "attributes.csv").is_file() else ""
        console().print(f"wrote {folder}/labels.parquet, labels.csv, failures.csv, {more}manifest.json", markup=False)
    return DONE_WITH_FAILURES if run.summary["n_failed"] else DONE


def _engine(name: EngineName, workers: int | None, block: int | None) -> Engine | None:
    from radprompter.errors import InputError

    if name is EngineName.RAY:
        from radprompter.scale_out import RayEngine

        return RayEngine(workers, block)
    if workers or block:
        raise InputError("--workers and --block are for --engine ray; add it, or leave them out")
    return None


def _announce(at_most: int | None) -> Callable[[Survey], None]:
    """Say what will be sent, on stderr, before anything is; refuse it where it is more than the user allows."""

    def announce(survey: Survey) -> None:
        from radprompter.errors import InputError

        by_finding = ", ".join(f"{name} {n:,}" for name, n in survey.new_by_finding.items())
        said = f"{survey.n_new:,} requests to make" + (f" ({by_finding})" if by_finding else "")
        if survey.n_conditional:
            said += f", {survey.n_conditional:,} of them only where the finding that they depend on is there"
        if at_most is not None and survey.n_new > at_most:
            raise InputError(f"{said}, more than --at-most {at_most:,}; nothing was sent")
        if survey.n_known:
            said += f", {survey.n_known:,} in the journal"
        console(stderr=True).print(said, markup=False, soft_wrap=True)

    return announce


def _show(summary: Mapping[str, Any], counts: Mapping[str, Mapping[str, int]]) -> None:
    from rich.table import Table

    from radprompter.prompting.preview import in_usd
    from radprompter.records import NO_TEXT, TOO_LONG

    seen = [state for state, number in summary["states"].items() if number]
    table = Table(title="up to date" if summary["up_to_date"] else None, title_justify="left", box=None)
    table.add_column("finding")
    for state in seen:
        table.add_column(state.replace("_", " "), justify="right")
    for finding, states in counts.items():
        table.add_row(finding, *(f"{states[state]:,}" for state in seen))
    table.add_section()
    table.add_row("all", *(f"{summary['states'][state]:,}" for state in seen), style="bold")
    console().print(table)
    console().print(summary["line"], markup=False, soft_wrap=True)
    requests, tokens = summary["requests"], summary["tokens"]
    console().print(
        f"{requests['asked']:,} asked, {requests['from_journal']:,} from the journal; "
        f"{tokens['prompt']:,} + {tokens['completion']:,} tokens; {summary['seconds']:,.1f} s"
        + (f"; about {in_usd(summary['spent_usd'])} spent" if summary["spent_usd"] else "")
    )
    for kind, number in summary["follow_ups"].items():
        console().print(f"{FOLLOW_UPS[kind]}: {number:,}", markup=False)
    if summary["n_skipped"]:
        console().print(f"reports without text, skipped: {summary['n_skipped']:,}")
    if len(summary["models"]) > 1:
        names = ", ".join(f"{name} {number:,}" for name, number in summary["models"].items())
        console().print(f"answers of several models: {names}", markup=False, style="yellow", soft_wrap=True)
    for line in (*length_lines(summary["length"] or {}), *privacy_lines(summary["privacy"])):
        console().print(line, markup=False, style="yellow", soft_wrap=True)
    if summary["n_disguised"]:
        console().print(
            f"reports with hidden characters, or words of two alphabets: {summary['n_disguised']:,}; look at them",
            style="yellow",
            soft_wrap=True,
        )
    for kind, number in summary["failures"].items():
        if kind not in (NO_TEXT, TOO_LONG):
            console().print(f"failed requests ({kind}): {number:,}", markup=False, style="yellow")
    if summary["n_failed"]:
        console().print(f"reports without a full answer, in failures.csv: {summary['n_failed']:,}", style="yellow")


def length_lines(counts: Mapping[str, Any]) -> list[str]:
    """What was not read of long reports, a line each for those that were cut and those that failed."""
    lines = []
    if counts.get("n_cut"):
        left_out = f"{counts['n_words_left_out']:,} words, {counts['n_tokens_left_out']:,} tokens left out"
        lines.append(f"reports cut at the limit of their length: {counts['n_cut']:,} ({left_out})")
    if counts.get("n_too_long"):
        lines.append(f"reports too long, not asked about: {counts['n_too_long']:,}")
    return lines


def privacy_lines(found: Mapping[str, Any]) -> list[str]:
    """What was found, and masked, of words that name a person: one line, or none."""
    from radprompter.privacy import count_kinds

    if not found["n_reports"]:
        return []
    done = {"mask": "masked", "block": "labeling would be refused"}[found["action"]]
    return [f"reports that seem to name a person: {found['n_reports']:,} ({count_kinds(found['counts'])}; {done})"]
