"""An agreement as plain data and as rows, without a word or an id of any report; and what was written, read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from radprompter.agreement.comparing.comparability import Basis, basis_of
from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.cells import UNLABELLED
from radprompter.agreement.measuring.numbers import ALL, Number
from radprompter.agreement.report import Agreement
from radprompter.errors import TableError
from radprompter.labels import LABELS, LabelState, Projection

FORMAT = "radprompter agreement 1"
NO_LABEL = "no_label"
CONFUSION_FIELDS = ("labeler", "group", "finding", "reference", "label", "n")


def describe(agreement: Agreement) -> dict[str, Any]:
    """Everything of an agreement: the content of ``agreement.json``.

    Numbers are nested: definition, measure, labeler; then ``all``, ``findings`` and ``tasks``. An undefined number is
    null with a reason.
    """
    cells, basis = agreement.cells, basis_of(agreement.cells, agreement.definitions[0], name="")
    return {
        "format": FORMAT,
        "reference": agreement.reference,
        "labelers": list(cells.labelers),
        "n_reports": cells.n_reports,
        "n_units": cells.n_units,
        "unit": agreement.unit,
        "weighted": cells.weighted,
        "findings": list(cells.findings),
        "no_finding": None if cells.no_finding is None else cells.findings[cells.no_finding],
        "bootstrap": agreement.bootstrap._asdict(),
        "basis": {"findings": basis.findings, "reports": basis.reports, "reference": basis.reference},
        "matching": asdict(agreement.matching),
        "definitions": [
            {"name": one.name, "says": one.says, "source": one.source, "hash": one.hash, "by_finding": in_detail,
             "meaning": one.meaning}
            for each, in_detail in ((agreement.definitions, True), (agreement.overview, False))
            for one in each
        ],
        "refused": dict(agreement.refused),
        "numbers": nest(agreement.measured.numbers),
        "groups": [
            {"name": one.name, "says": one.says, "n_reports": one.n_reports, "numbers": nest(one.measured.numbers)}
            for one in agreement.groups
        ],
        "confusions": {
            "reference": [str(state) for state in LABELS],
            "labels": [*map(str, LABELS), NO_LABEL],
            "cells": {
                labeler: dict(zip(cells.findings, agreement.measured.counts[at].tolist(), strict=True))
                for at, labeler in enumerate(cells.labelers)
            },
        },
        "costs": [asdict(one) for one in agreement.costs],
    }  # fmt: skip


def nest(numbers: Sequence[Number]) -> dict[str, Any]:
    """Numbers by definition, measure and labeler."""
    nested: dict[str, Any] = {}
    for one in numbers:
        of = nested.setdefault(one.definition, {}).setdefault(one.measure, {}).setdefault(one.labeler, {})
        value = {name: getattr(one, name) for name in Number._fields[6:]}
        if one.finding == ALL:
            of["all"] = value
        elif one.task == ALL:
            of.setdefault("findings", {})[one.finding] = value
        else:
            of.setdefault("tasks", {}).setdefault(one.finding, {})[one.task] = value
    return nested


def summarise(content: Mapping[str, Any]) -> dict[str, Any]:
    """What one line says of the content of ``agreement.json``: every number over all findings, and what was compared.

    ``values`` are nested: labeler, definition, measure; None where undefined.
    """
    values: dict[str, Any] = {who: {} for who in content["labelers"]}
    for definition, measures in content["numbers"].items():
        for name, labelers in measures.items():
            for who, of in labelers.items():
                values[who].setdefault(definition, {})[name] = of["all"]["value"]
    headline = content["definitions"][0]
    first, measure = content["labelers"][0], headline["meaning"]["measures"][0]
    number = content["numbers"][headline["name"]][measure][first]["all"]
    shown = "undefined" if number["value"] is None else f"{number['value']:.3f}"
    if number["low"] is not None:
        shown += f" ({number['low']:.3f}\u2013{number['high']:.3f})"
    return {
        **{name: content[name] for name in ("reference", "labelers", "n_reports", "n_units", "unit", "refused")},
        "n_findings": len(content["findings"]),
        "n_left_out": len(content["matching"]["left_out"]),
        "headline": headline["name"],
        "values": values,
        "line": f"{measure.replace('_', ' ')} {shown} under {headline['name']}, {content['n_reports']:,} reports x "
        f"{len(content['findings'])} findings of {content['reference']}",
    }


def number_rows(agreement: Agreement) -> Iterator[tuple[Any, ...]]:
    """The rows of ``agreement.csv``: every number, with empty cells for what is undefined."""
    for one in agreement.numbers:
        yield tuple("" if value is None else value for value in one)


def confusion_rows(agreement: Agreement) -> Iterator[tuple[Any, ...]]:
    """The rows of ``confusions.csv``: cells (sums of weights, where there are any) by reference and labeler."""
    names = [*map(str, LABELS), NO_LABEL]
    parts = [(ALL, agreement.measured), *((group.name, group.measured) for group in agreement.groups)]
    for group, measured in parts:
        for at, labeler in enumerate(agreement.cells.labelers):
            for column, finding in enumerate(agreement.cells.findings):
                for row, state in enumerate(names[:UNLABELLED]):
                    for place, label in enumerate(names):
                        n = float(measured.counts[at, column, row, place])
                        yield labeler, group, finding, state, label, int(n) if n.is_integer() else n


class Earlier(NamedTuple):
    """An agreement that was written before: what its numbers rest on, and the numbers."""

    name: str
    labelers: tuple[str, ...]
    definitions: Mapping[str, Definition]
    numbers: Mapping[str, Any]
    basis: Basis  # of the headline

    def value(self, definition: str, measure: str, labeler: str, finding: str) -> Mapping[str, Any] | None:
        """A number with its interval, as it was written; None where there is none."""
        of = self.numbers.get(definition, {}).get(measure, {}).get(labeler, {})
        found: Mapping[str, Any] | None = of.get("all") if finding == ALL else of.get("findings", {}).get(finding)
        return found


def read_content(content: Any, *, name: str) -> Earlier:
    """What an ``agreement.json`` says.

    Raises
    ------
    TableError
        If it is none, or of another version, or was changed.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TableError(f"{name}: expected an agreement.json that this version of `radprompter agree` wrote")
    try:
        definitions = {item["name"]: _definition(item) for item in content["definitions"]}
        headline = next(iter(definitions.values()), None)
        basis, numbers = content["basis"], content["numbers"]
        if headline is not None and isinstance(numbers, dict):
            return Earlier(
                name,
                tuple(content["labelers"]),
                definitions,
                numbers,
                Basis(name, headline, headline.measures[0], tuple(basis["findings"]), basis["reports"],
                      tuple(basis["reference"])),
            )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        pass
    raise TableError(f"{name}: was changed after it was written; write it anew by `radprompter agree --out`")


def _definition(item: Mapping[str, Any]) -> Definition:
    meaning = dict(item["meaning"])
    for side in ("reference", "labeler"):
        states = {
            LabelState(state): None if target is None else LabelState(target)
            for state, target in meaning[side]["states"].items()
        }
        meaning[side] = Projection(meaning[side]["name"], states)
    meaning["tasks"] = tuple(LabelState(task) for task in meaning["tasks"])
    meaning["measures"] = tuple(meaning["measures"])
    return Definition(item["name"], item["says"], **meaning, source=item["source"])
