"""Which numbers may stand side by side: those of one definition, one reference, the same reports and findings."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from radprompter.agreement.definitions import Definition, differences
from radprompter.agreement.measuring.cells import Cells
from radprompter.errors import DefinitionError

_SHOWN = 5


class Basis(NamedTuple):
    """What a number of agreement rests on.

    `name` is what an error calls it; `definition` is None where nobody says. `reports`, and `reference` for each of the
    findings, are fingerprints or the words of a paper: what is compared is whether they are equal.
    """

    name: str
    definition: Definition | None
    measure: str
    findings: tuple[str, ...]
    reports: str
    reference: tuple[str, ...]


def basis_of(cells: Cells, definition: Definition, *, name: str, measure: str | None = None) -> Basis:
    """The basis of what is computed of some cells, whatever the order of their reports and findings."""
    rows = np.argsort(np.array(cells.report_ids))
    columns = sorted(range(len(cells.findings)), key=lambda column: cells.findings[column])
    ids = "\n".join(f"{cells.report_ids[row]}\t{float(cells.weights[row])}" for row in rows)
    return Basis(
        name,
        definition,
        measure or definition.measures[0],
        tuple(cells.findings[column] for column in columns),
        f"{cells.n_reports} reports with fingerprint {_fingerprint(ids.encode())}",
        tuple(_fingerprint(cells.reference[rows, column].tobytes()) for column in columns),
    )


def check_comparable(one: Basis, other: Basis) -> None:
    """See that two numbers mean the same.

    Raises
    ------
    DefinitionError
        If they do not; the message has every reason.
    """
    reasons = why_not(one, other)
    if reasons:
        raise DefinitionError(f"{one.name} and {other.name} may not be compared: {'; '.join(reasons)}")


def why_not(one: Basis, other: Basis) -> tuple[str, ...]:
    """Why two numbers may not be compared, a reason each; none if they may."""
    reasons = [f"{side.name} does not state its definition" for side in (one, other) if side.definition is None]
    if one.definition is not None and other.definition is not None:
        found = [text for text in differences(one.definition, other.definition) if not text.startswith("measures: ")]
        reasons += [f"other definition ({'; '.join(found)})"] if found else []
    if one.measure != other.measure:
        reasons.append(f"other measure ({one.measure}, {other.measure})")
    if one.reports != other.reports:
        reasons.append(f"other reports ({one.reports}, {other.reports})")
    else:  # of other reports it would be said twice
        reasons += _other_reference(one, other)
    if set(one.findings) != set(other.findings):
        reasons.append(_other_findings(one, other))
    return tuple(reasons)


def _other_reference(one: Basis, other: Basis) -> list[str]:
    theirs = dict(zip(other.findings, other.reference, strict=True))
    mine = zip(one.findings, one.reference, strict=True)
    changed = [finding for finding, labels in mine if theirs.get(finding, labels) != labels]
    return [f"other reference (of {', '.join(changed)})"] if changed else []


def _other_findings(one: Basis, other: Basis) -> str:
    alone = []
    for side, against in ((one, other), (other, one)):
        names = sorted(set(side.findings) - set(against.findings))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        alone += [f"{side.name} alone has {', '.join(names[:_SHOWN])}{more}"] if names else []
    return f"other findings ({'; '.join(alone)})"


def _fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
