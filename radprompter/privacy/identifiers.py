"""Where a text names a person, a day, a number or a place that tells who it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import NamedTuple, get_args

from radprompter.privacy.patterns import load_patterns
from radprompter.recipe import IdentifierKind

KINDS: tuple[IdentifierKind, ...] = get_args(IdentifierKind)


class Identifier(NamedTuple):
    """A place in a text, and what kind of identifier stands there; never the words."""

    kind: IdentifierKind
    start: int
    end: int


def find(text: str, kinds: Collection[IdentifierKind] = KINDS) -> tuple[Identifier, ...]:
    """The identifiers of some kinds in a text, in order and without overlap, in time linear in its length.

    Where patterns overlap, all that they cover is one identifier, of the kind that begins first. Cues such as ``Dr.``
    or ``MRN:`` are no part of it.
    """
    found = [
        Identifier(pattern.kind, *match.span("what"))
        for pattern in load_patterns()
        if pattern.kind in kinds
        for match in pattern.expression.finditer(text)
    ]
    return _joined(sorted(found, key=lambda identifier: (identifier.start, -identifier.end)))


def _joined(found: Iterable[Identifier]) -> tuple[Identifier, ...]:
    joined: list[Identifier] = []
    for identifier in found:
        if joined and identifier.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = last._replace(end=max(last.end, identifier.end))
        else:
            joined.append(identifier)
    return tuple(joined)


def mask(text: str, found: Iterable[Identifier]) -> str:
    """The text with a placeholder such as ``[NAME]`` in the place of each identifier, which are in order.

    A placeholder has no digit, no angle bracket and no word of a chat template, so that prompts quote it as it is; no
    pattern takes it for an identifier; and rules for findings read nothing into it.
    """
    places = [Identifier("name", 0, 0), *found, Identifier("name", len(text), len(text))]
    pieces = [text[before.end : here.start] + f"[{here.kind.upper()}]" for before, here in pairwise(places[:-1])]
    return "".join([*pieces, text[places[-2].end :]])
