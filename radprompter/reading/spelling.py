"""What people write in a cell, and the label that it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from radprompter.labels import LabelState

WORDS: Mapping[LabelState, tuple[str, ...]] = {
    LabelState.POSITIVE: (
        "positive", "pos", "p", "present", "yes", "y", "true", "+", "1", "1.0", "1,0",
        "positiv", "vorhanden", "ja", "j", "wahr",
    ),
    LabelState.NEGATIVE: (
        "negative", "neg", "n", "absent", "no", "false", "0", "0.0", "0,0",
        "negativ", "nicht vorhanden", "nein", "falsch",
    ),
    LabelState.UNCERTAIN: (
        "uncertain", "unc", "u", "unclear", "possible", "maybe", "?", "-1", "-1.0", "-1,0",
        "unklar", "unsicher", "fraglich", "möglich",
    ),
    LabelState.NOT_MENTIONED: (
        "not mentioned", "nm", "n.m.", "blank",
        "nicht erwähnt", "nicht genannt", "ne", "n.e.",
    ),
}  # fmt: skip
"""Accepted spellings, compared without case; a spreadsheet may have made ``1,0`` of 1 and ``WAHR`` of true."""

SPELLED = {word: state for state, words in WORDS.items() for word in words}

MAX_QUOTED = 20
"""Characters of a cell that a message quotes; longer ones may be words of a report in the wrong column."""


def normalise(word: str) -> str:
    """A cell without differences that do not count: case, white space, hyphens and underscores between letters."""
    plain = re.sub("[‐‑‒–−]", "-", word).casefold()
    return " ".join(re.sub(r"(?<=[^\W\d_])[-_](?=[^\W\d_])", " ", plain).split())


def read_word(word: str) -> LabelState | None:
    """The label that a word stands for; ``None`` if it is none."""
    return SPELLED.get(normalise(word))


def spell(states: Iterable[LabelState]) -> str:
    """The states that a cell may have, for a message or a heading."""
    return ", ".join(state.replace("_", " ") for state in states)


def quote(word: str) -> str:
    """What was found in a cell, for a message; only its length where it may be words of a report."""
    return repr(word) if len(word) <= MAX_QUOTED else f"{len(word)} characters"
