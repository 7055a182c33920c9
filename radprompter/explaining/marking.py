"""A report's text in pieces, each with the claims, modifiers and ends of scopes that stand in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from radprompter.explaining.account import STRENGTH, Account, Silent, Weighed
from radprompter.labels import LabelState
from radprompter.rules.claims import Scope, Use
from radprompter.rules.reading import ReadSentence
from radprompter.rules.sentences import Part, Stretch


class Piece(NamedTuple):
    """Words of a report.

    `claims` are made with them, `modifiers` are those that they are, `ends` end at them; `silent` are findings that
    they name without a claim.
    """

    text: str
    claims: tuple[Weighed, ...] = ()
    modifiers: tuple[Use, ...] = ()
    ends: tuple[Scope, ...] = ()
    silent: tuple[tuple[str, Silent], ...] = ()

    @property
    def state(self) -> LabelState | None:
        """The strongest state that is claimed with these words."""
        return _strongest(self.claims)


class Group(NamedTuple):
    """Pieces under claims that overlap; pieces under none are a group of their own."""

    pieces: tuple[Piece, ...]
    claims: tuple[Weighed, ...] = ()

    @property
    def state(self) -> LabelState | None:
        """The strongest state of its claims."""
        return _strongest(self.claims)


class Block(NamedTuple):
    """What stands under one heading; `part` is ``None`` where the rules do not read it."""

    heading: str
    part: Part | None
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class MarkedSection:
    """A section of a report; `is_read` is false for sections that the rules, or the recipe, leave out."""

    name: str
    is_read: bool
    blocks: tuple[Block, ...]


def mark(account: Account) -> tuple[MarkedSection, ...]:
    """The sections of a report with words, in order, then those that the recipe leaves out; no character is lost."""
    outline = account.explanation.outline if account.explanation else None
    sections = []
    for name, words in account.report.sections.items():
        stretches = outline.stretches[name] if outline else ()
        if not words.strip():
            continue
        if stretches:
            sections.append(MarkedSection(name, True, tuple(_blocks(account, name, words, stretches))))
        else:
            sections.append(_unread(name, words))
    return (*sections, *(_unread(name, words) for name, words in account.left_out.items() if words.strip()))


def _unread(name: str, words: str) -> MarkedSection:
    return MarkedSection(name, False, (Block("", None, (Group((Piece(words),)),)),))


def _blocks(account: Account, name: str, words: str, stretches: Sequence[Stretch]) -> Iterable[Block]:
    assert account.explanation is not None
    read = zip(account.explanation.sentences, account.explanation.outline.scopes, strict=True)
    sentences = [(sentence, scopes) for sentence, scopes in read if sentence.section == name]
    by_sentence: dict[int, list[Weighed]] = {}
    for weighed in account.claims:
        by_sentence.setdefault(id(weighed.sentence), []).append(weighed)
    silent: dict[int, list[tuple[str, Silent]]] = {}
    for item in account.findings:
        for one in item.silent:
            silent.setdefault(id(one.sentence), []).append((item.name, one))
    for stretch in stretches:
        groups: list[Group] = []
        here = stretch.start
        for sentence, scopes in sentences:
            if stretch.start <= sentence.start < stretch.end:
                groups.append(Group((Piece(words[here : sentence.start]),)))
                groups += _groups(sentence, by_sentence.get(id(sentence), []), scopes, silent.get(id(sentence), []))
                here = sentence.start + len(sentence.text)
        groups.append(Group((Piece(words[here : stretch.end]),)))
        kept = tuple(group for group in groups if any(piece.text for piece in group.pieces))
        if kept or stretch.start > stretch.heading:
            yield Block(words[stretch.heading : stretch.start], stretch.part, kept)


def _groups(
    sentence: ReadSentence, claims: Sequence[Weighed], scopes: Sequence[Scope], silent: Sequence[tuple[str, Silent]]
) -> list[Group]:
    """A sentence in pieces; claims that overlap share a group."""
    text = sentence.text
    uses = {(use.start, use.end): use for use in (s.use for s in scopes) if use.end > use.start}
    uses |= {(use.start, use.end): use for weighed in claims for use in weighed.claim.modifiers}
    ends = [scope for scope in scopes if scope.end is not None and scope.end.end > scope.end.start]
    cuts = {0, len(text)}
    for start, end in (*uses, *((w.claim.start, w.claim.end) for w in claims), *(s.end for s in ends if s.end)):
        cuts |= {start, end}
    named = [(one.unsaid.start, one.unsaid.end) for _, one in silent]
    for at in {edge for span in named for edge in span}:
        if not any(start < at < end for start, end in named):
            cuts.add(at)
    edges = sorted(cuts)
    groups: list[Group] = []
    reaches = 0  # the last character of the group under way
    for start, end in itertools.pairwise(edges):
        over = tuple(w for w in claims if w.claim.start <= start and end <= w.claim.end)
        piece = Piece(
            text[start:end],
            over,
            tuple(use for (first, last), use in uses.items() if first <= start and end <= last),
            tuple(scope for scope in ends if scope.end is not None and scope.end.start == start),
            tuple((name, one) for name, one in silent if one.unsaid.start < end and start < one.unsaid.end),
        )
        goes_on = bool(groups) and ((not over and not groups[-1].claims) or (bool(over) and start < reaches))
        if goes_on:
            last = groups[-1]
            groups[-1] = Group((*last.pieces, piece), (*last.claims, *(w for w in over if w not in last.claims)))
        else:
            groups.append(Group((piece,), over))
        reaches = max([reaches, *(w.claim.end for w in over)])
    return groups


def _strongest(claims: Iterable[Weighed]) -> LabelState | None:
    return max((weighed.claim.state for weighed in claims), key=lambda state: STRENGTH[state], default=None)
