"""Sentences of one language: nouns put into patterns, with the grammar that each language needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radprompter.phantom.anatomy import Language, Patterns, load_language, load_patterns

POSITIVE, NEGATIVE, UNCERTAIN = "positive", "negative", "uncertain"


def capital(text: str) -> str:
    """The text with its first letter upper-case."""
    return text[:1].upper() + text[1:]


def english_forms(noun: str, adjectives: Sequence[str] = ()) -> dict[str, str]:
    """Pattern fields of an English noun: ``a`` with its article, ``n`` without."""
    words = noun.replace("{adj}", " " + ", ".join(adjectives) if adjectives else "")
    article, _, rest = words.partition(" ")
    if article not in ("a", "an"):
        return {"a": words, "n": words}
    return {"a": f"{'an' if rest[0] in 'aeiouAEIO' else 'a'} {rest}", "n": rest}


def german_forms(noun: str, adjectives: Sequence[str] = ()) -> dict[str, str]:
    """Pattern fields of a German noun: ``ein``, ``n`` (bare), ``gen`` (genitive with article) and ``kein``."""
    nominative, _, genitive = noun.partition("|")
    genitive = genitive or nominative.replace("eine", "einer", 1)
    nominative = nominative.replace("{adj}", " " + ", ".join(adjectives) if adjectives else "")
    weak = [f"{adjective}n" for adjective in adjectives]
    genitive = genitive.replace("{adj}", " " + ", ".join(weak) if weak else "")
    return {"ein": nominative, "n": nominative.partition(" ")[2], "gen": genitive, "kein": f"k{nominative}"}


def enumerated(items: Sequence[str], last: str) -> str:
    """Items joined by commas, and by a word before the last."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


@dataclass(frozen=True, slots=True)
class Voice:
    """A radiologist: language, style (``prose`` or ``terse``) and the words of the region."""

    code: str
    style: str
    language: Language
    patterns: Patterns

    def pick(self, options: Sequence[str], rng: np.random.Generator) -> str:
        """One of the options, at random; empty text where there is none."""
        return options[int(rng.integers(len(options)))] if options else ""

    def fill(self, pattern: str, fields: dict[str, str]) -> str:
        """A pattern with its fields, of which those written ``{A}`` are capitalised."""
        values = {**fields, **{capital(name): capital(value) for name, value in fields.items()}}
        return capital(pattern.format(**values))

    def forms(self, noun: str, adjectives: Sequence[str] = ()) -> dict[str, str]:
        """Pattern fields of a noun."""
        return (english_forms if self.code == "en" else german_forms)(noun, adjectives)

    def affirm(
        self, finding: str, state: str, rng: np.random.Generator, *, adjectives: Sequence[str] = (), short: bool = False
    ) -> str:
        """A sentence by which a finding is there, or is perhaps there."""
        words = self.language.findings[finding]
        sentences = words.positive if state == POSITIVE else words.uncertain
        patterns = self.patterns.positive if state == POSITIVE else self.patterns.uncertain
        use_sentence = rng.random() < (0.25 if short else 0.5)
        if sentences and not adjectives and (use_sentence or not words.nouns):
            return self.pick(sentences, rng)
        noun = self.pick([n for n in words.nouns if "{adj}" in n] if adjectives else words.nouns, rng)
        pattern = self.pick(patterns["terse" if short else self.style], rng)
        return self.fill(pattern, self.forms(noun, adjectives))

    def takes_adjectives(self, finding: str) -> bool:
        """Whether adjectives can be put before the finding's nouns."""
        return any("{adj}" in noun for noun in self.language.findings[finding].nouns)

    def deny(self, findings: Sequence[str], rng: np.random.Generator) -> str:
        """A sentence by which none of the findings is there."""
        if len(findings) == 1 and rng.random() < 0.5 and self.language.findings[findings[0]].negative:
            return self.pick(self.language.findings[findings[0]].negative, rng)
        chosen = [self.forms(self.pick(self._denied(finding), rng)) for finding in findings]
        bare = [forms["n"] for forms in chosen]
        if self.code == "en":
            joined = enumerated(bare, ", or" if len(bare) > 2 and rng.random() < 0.3 else "or").replace(" , or", ", or")
            fields = {"list": joined}
        else:
            with_article = [forms["kein"] for forms in chosen]
            loose = [with_article[0], *bare[1:]] if len({w.split()[0] for w in with_article}) == 1 else with_article
            keinlist = enumerated(loose, "oder") if loose is not with_article else ", ".join(with_article)
            fields = {
                "nlist": enumerated(bare, "oder"),
                "genlist": enumerated([forms["gen"] for forms in chosen], "oder"),
                "keinlist": keinlist,
            }
        return self.fill(self.pick(self.patterns.negative[self.style], rng), fields)

    def can_deny(self, finding: str, *, alone: bool) -> bool:
        """Whether there are words to deny a finding, alone or in an enumeration."""
        return bool(self._denied(finding)) or (alone and bool(self.language.findings[finding].negative))

    def _denied(self, finding: str) -> tuple[str, ...]:
        words = self.language.findings[finding]
        return words.nouns if words.denied is None else words.denied


def load_voices(region: str) -> dict[tuple[str, str], Voice]:
    """Every voice that reports on a region, by language and style."""
    return {
        (code, style): Voice(code, style, load_language(region, code), load_patterns(code))
        for code in ("en", "de")
        for style in ("prose", "terse")
    }
