"""`radprompter pilot`: a few reports in several ways, and which way to take for all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress

if TYPE_CHECKING:
    from radprompter.labeling.asking import Survey
    from radprompter.pilot import Interval
    from radprompter.recipe import StudyRecipe
    from radprompter.trials import Pilot


@guarded
def pilot(
    recipe: RecipePath,
    n: Annotated[int, typer.Option("-n", min=1, help="Reports to label in each way.")] = 20,
    plans: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Plans to try, with commas between; all by default.")
    ] = None,
    strategies: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Strategies to try, with commas between; the recipe's by default."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Draw the reports at random; the first are taken otherwise.")] = None,
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Reference table; the recipe's `agree.reference` by default.")
    ] = None,
    prices: Annotated[Path | None, typer.Option(metavar="FILE", help="Price file instead of the shipped one.")] = None,
    settings: Settings = None,
    out: OutFolder = None,
    json: AsJson = False,
) -> int:
    """Label a few reports in several ways, show what each gives and takes, and say which to take for all."""
    from radprompter.recipe import load_recipe
    from radprompter.shipped import find_recipe
    from radprompter.trials import PLANS, run_pilot, summarise_pilot

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    found = run_pilot(
        study,
        n=n,
        seed=seed,
        plans=_divided(plans) or PLANS,
        strategies=_divided(strategies),
        reference=reference or _reference(study),
        prices=prices,
        track=show_progress,
        before=_announce,
    )
    if json:
        print_json(summarise_pilot(found))
    else:
        _show(found)
        _say(f"wrote {study.out}/pilot/pilot.json, and the labels of each way beside it")
    return DONE


def _announce(way: str, survey: Survey) -> None:
    known = f", {survey.n_known:,} in the journal" if survey.n_known else ""
    console(stderr=True).print(f"{way}: {survey.n_new:,} requests to make{known}", markup=False, soft_wrap=True)


def _divided(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


def _reference(study: StudyRecipe) -> Path | None:
    """The reference that the recipe names, if it is there."""
    named = study.agree.reference if study.agree is not None else None
    return named if named is not None and named.is_file() else None


def _show(found: Pilot) -> None:
    for way, reason in found.left_out.items():
        _say(f"{way}: left out: {reason}")
    _show_answers(found)
    _show_taken(found)
    for (one, other), agreed in found.agreed.items() if found.reference is None else ():
        share = f"{agreed.n_alike / agreed.n_cells:.1%}" if agreed.n_cells else "none"
        _say(f"{one} and {other}: alike in {share} of the {agreed.n_cells:,} cells that both label")
    _say(f"take {found.advice.take or 'none'}: {found.advice.reason}")
    for trial in found.trials:
        if trial.name == found.advice.take:
            _say(f"in the recipe: label.strategy: {trial.strategy}, label.plan: {trial.plan}")


def _show_answers(found: Pilot) -> None:
    """How right each way is, where a reference says so, and how many cells it leaves without an answer."""
    from rich.table import Table

    from radprompter.pilot import percentiles, resample, wilson

    known = found.reference is not None
    against = f"held against {found.reference} ({found.projection})" if known else "without a reference"
    table = Table(title=f"{len(found.report_ids):,} reports, {against}", title_justify="left", box=None)
    table.add_column("way", no_wrap=True)
    for name in (
        *(("cells right (95 %)", "from the best", "reports right (95 %)") if known else ()),
        "cells unanswered",
    ):
        table.add_column(name, justify="right")
    for trial in found.trials:
        row: list[str] = []
        if trial.score is not None:
            n_known, n_right = len(trial.score.n_known), trial.score.n_reports_right
            row += [f"{trial.score.accuracy:.1%} ({_span(percentiles(resample([trial.score])[0]))})"]
            behind = found.advice.from_best[trial.name]
            row += ["as the best" if behind == (0, 0) else _span(behind, sign="+")]
            row += [f"{n_right:,} of {n_known:,} ({_span(wilson(n_right, n_known))})"]
        table.add_row(trial.name, *row, f"{trial.n_unanswered:,} of {trial.n_cells:,}")
    console().print(table)
    for trial in found.trials:
        for kind, number in trial.failures.items():
            _say(f"{trial.name}: failed requests ({kind}): {number:,}")
    if known:
        _say("intervals: of cells, bootstrap over reports; from the best, paired, in points; of reports, Wilson\n")


def _show_taken(found: Pilot) -> None:
    """What each way took, and what all reports would take if they are like these."""
    from rich.table import Table

    from radprompter.prompting.preview import in_usd

    table = Table(box=None)
    table.add_column("way", no_wrap=True)
    for name in ("reports", "requests", "prompt", "completion", "cached tokens", "seconds", "cost"):
        table.add_column(name, justify="right")
    for trial in found.trials:
        for n_reports in dict.fromkeys((trial.n_reports, found.n_all)):
            taken = trial.scaled(n_reports)
            names = ("n_requests", "prompt_tokens", "completion_tokens", "cached_tokens")
            cost = "no price" if taken["cost_usd"] is None else in_usd(taken["cost_usd"])
            numbers = (*(f"{taken[name]:,}" for name in names), f"{taken['seconds']:,.1f}", cost)
            table.add_row(trial.name if n_reports == trial.n_reports else "", f"{n_reports:,}", *numbers)
    console().print(table)
    _say(
        f"{found.n_all:,} reports: if all are like these; seconds: of answering, summed over requests, which may run "
        "at the same time; cost: cached tokens at the full price\n"
    )


def _span(interval: Interval, *, sign: str = "") -> str:
    if interval.low == interval.high and not sign:
        return "no spread"
    return f"{100 * interval.low:{sign}.1f} to {100 * interval.high:{sign}.1f}"


def _say(text: str) -> None:
    console().print(text, markup=False, emoji=False, soft_wrap=True)
