"""What the words around a finding make of it, for findings that the caller has found in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from radprompter.errors import TemplateError
from radprompter.labels import LabelState
from radprompter.rules.claims import Given, Use
from radprompter.rules.engine import read_sentence
from radprompter.rules.lexicon import load_language
from radprompter.rules.vocabulary import Mention, compile_language


class Assessed(NamedTuple):
    """What a sentence says of one finding; `state` is ``None`` where it says nothing of the present."""

    state: LabelState | None
    modifiers: tuple[Use, ...]


class Context:
    """The modifiers of a language, without the findings of any region.

    Raises
    ------
    TemplateError
        If the rules do not know the language.
    """

    def __init__(self, language: str = "en") -> None:
        lexicon = load_language(language)
        if lexicon is None:
            raise TemplateError(f"the rules have no lexicon of language {language!r}")
        self._vocabulary = compile_language(lexicon)

    def assess(self, sentence: str, spans: Sequence[tuple[int, int]]) -> list[Assessed]:
        """What a sentence says of findings at `spans`, first character and the one after the last, in that order.

        A span without a word is affirmed: nothing is said of it.
        """
        given = [
            Given(start, end, Mention(str(index), True, LabelState.POSITIVE, sentence[start:end]))
            for index, (start, end) in enumerate(spans)
        ]
        claims = {claim.finding: claim for claim in read_sentence(sentence, self._vocabulary, given)}
        affirmed = Assessed(LabelState.POSITIVE, ())
        found = (claims.get(str(index)) for index in range(len(spans)))
        return [Assessed(claim.state, claim.modifiers) if claim else affirmed for claim in found]
