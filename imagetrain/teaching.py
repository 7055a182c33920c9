"""What each run is taught, and what all of them are tested against: label tables to targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagetrain.recipe import Data, TrainRecipe
from imagetrain.records import TRAIN, VALIDATION, Split, Targets
from imagetrain.store import read_label_table
from imagetrain.targets.policies import left_out, make_targets, refuse_unknown
from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LabelSchema

SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """The label tables of a recipe, all with the same findings in the same order.

    Parameters
    ----------
    schema:
        Of the recipe's label table, with all its findings.
    tested:
        The recipe's label table: what every run is tested against, whatever it was taught.
    taught:
        Run -> the table that it is taught from: `tested`, or its own.
    """

    schema: LabelSchema
    tested: LabelTable
    taught: Mapping[str, LabelTable]


def read_lessons(data: Data, train: TrainRecipe) -> Lessons:
    """Read the label table of a recipe and those of runs that have their own.

    Raises
    ------
    TableError
        If a table cannot be read.
    SchemaError
        If a named finding does not exist, or a run's own table lacks one.
    """
    whole = read_label_table(data.labels, data.findings, id_column=data.studies.id)
    findings = whole.schema.names if data.findings is None else data.findings
    refuse_unknown(findings, whole.schema)
    tested = _select(whole, findings)
    if isinstance(train.class_weights, dict):
        refuse_unknown(train.class_weights, tested.schema)
    taught = {}
    for name, recipe in train.runs.items():
        refuse_unknown(recipe.per_finding, tested.schema)
        taught[name] = tested
        if recipe.labels is not None:
            own = read_label_table(recipe.labels, findings, id_column=data.studies.id)
            if lacking := [finding for finding in findings if finding not in own.schema.names]:
                raise SchemaError(
                    f"train.runs.{name}.labels: {recipe.labels} has no finding {', '.join(map(repr, lacking))}, which "
                    "data.labels has; all runs learn the same findings, which data.findings can name"
                )
            taught[name] = _select(own, findings)
    return Lessons(whole.schema, tested, taught)


def unlabelled(lessons: Lessons, study_ids: Sequence[str]) -> dict[str, str]:
    """Study -> which labels it lacks, for the studies that are not in every table."""
    reasons: dict[str, str] = {}
    for name, table in (("", lessons.tested), *lessons.taught.items()):
        known = set(table.report_ids)
        for study in study_ids:
            if study not in known:
                reasons.setdefault(study, f"no labels for run {name}" if name else "no labels")
    return reasons


def make_lessons(lessons: Lessons, train: TrainRecipe, split: Split) -> dict[str, Targets]:
    """Run -> its targets, in the order of a split.

    Training and validation follow the run's labels and policy. In the other parts all runs have the same targets, from
    the recipe's label table: uncertain labels are masked, and so are findings that are not mentioned if any run
    ignores those.
    """
    untaught = [
        _ordered(make_targets(lessons.tested, recipe.ignoring_uncertain()), split.study_ids)
        for recipe in train.runs.values()
    ]
    known = np.logical_and.reduce([targets.mask for targets in untaught])
    teaches = np.isin(split.parts, (TRAIN, VALIDATION))[:, None]
    made = {}
    for name, recipe in train.runs.items():
        taught = _ordered(make_targets(lessons.taught[name], recipe, seed=train.seed), split.study_ids)
        mask = np.where(teaches, taught.mask, known)
        values = np.where(teaches, taught.values, untaught[0].values)
        made[name] = Targets(split.study_ids, taught.findings, np.where(mask, values, np.float32(0)), mask)
    return made


def refuse_untrainable(reasons: Mapping[str, str], findings: Sequence[str]) -> None:
    """Raise a `SchemaError` if no finding can be trained on."""
    if set(findings) <= set(reasons):
        shown = "\n".join(f"  {name}: {reason}" for name, reason in list(reasons.items())[:SHOWN])
        raise SchemaError(f"no finding can be trained on, of {len(reasons)}:\n{shown}")


def untrainable(
    folds: Sequence[Mapping[str, Targets]], training: Sequence[NDArray[np.bool_]], min_positives: int
) -> dict[str, str]:
    """Finding -> why it cannot be trained on in some run or fold; it is then left out of all, so that they compare.

    Parameters
    ----------
    folds:
        Run -> targets, once a fold.
    training:
        bool ``(n_studies,)``, once a fold: the studies that are trained on.
    """
    reasons: dict[str, str] = {}
    for number, (targets, taught) in enumerate(zip(folds, training, strict=True), start=1):
        for run, target in targets.items():
            where = [f"run {run}"] * (len(targets) > 1) + [f"fold {number}"] * (len(folds) > 1)
            for finding, reason in left_out(target, taught, min_positives=min_positives).items():
                reasons.setdefault(finding, f"{reason} ({', '.join(where)})" if where else reason)
    return reasons


def select_findings(targets: Targets, findings: Sequence[str]) -> Targets:
    """The targets of some findings, in the given order."""
    columns = [targets.findings.index(finding) for finding in findings]
    return Targets(targets.study_ids, tuple(findings), targets.values[:, columns], targets.mask[:, columns])


def _select(table: LabelTable, findings: Sequence[str]) -> LabelTable:
    return table.select(table.schema.select(findings, name=table.schema.name))


def _ordered(targets: Targets, study_ids: Sequence[str]) -> Targets:
    position = {study: index for index, study in enumerate(targets.study_ids)}
    order = np.array([position[study] for study in study_ids])
    return Targets(tuple(study_ids), targets.findings, targets.values[order], targets.mask[order])
