"""The words of a sentence that name something, on their way to a claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from radprompter.labels import LabelState
from radprompter.rules.phrases import Found
from radprompter.rules.scopes import STATE_OF
from radprompter.rules.shapes import Placed
from radprompter.rules.vocabulary import ABNORMAL, LookAlike, Mention, Vocabulary

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


_extent = itemgetter(0, 1)


def find_namings(found: Sequence[Found], vocabulary: Vocabulary) -> list[Naming]:
    """Mentions without look-alikes; those inside a longer or more special one make no claim of their own."""
    mentions = [item for item in found if type(item.meaning) is Mention]
    mentions.sort(key=_extent)
    look_alikes = _by_token(item for item in found if type(item.meaning) is LookAlike)
    if not look_alikes and all(one.end <= other.start for one, other in pairwise(mentions)):
        return [Naming(*item) for item in mentions]
    covering = _by_token(mentions)
    kept: dict[tuple[int, int, str], Naming] = {}
    for item in mentions:
        meaning: Mention = item.meaning
        alike = look_alikes.get(item.start, ())
        if any(a.meaning.name == meaning.name and a.start <= item.start and item.end <= a.end for a in alike):
            continue
        says = True
        drop = False
        for other in covering[item.start]:
            if other.start > item.start:
                continue
            if other.meaning.name == meaning.name and other.meaning.outcome is not meaning.outcome is _POSITIVE:
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
                says = says and not (longer or special)
        if not drop:
            kept.setdefault((item.start, item.end, meaning.name), Naming(item.start, item.end, meaning, says))
    return list(kept.values())


def _by_token(found: Iterable[Found]) -> dict[int, list[Found]]:
    table: dict[int, list[Found]] = {}
    for item in found:
        for token in range(item.start, item.end):
            table.setdefault(token, []).append(item)
    return table
