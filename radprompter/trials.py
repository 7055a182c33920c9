"""A pilot: a few reports of a recipe labeled in several ways, through the ordinary flow and its own journal."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from radprompter.agreement.definitions import find_definition
from radprompter.backends import choose_backend
from radprompter.errors import InputError, RecipeError, TableError
from radprompter.files import read_json, write_json
from radprompter.label_table import LabelTable
from radprompter.labeling.asking import Survey
from radprompter.labeling.section import label_journal, label_template
from radprompter.labels import PROJECTIONS, Projection
from radprompter.pilot import (
    Advice,
    Agreed,
    Trial,
    advise,
    compare_pairs,
    count_unanswered,
    percentiles,
    resample,
    score,
)  # fmt: skip
from radprompter.prompting.prices import Price, cost, find_price
from radprompter.prompting.strategies import STRATEGIES
from radprompter.recipe import LabelRecipe, PlanName, StudyRecipe
from radprompter.records import Report
from radprompter.run import label_reports
from radprompter.store import MANIFEST, read_reference, read_reports
from radprompter.terminal import Track, quiet
from radprompter.tracking import TrackingRecipe

PLANS: tuple[str, ...] = get_args(PlanName)
PILOT_FILE = "pilot.json"


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot found: trials in the order in which they ran, ways that were left out and why, and the advice."""

    report_ids: tuple[str, ...]
    n_all: int  # reports of the recipe that would be asked about
    reference: Path | None
    projection: str
    trials: tuple[Trial, ...]
    left_out: Mapping[str, str]
    agreed: Mapping[tuple[str, str], Agreed]
    advice: Advice


def _go_on(way: str, survey: Survey) -> None:
    """Ask, whatever it takes."""


def run_pilot(
    study: StudyRecipe,
    *,
    n: int = 20,
    seed: int | None = None,
    plans: Sequence[str] = PLANS,
    strategies: Sequence[str] = (),
    reference: Path | None = None,
    prices: Path | None = None,
    track: Track = quiet,
    before: Callable[[str, Survey], None] = _go_on,
) -> Pilot:
    """Label `n` reports of a recipe in every combination of strategies and plans, into ``{out}/pilot``.

    The reports are the first that would be asked about and that the reference knows, or with a `seed` a random sample
    of them. Without `strategies` the recipe's own is taken. Answers go into the recipe's own journal, so a later run
    finds them. `before` is told the name of each way and what it will send before anything is sent, and may raise to
    prevent it.

    Raises
    ------
    InputError
        If the recipe cannot be used, or no way of the asked ones can.
    BackendError
        If the backend cannot go on at all.
    """
    section = study.label
    if section is None:
        raise RecipeError("the recipe has no `label` section, so there is nothing to try")
    strategies = strategies or (section.strategy,)
    _refuse_unknown("--plans", plans, PLANS)
    _refuse_unknown("--strategies", strategies, STRATEGIES)
    template = label_template(section)
    truth = None if reference is None else read_reference(reference, template.region.schema)
    asked = [report.id for report in _reports(section) if template.choose(report).unasked is None]
    chosen = _sample(asked, truth, n, seed)
    projection = _projection(study)
    model = getattr(choose_backend(section.backend).options, "model", None)
    price = find_price(model, prices) if model else None
    sections, left_out = _ways(section, strategies, plans, chosen)
    trials, tables = [], {}
    for name, way in sections.items():
        out = study.out / "pilot" / name
        recipe = study.model_copy(update={"out": out, "label": way, "tracking": TrackingRecipe()})
        run = label_reports(recipe, journal=label_journal(study), track=track, before=partial(before, name))
        right = None if truth is None else score(run.table, truth, projection)
        tables[name] = run.table
        trials.append(_trial(way, run.table, read_json(out / "label" / MANIFEST), price, right))
    known = reference if trials[0].score is not None else None
    agreed = compare_pairs(tables)
    pilot = Pilot(chosen, len(asked), known, projection.name, tuple(trials), left_out, agreed, advise(trials))
    write_json(study.out / "pilot" / PILOT_FILE, summarise_pilot(pilot))
    return pilot


def _projection(study: StudyRecipe) -> Projection:
    """What becomes of the four states: as in the recipe's first definition, if it treats both tables alike."""
    if study.agree is not None and study.agree.definitions:
        first = find_definition(study.agree.definitions[0])
        if first.labeler == first.reference:
            return first.labeler
    return PROJECTIONS["four_states"]


def summarise_pilot(pilot: Pilot) -> dict[str, Any]:
    """A pilot as plain data: the content of ``pilot.json``."""
    return {
        "n_reports": len(pilot.report_ids),
        "n_all": pilot.n_all,
        "report_ids": pilot.report_ids,
        "reference": pilot.reference,
        "projection": pilot.projection,
        "ways": [_summarise(trial, pilot) for trial in pilot.trials],
        "left_out": pilot.left_out,
        "agreed": [{"ways": pair, **found._asdict()} for pair, found in pilot.agreed.items()],
        "take": pilot.advice.take,
        "reason": pilot.advice.reason,
    }


def _summarise(trial: Trial, pilot: Pilot) -> dict[str, Any]:
    fields = ("strategy", "plan", "n_cells", "n_unanswered", "n_requests", "prompt_tokens", "completion_tokens",
              "cached_tokens", "seconds", "cost_usd", "failures")  # fmt: skip
    right = trial.score
    return {
        "way": trial.name,
        **{name: getattr(trial, name) for name in fields},
        "accuracy": None if right is None else right.accuracy,
        "accuracy_interval": None if right is None else list(percentiles(resample([right])[0])),
        "accuracy_from_best": list(pilot.advice.from_best.get(trial.name, ())) or None,
        "n_reports_known": 0 if right is None else len(right.n_known),
        "n_reports_right": None if right is None else right.n_reports_right,
        "all_reports": trial.scaled(pilot.n_all),
    }


def _reports(section: LabelRecipe) -> Iterator[Report]:
    return islice(read_reports(section.reports), section.limit)


def _sample(asked: Sequence[str], truth: LabelTable | None, n: int, seed: int | None) -> tuple[str, ...]:
    """Ids of the reports to try, in the order of the table: those that the reference knows, if it knows any."""
    known = set() if truth is None else set(truth.report_ids)
    candidates = [report_id for report_id in asked if report_id in known] or list(asked)
    if not candidates:
        raise TableError("no report of the recipe would be asked about: none has words, or all are too long")
    if seed is None or n >= len(candidates):
        return tuple(candidates[:n])
    places = random.Random(seed).sample(range(len(candidates)), n)  # noqa: S311 - a sample, not a secret
    return tuple(candidates[place] for place in sorted(places))


def _ways(
    section: LabelRecipe, strategies: Sequence[str], plans: Sequence[str], chosen: Sequence[str]
) -> tuple[dict[str, LabelRecipe], dict[str, str]]:
    """Name of a way -> its section of the recipe, and the ways that cannot be gone -> why."""
    reads = choose_backend(section.backend).kind.reads
    sections, left_out = {}, {}
    only = {"reports": {**section.reports.model_dump(), "only": tuple(chosen)}, "limit": None}
    for strategy, plan in dict.fromkeys((strategy, plan) for strategy in strategies for plan in plans):
        name = f"{strategy}_{plan}"
        if reads != "messages" and (plan != "one_json" or strategy != strategies[0]):
            left_out[name] = f"backend {section.backend['name']!r} reads the report itself and has one answer"
            continue
        try:
            way = LabelRecipe.model_validate({**section.model_dump(), **only, "strategy": strategy, "plan": plan})
            label_template(way)
        except ValidationError as error:
            left_out[name] = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        except InputError as error:
            left_out[name] = str(error)
        else:
            sections[name] = way
    if not sections:
        raise RecipeError("\n".join(f"{name}: {reason}" for name, reason in left_out.items()))
    return sections, left_out


def _trial(
    section: LabelRecipe, table: LabelTable, manifest: Mapping[str, Any], price: Price | None, right: Any
) -> Trial:
    tokens, requests = manifest["tokens"], manifest["requests"]
    money = None if price is None else cost(price, tokens["prompt"], tokens["completion"]).at_most_usd
    return Trial(
        section.strategy,
        section.plan,
        n_reports=len(table),
        n_cells=len(table.frame),
        n_unanswered=count_unanswered(table),
        n_requests=requests["asked"] + requests["from_journal"],
        prompt_tokens=tokens["prompt"],
        completion_tokens=tokens["completion"],
        cached_tokens=tokens["cached"],
        seconds=manifest["seconds_answering"],
        cost_usd=money,
        score=right,
        failures=manifest["failures"],
    )


def _refuse_unknown(option: str, names: Sequence[str], known: Sequence[str] | Mapping[str, Any]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"{option}: {unknown[0]!r} is not one of {', '.join(known)}")
