"""What a perfect reader answers for a report, from the statements that the report was written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from radprompter.labels import LabelState
from radprompter.phantom.anatomy import Anatomy, closure

BLOCKED = "blocked"
"""State of a statement that speaks of another abnormality, so that the report is not one without findings."""

_RANK = {LabelState.NOT_MENTIONED: 0, LabelState.NEGATIVE: 1, LabelState.UNCERTAIN: 2, LabelState.POSITIVE: 3}


def perfect_reading(anatomy: Anatomy, statements: Iterable[Mapping[str, str]]) -> dict[str, LabelState]:
    """The state of every finding, in schema order.

    Positive goes before uncertain and uncertain before negative; a finding passes its state on to the more general
    ones that it implies, unless it is absent.
    """
    reading = dict.fromkeys(anatomy.findings, LabelState.NOT_MENTIONED)
    blocked = False
    for statement in statements:
        for finding, state in statement.items():
            if state == BLOCKED:
                blocked = True
                continue
            said = LabelState(state)
            of = anatomy.findings[finding]
            general = of.denies if said is LabelState.NEGATIVE else closure(anatomy, (finding,))
            for name in (finding, *general):
                reading[name] = max(reading[name], said, key=_RANK.__getitem__)
    if anatomy.no_finding:
        clear = not blocked and not any(
            state in (LabelState.POSITIVE, LabelState.UNCERTAIN)
            for name, state in reading.items()
            if name not in (anatomy.no_finding, *anatomy.harmless)
        )
        reading[anatomy.no_finding] = LabelState.POSITIVE if clear else LabelState.NOT_MENTIONED
    return reading
