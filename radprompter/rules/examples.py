"""The example sentence of every entry of a lexicon, put to the test.

In a region's lexicon an example is a plain sentence: it must say of the finding what its entry promises, and the entry
itself must have said it. In a language file there is no region, so the example marks its findings in braces, with what
the sentence says of each: ``No {-edema} but {+effusion}.``; ``?`` is uncertain, ``0`` says nothing of the present. In
an example of a term, the braces mark what the term is said of: ``The {heart} is normal.``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from radprompter.errors import InputError
from radprompter.labels import LabelState
from radprompter.region import LANGUAGES, Region, load_region
from radprompter.rules.claims import Claim, Given
from radprompter.rules.engine import read_sentence
from radprompter.rules.lexicon import (
    Combination,
    Language,
    RegionLexicon,
    load_language,
    load_own_lexicon,
    load_region_lexicon,
)
from radprompter.rules.scopes import STATE_OF
from radprompter.rules.vocabulary import ABNORMAL, Mention, Vocabulary, compile_language, compile_vocabulary

_SIGNS: Mapping[str, LabelState | None] = {
    "+": LabelState.POSITIVE,
    "-": LabelState.NEGATIVE,
    "?": LabelState.UNCERTAIN,
    "0": None,
}
_BRACES = re.compile(r"\{([-+?0]?)\s*([^{}]+)\}")
_PLACE = "example_place"


class _Marked(NamedTuple):
    text: str
    spans: list[tuple[int, int]]
    states: list[LabelState | None]


def language_problems(code: str) -> list[str]:
    """What is wrong with the examples of a language file, a line each."""
    language = load_language(code)
    return [] if language is None else [f"lexicon {code}: {problem}" for problem in _language_problems(language)]


def folder_problems(folder: Path, templates: Path | None = None) -> list[str]:
    """What is wrong with the lexicons of a region folder, and with their examples, a line each."""
    codes = [code for code in LANGUAGES if (folder / f"lexicon.{code}.yaml").is_file()]
    if not codes:
        return []
    try:
        region = load_region(str(folder.resolve()), templates=templates)
        return [problem for code in codes for problem in region_problems(region, code)]
    except InputError as error:
        return str(error).splitlines()


def region_problems(region: Region, code: str) -> list[str]:
    """What is wrong with the examples of a region's own lexicon in a language, a line each.

    What it takes from a region that it extends is put to the test there: it may well say something else here.
    """
    language = load_language(code)
    if language is None:
        return []
    vocabulary = compile_vocabulary(region, language, load_region_lexicon(region, code), code=code)
    found = _region_problems(load_own_lexicon(region, code), vocabulary)
    return [f"region {region.name}, lexicon {code}: {problem}" for problem in found]


def _language_problems(language: Language) -> Iterator[str]:
    vocabulary = compile_language(language)
    for name, group in language.modifiers.items():
        for phrase, example in group.phrases.items():
            where = f"modifiers.{name} {phrase!r}"
            yield from _wrong_states(where, example, vocabulary)
            marked = _marked(example)
            if group.category != "pseudo" and marked.spans:
                used = {use.phrase for claim in _claims(marked, vocabulary).values() for use in claim.modifiers}
                if phrase not in used:
                    yield f"{where}: is not what decides in its example {example!r}; that is {_list(used)}"
                if STATE_OF[group.category] not in marked.states:
                    yield f"{where}: its example {example!r} has nothing that is {group.category}"
    shaping = {
        **{f"boundaries.{name}": phrases for name, phrases in language.boundaries.items()},
        "or_words": language.or_words,
        "and_words": language.and_words,
        "predicates": language.predicates,
        "openers": language.openers,
        "adjectives": language.adjectives,
        "presupposing": language.presupposing,
        "compound_tails": language.compound_tails,
    }
    for name, phrases in shaping.items():
        for phrase, example in phrases.items():
            yield from _wrong_states(f"{name} {phrase!r}", example, vocabulary)
    for name, phrases in (("probable", language.probable_words), ("possible", language.possible_words)):
        for phrase, example in phrases.items():
            marked = _marked(example)
            if not any(claim.hedge == name for claim in _claims(marked, vocabulary).values()):
                yield f"{name}_words {phrase!r}: nothing in its example {example!r} is {name}"
    for name, phrases in language.terms.items():
        yield from _wrong_terms(name, phrases, language)
    for name, phrases, n_sentences in (
        ("abbreviations", language.abbreviations, 1),
        ("before_ordinals", language.before_ordinals, 1),
        ("after_ordinals", language.after_ordinals, 1),
        ("starters", language.starters, 2),
    ):
        for phrase, example in phrases.items():
            n_found = len(list(vocabulary.splitter.split(example)))
            if n_found != n_sentences:
                yield f"{name} {phrase!r}: its example {example!r} is {n_found} sentences, not {n_sentences}"


def _wrong_states(where: str, example: str, vocabulary: Vocabulary) -> Iterator[str]:
    marked = _marked(example)
    if not marked.spans:
        yield f"{where}: no example with a finding in braces, such as 'No {{-effusion}}.'"
        return
    claims = _claims(marked, vocabulary)
    for index, (start, end) in enumerate(marked.spans):
        claim = claims.get(str(index))
        state = claim.state if claim else None
        if state is not marked.states[index]:
            said = _said(state) + (f" by {_list(use.phrase for use in claim.modifiers)}" if claim else "")
            yield f"{where}: {marked.text[start:end]!r} of {example!r} is {said}, not {_said(marked.states[index])}"


def _claims(marked: _Marked, vocabulary: Vocabulary) -> dict[str, Claim]:
    given = [
        Given(start, end, Mention(str(index), True, LabelState.POSITIVE, marked.text[start:end]))
        for index, (start, end) in enumerate(marked.spans)
    ]
    return {claim.finding: claim for claim in read_sentence(marked.text, vocabulary, given)}


def _wrong_terms(name: str, phrases: Mapping[str, str], language: Language) -> Iterator[str]:
    rule = Combination(finding="example", of=(name,), at=(_PLACE,), reach=14, example="-")
    vocabulary = compile_language(language, (rule,))
    for phrase, example in phrases.items():
        marked = _marked(example)
        given = [
            Given(start, end, Mention(_PLACE, False, LabelState.POSITIVE, _PLACE, "term"))
            for start, end in marked.spans
        ]
        claims = read_sentence(marked.text, vocabulary, given)
        if not any(phrase in claim.phrases for claim in claims):
            yield f"terms.{name} {phrase!r}: is not said of what its example {example!r} has in braces"


def _region_problems(lexicon: RegionLexicon, vocabulary: Vocabulary) -> Iterator[str]:
    for finding, words in lexicon.findings.items():
        for key, phrases, state in (
            ("mentions", words.mentions, LabelState.POSITIVE),
            ("denied_by", words.denied_by, LabelState.NEGATIVE),
            ("uncertain_by", words.uncertain_by, LabelState.UNCERTAIN),
        ):
            for phrase, example in phrases.items():
                claims = [claim for claim in _read(example, vocabulary) if claim.finding == finding]
                if not any(phrase in claim.phrases and claim.state is state for claim in claims):
                    said = _list(f"{_said(claim.state)} by {claim.rule}" for claim in claims)
                    yield f"findings.{finding}.{key} {phrase!r}: its example {example!r} says {said}, not {state}"
        for phrase, example in words.not_by.items():
            said = _list(c.rule for c in _read(example, vocabulary) if c.finding == finding)
            if not example or said != "nothing":
                yield f"findings.{finding}.not {phrase!r}: its example {example!r} says {said} of the finding"
    for name, phrases in lexicon.terms.items():
        for phrase, example in phrases.items():
            if not any(phrase in c.phrases and c.rule.startswith("combine:") for c in _read(example, vocabulary)):
                yield f"terms.{name} {phrase!r}: takes part in no combination in its example {example!r}"
    for rule in lexicon.combine:
        claims = [claim for claim in _read(rule.example, vocabulary) if claim.finding == rule.finding]
        if not any(claim.rule.startswith("combine:") and claim.state is rule.state for claim in claims):
            said = _list(f"{_said(claim.state)} by {claim.rule}" for claim in claims)
            yield f"combine {rule.finding} of {list(rule.of)} at {list(rule.at)}: example {rule.example!r} says {said}"
    for phrase, example in lexicon.abnormal.items():
        claims = [claim for claim in _read(example, vocabulary) if claim.finding == ABNORMAL]
        if not any(phrase in claim.phrases and claim.state is LabelState.POSITIVE for claim in claims):
            yield f"abnormal {phrase!r}: its example {example!r} does not have it"


def _read(example: str, vocabulary: Vocabulary) -> list[Claim]:
    sentences = vocabulary.splitter.split(example)
    return [claim for sentence in sentences for claim in read_sentence(sentence.text, vocabulary)]


def _marked(example: str) -> _Marked:
    text, spans, states, here = "", [], [], 0
    for match in _BRACES.finditer(example):
        text += example[here : match.start()]
        spans.append((len(text), len(text) + len(match[2])))
        states.append(_SIGNS[match[1] or "+"])
        text += match[2]
        here = match.end()
    return _Marked(text + example[here:], spans, states)


def _said(state: LabelState | None) -> str:
    return "nothing of the present" if state is None else str(state)


def _list(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "nothing"
