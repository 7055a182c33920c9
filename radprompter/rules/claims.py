"""What one phrase of a sentence says of one finding, and what the caller may give besides."""

from __future__ import annotations

from typing import Literal, NamedTuple

from radprompter.labels import Hedge, LabelState
from radprompter.rules.lexicon import Category
from radprompter.rules.vocabulary import Mention


class Given(NamedTuple):
    """A mention that the caller knows of: characters of the sentence, and what it means."""

    start: int
    end: int
    meaning: Mention


class Use(NamedTuple):
    """A modifier at work: its group, category and phrase in the lexicon, and the characters that it fills."""

    group: str
    category: Category
    phrase: str
    start: int
    end: int


class Span(NamedTuple):
    """Characters of a sentence."""

    start: int
    end: int


class Scope(NamedTuple):
    """How far a modifier reaches, ``after`` it or ``before`` it, and where `end` it, what is there: ``clause``.

    `end` is ``None`` where nothing but the sentence, or the number of words, ends it.
    """

    use: Use
    direction: Literal["after", "before"]
    end: Span | None = None
    name: str = ""


class Unsaid(NamedTuple):
    """Words that name a finding and claim nothing of it.

    They are part of a longer or more special phrase, only a special form of them is denied or doubted, or, as in
    "pericardial effusion", they are a look-alike.
    """

    finding: str
    start: int
    end: int
    is_look_alike: bool = False


class Outdone(NamedTuple):
    """Modifiers that reach the words that name a finding, but do not decide: another is nearer, or goes before them."""

    finding: str
    start: int
    end: int
    uses: tuple[Use, ...]


class Claim(NamedTuple):
    """What one phrase of a sentence says of one finding.

    `state` is ``None`` where it says nothing of the present: history, a condition, the family. `phrases` are the
    entries of the lexicon that name the finding, `start` and `end` the characters that they fill; `modifiers` is the
    chain that decides. `hedge` is the kind of doubt of an uncertain one.
    """

    finding: str
    state: LabelState | None
    rule: str
    start: int
    end: int
    phrases: tuple[str, ...]
    modifiers: tuple[Use, ...] = ()
    hedge: Hedge | None = None

    def name(self, sentence: str) -> str:
        """The id of all that made it: the rule, then each modifier's group with its words in the sentence."""
        words = (f"/{use.group}:{' '.join(sentence[use.start : use.end].split())}" for use in self.modifiers)
        return self.rule + "".join(words)
