"""The words of a sentence that name something, on their way to a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from radprompter.labels import LabelState
from radprompter.rules.phrases import Found
from radprompter.rules.scopes import STATE_OF
from radprompter.rules.shapes import Placed
from radprompter.rules.vocabulary import ABNORMAL, LookAlike, Mark, Mention, Vocabulary

_POSITIVE, _NEGATIVE, _UNCERTAIN = LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN


@dataclass(slots=True)
class Naming:
    """A mention on its way to a claim."""

    start: int
    end: int
    meaning: Mention
    says: bool = True  # whether it makes a claim of its own
    by: Placed | None = None

    @property
    def affirmed(self) -> LabelState | None:
        """The state that the modifiers give it."""
        return STATE_OF[self.by.category] if self.by else _POSITIVE

    def state(self, outcome: LabelState) -> LabelState | None:
        """What it says where an unmodified mention says `outcome`."""
        affirmed = self.affirmed
        if affirmed is _POSITIVE or affirmed is None:
            return outcome if affirmed else None
        if affirmed is _UNCERTAIN or outcome is _UNCERTAIN:
            return _UNCERTAIN if affirmed is _UNCERTAIN else _NEGATIVE
        resolved = self.by is not None and self.by.category == "resolved"  # "after reduction normal alignment"
        return _NEGATIVE if outcome is _POSITIVE or resolved else None


class Said(NamedTuple):
    """A claim in tokens; `head` carries its state."""

    finding: str
    state: LabelState | None
    rule: str
    head: Naming
    start: int
    end: int
    phrases: tuple[str, ...]


_start = itemgetter(0)
_extent = itemgetter(0, 1)


def find_namings(found: Sequence[Found], vocabulary: Vocabulary) -> list[Naming]:
    """Mentions without look-alikes; those inside a longer or more special one make no claim of their own."""
    mentions = [item for item in found if type(item.meaning) is Mention]
    mentions.sort(key=_extent)
    look_alikes: dict[int, list[Found]] = {}
    for item in found:
        if type(item.meaning) is LookAlike:
            for token in range(item.start, item.end):
                look_alikes.setdefault(token, []).append(item)
    kept: dict[tuple[int, int, str], Naming] = {}
    for item, covering in _covered(mentions):
        meaning: Mention = item.meaning
        alike = look_alikes.get(item.start, ())
        if any(a.meaning.name == meaning.name and a.start <= item.start and item.end <= a.end for a in alike):
            continue
        says = True
        drop = False
        for other in covering:
            if (
                (other.start < item.start or item.end <= other.end)
                and other.meaning.name == meaning.name
                and other.meaning.outcome is not meaning.outcome is _POSITIVE
            ):
                drop = True  # the "displaced fracture" of "non-displaced fracture"
            if other.end < item.end:
                continue
            longer = other.end - other.start > item.end - item.start
            if longer and (other.meaning.name == meaning.name or (other.meaning.is_finding and not meaning.is_finding)):
                drop = True
            elif (
                longer
                and not meaning.is_finding
                and {meaning.name, other.meaning.name} <= vocabulary.combinations.keys()
            ):
                drop = True  # the "large" of "normal large"
            elif other.meaning.is_finding and meaning.is_finding and other.meaning.name not in (meaning.name, ABNORMAL):
                special = meaning.name in vocabulary.implied.get(other.meaning.name, ())
                qualifies = meaning.name in vocabulary.attributes and other.meaning.name not in vocabulary.attributes
                says = says and (qualifies or not (longer or special))
        if not drop:
            kept.setdefault((item.start, item.end, meaning.name), Naming(item.start, item.end, meaning, says))
    return list(kept.values())


def presupposed(named: Sequence[Naming], found: Sequence[Found]) -> set[int]:
    """Tokens that begin a finding which no denial of another reaches, as in `no displacement of the fracture`."""
    ends = {one.end for one in named if one.meaning.is_finding}
    starts = {
        item.end
        for item in found
        if type(item.meaning) is Mark and item.meaning.kind == "presupposing" and item.start in ends
    }
    for one in named:
        if one.start in starts and one.meaning.is_finding:
            starts.add(one.end)  # "of the comminuted fracture"
    return starts


def _covered(mentions: Sequence[Found]) -> Iterator[tuple[Found, Sequence[Found]]]:
    """Each mention (they come sorted) with those that cover its first word: itself, and maybe others."""
    open_mentions: list[Found] = []
    for start, beginning in groupby(mentions, key=_start):
        open_mentions = [one for one in open_mentions if one.end > start]
        beginners = list(beginning)
        open_mentions += beginners
        for one in beginners:
            yield one, open_mentions
