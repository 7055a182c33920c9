"""Label tables and a reference in, the whole agreement out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from radprompter.agreement.definitions import DEFINITIONS, Definition
from radprompter.agreement.fitting import refuse
from radprompter.agreement.matching.groups import Facts, Grouping, group
from radprompter.agreement.matching.joining import Sampling, match
from radprompter.agreement.matching.wide import STRATUM, WEIGHT
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.numbers import measure
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.report import Agreement, Cost, Group, LeftOut, Matching
from radprompter.errors import InputError, SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS

HEADLINES = ("uncertain_is_negative", "cell_accuracy")
"""Definitions that are reported in detail where they fit and nobody names others."""

PATIENT, NO_PATIENT = "patient_id", "none"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference table with what its file holds besides.

    `facts` has its columns that are no findings, and `left_out` those that could be, here and in the labelers' files.
    """

    name: str
    table: LabelTable
    facts: Facts = field(default_factory=Facts)
    left_out: tuple[LeftOut, ...] = ()

    def called(self, name: str) -> Reference:
        """The same under another name."""
        return replace(self, name=name, left_out=tuple(replace(item, table=name) for item in self.left_out))


def agree(
    labelers: Mapping[str, LabelTable],
    reference: Reference | LabelTable,
    *,
    definitions: Sequence[Definition] | None = None,
    overview: Iterable[Definition] = tuple(DEFINITIONS.values()),
    least_support: int | None = None,
    renames: Mapping[str, str] | None = None,
    by: Sequence[str] = (),
    facts: Facts | None = None,
    patient: str | None = None,
    bootstrap: Bootstrap | None = None,
    costs: Sequence[Cost] = (),
) -> Agreement:
    """Labelers against a reference: every number of the definitions, with what it depends on.

    Parameters
    ----------
    definitions:
        Reported for each finding; the first is the headline. They must fit the tables. Without any: those of
        `HEADLINES` that do.
    overview:
        Reported over all findings where they fit, and listed with the reason where they do not.
    least_support:
        The support rule of all definitions for which it has a meaning, instead of their own.
    renames:
        Findings that are declared to be the same: name in the labelers' tables -> name in the reference.
    by:
        Columns of the reference or of `facts` whose values are groups, and ``length``.
    facts:
        What is known of the reports besides; the reference's own columns go before.
    patient:
        Column of the patient, who is resampled as a whole: ``patient_id`` where there is one and none is named.
        Reports are resampled otherwise, and if it is ``none``.

    Raises
    ------
    SchemaError
        If the tables share no finding or no report, or a definition would mislead for them.
    InputError
        If a column is not there, or a weight is no number above 0.
    """
    known = reference if isinstance(reference, Reference) else Reference("reference", reference)
    merged = _merge(known.facts, facts or Facts())
    sampling, unit_column = _sampling(known, merged, patient)
    cells, matching = match(
        labelers,
        known.table,
        name=known.name,
        renames=renames,
        set_aside=known.left_out,
        metadata=tuple(known.facts.columns),
        sampling=sampling,
    )
    named = None if definitions is None else [with_least_support(one, least_support) for one in definitions]
    usual = [with_least_support(DEFINITIONS[name], least_support) for name in HEADLINES]
    detailed = _in_detail(named, usual, known.name, matching)
    every = [with_least_support(one, least_support) for one in overview]
    rest = [one for one in every if one not in detailed]
    refused = _refused(rest, known.name, matching)
    fitting = tuple(one for one in rest if one.name not in refused)
    drawn = bootstrap or Bootstrap()
    groupings = group(cells, by, merged)  # what cannot be grouped is refused before all is computed
    return Agreement(
        known.name,
        cells,
        matching,
        detailed,
        fitting,
        refused,
        drawn,
        "patient" if unit_column else "report",
        measure(cells, detailed, drawn, overview=fitting),
        _groups(cells, groupings, detailed, fitting, drawn),
        tuple(costs),
    )


def with_least_support(definition: Definition, least: int | None) -> Definition:
    """The definition with another support rule, and a name that says so; as it is where the rule has no meaning."""
    plain = definition.over_tasks != "mean" or "same" in definition.measures
    if least is None or plain or definition.least_support == least:
        return definition
    return replace(definition, name=f"{definition.name}_least_{least}", least_support=least)


def _groups(
    cells: Cells,
    groupings: Sequence[Grouping],
    definitions: Sequence[Definition],
    overview: Sequence[Definition],
    bootstrap: Bootstrap,
) -> tuple[Group, ...]:
    return tuple(
        Group(
            item.name,
            int(item.rows.size),
            item.says,
            measure(cells.of(item.rows), definitions, bootstrap, overview=overview, group=item.name),
        )
        for item in groupings
    )


def _merge(first: Facts, second: Facts) -> Facts:
    lengths = first if first.lengths else second
    return Facts({**second.columns, **first.columns}, lengths.lengths, lengths.counted)


def _sampling(reference: Reference, facts: Facts, patient: str | None) -> tuple[Sampling, str | None]:
    if patient not in (None, NO_PATIENT, *facts.columns):
        known = ", ".join(facts.columns) or "none"
        raise InputError(f"--patient {patient}: no such column; columns that are no findings: {known}")
    column = patient or (PATIENT if PATIENT in facts.columns else None)
    column = None if column == NO_PATIENT else column
    own = reference.facts.columns
    weights = {report: _weight(text, report, reference.name) for report, text in own.get(WEIGHT, {}).items()}
    return Sampling(facts.columns[column] if column else {}, weights, own.get(STRATUM, {})), column


def _weight(text: str, report: str, name: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise InputError(
            f"{name}: column {WEIGHT!r}, report {report!r}: expected a number above 0, found "
            f"{repr(text) if len(text) <= 20 else f'{len(text)} characters'}"
        )
    return weight


def _refused(definitions: Iterable[Definition], name: str, matching: Matching) -> dict[str, str]:
    said = {who: (states, matching.no_finding_states.get(who)) for who, states in matching.states.items()}
    labelers = {who: states for who, states in said.items() if who != name}
    return refuse(definitions, said[name], labelers)


def _in_detail(
    named: Sequence[Definition] | None, usual: Sequence[Definition], name: str, matching: Matching
) -> tuple[Definition, ...]:
    if named is not None:
        _refuse_misfits(named, name, matching)
        return tuple(named)
    refused = _refused(usual, name, matching)
    fitting = tuple(one for one in usual if one.name not in refused)
    if not fitting:
        _refuse_misfits(usual, name, matching)
    return fitting


def _refuse_misfits(definitions: Sequence[Definition], name: str, matching: Matching) -> None:
    refused = _refused(definitions, name, matching)
    if refused:
        unfit = _refused(DEFINITIONS.values(), name, matching)
        fitting = [each for each in DEFINITIONS if each not in unfit]
        reasons = "; ".join(f"{each}: {reason}" for each, reason in refused.items())
        raise SchemaError(
            f"{reasons}. Definitions that fit these tables: {', '.join(fitting) or 'none'}{_hint(name, matching)}"
        )


def _hint(name: str, matching: Matching) -> str:
    if set(matching.states[name]) >= set(LABELS):
        return ""
    said = ", ".join(str(state).replace("_", " ") for state in matching.states[name])
    return f". {name} says: {said}; if it could say more and only never does, declare that by --reference-states"
