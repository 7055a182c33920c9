"""Which finding of one table is which of another: by declaration, by name, by title or alias."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from radprompter.errors import SchemaError
from radprompter.labels import FindingSpec

How = Literal["same name", "alias", "declared"]


class Pairing(NamedTuple):
    """A finding of ours that is a finding of theirs, and why."""

    ours: str
    theirs: str
    how: How


def pair_findings(
    ours: Sequence[FindingSpec], theirs: Sequence[FindingSpec], *, renames: Mapping[str, str], tables: tuple[str, str]
) -> tuple[Pairing, ...]:
    """Each finding of ours with that of theirs, where there is one; each of theirs stands at most once.

    Declared pairs come first, then equal names, then names that are equal but for case, ``_``, ``-`` and spaces, then
    titles and aliases of either; a finding that is paired is out of the question for what comes later.

    Parameters
    ----------
    renames:
        Ours -> theirs, as declared; pairs of which either table lacks its finding are none of theirs.
    tables:
        What our table and theirs are called in errors.

    Raises
    ------
    SchemaError
        If two of ours could be one of theirs, or one of ours two of theirs: declare which.
    """
    paired: list[Pairing] = []
    left, right = {item.name: item for item in ours}, {item.name: item for item in theirs}
    tests: tuple[tuple[How, Callable[[FindingSpec, FindingSpec], bool]], ...] = (
        ("declared", lambda one, other: renames.get(one.name) == other.name),
        ("same name", lambda one, other: one.name == other.name),
        ("same name", lambda one, other: normalise(one.name) == normalise(other.name)),
        ("alias", lambda one, other: bool(_words(one) & _words(other))),
    )
    for how, alike in tests:
        found = [Pairing(one, other, how) for one in left for other in right if alike(left[one], right[other])]
        _refuse_doubles(found, tables)
        paired += found
        for one, other, _ in found:
            del left[one], right[other]
    order = [item.name for item in theirs]
    return tuple(sorted(paired, key=lambda pair: order.index(pair.theirs)))


def normalise(name: str) -> str:
    """A name without what spellings differ in: case, and ``_``, ``-`` or space between words."""
    return re.sub(r"[\W_]+", " ", name).strip().casefold()


def near(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Names that are like one or share a word with it, nearest first; at most 3."""
    known = {normalise(other): other for other in names}
    mine = normalise(name)
    close = difflib.get_close_matches(mine, known, n=3, cutoff=0.6)
    sharing = [other for other in known if set(other.split()) & set(mine.split()) and other not in close]
    return tuple(known[other] for other in (*close, *sharing)[:3])


def _words(finding: FindingSpec) -> set[str]:
    names = (finding.name, finding.title, *finding.aliases)
    return {normalise(name) for name in names} - {""}


def _refuse_doubles(found: Sequence[Pairing], tables: tuple[str, str]) -> None:
    ours, theirs = tables
    for pair in found:
        rivals = [other.ours for other in found if other.theirs == pair.theirs]
        if len(rivals) > 1:
            raise SchemaError(
                f"{' and '.join(map(repr, rivals))} of {ours} could each be {pair.theirs!r} of {theirs}; they cannot "
                f"be the same finding: say which by --match {rivals[0]}={pair.theirs}"
            )
        choices = [other.theirs for other in found if other.ours == pair.ours]
        if len(choices) > 1:
            raise SchemaError(
                f"{pair.ours!r} of {ours} could be {' or '.join(map(repr, choices))} of {theirs}; "
                f"say which by --match {pair.ours}={choices[0]}"
            )
