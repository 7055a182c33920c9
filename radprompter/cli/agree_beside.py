"""An agreement and an earlier one of the same reports side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from radprompter.cli.agree_words import HEADS, NO_VALUE, new_table, say, shown
from radprompter.terminal import console

if TYPE_CHECKING:
    from radprompter.agreement.content import Earlier
    from radprompter.agreement.report import Agreement


def show_beside(agreement: Agreement, earlier: Earlier) -> None:
    """Print the headline of both by finding, then every definition that both have, over all findings."""
    headline = agreement.definitions[0]
    measure = headline.measures[0]
    found = {
        (one.definition, one.measure, one.labeler, one.finding): one
        for one in agreement.measured.numbers
        if not one.task
    }
    now, before = agreement.cells.labelers, earlier.labelers
    columns = (*now, *(f"{name} (earlier)" for name in before))
    say(f"\n{HEADS[measure]} under {headline.name}, beside {earlier.name}")
    table = new_table("finding", *columns)
    for finding in (*agreement.cells.findings, ""):
        mine = (shown(found[headline.name, measure, name, finding]) for name in now)
        theirs = (_value(earlier.value(headline.name, measure, name, finding)) for name in before)
        table.add_row(finding or "all", *mine, *theirs)
    console().print(table)
    table = new_table("definition, over all findings", *columns)
    other = []
    for definition in (*agreement.definitions[1:], *agreement.overview):
        if definition.name not in earlier.definitions:
            continue
        if earlier.definitions[definition.name].hash != definition.hash:
            other.append(definition.name)
            continue
        first = definition.measures[0]
        mine = (shown(found[definition.name, first, name, ""]) for name in now)
        theirs = (_value(earlier.value(definition.name, first, name, "")) for name in before)
        table.add_row(definition.name, *mine, *theirs)
    console().print(table)
    if other:
        say(f"not shown, since they mean another thing now: {', '.join(other)}")
    say("whether a difference is more than chance is not said here: name the other labels by --also, which pairs them")


def _value(number: Mapping[str, Any] | None) -> str:
    return NO_VALUE if number is None or number["value"] is None else f"{number['value']:.3f}"
