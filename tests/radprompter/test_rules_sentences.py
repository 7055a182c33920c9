"""Sentences as radiologists write them, in every region and language, and what may not change their labels."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

FILES = sorted((Path(__file__).parent / "sentences").glob("*.yaml"))
STATES = ("positive", "negative", "uncertain")
AT_LEAST = 12
NEUTRAL = {"en": "Two views were obtained.", "de": "Aufnahmen in zwei Ebenen."}
SIGNED = {
    "en": "Dictated by Dr. XXXX on 03/04/2021 at 7:34 p.m.",
    "de": "Diktiert von Dr. XXXX am 03.04.2021 um 7:34 Uhr.",
}
SIGNED_ELSE = {"en": "Dictated by Dr. Miller on XXXX at XXXX.", "de": "Diktiert von Dr. Müller am XXXX um XXXX."}
SERIAL_COMMA = re.compile(r",(?= (?:and|or|but|nor|und|oder|aber|jedoch|sondern)\b)", re.IGNORECASE)


@functools.cache
def labeler(region: str) -> RuleLabeler:
    return RuleLabeler(load_region(region))


def labels(region: str, language: str, text: str) -> dict[str, str]:
    decisions = labeler(region).label(Report("r", {"report": text}, language))
    assert decisions is not None
    return {name: str(decision.state) for name, decision in decisions.items()}


def sentences() -> Iterator[tuple[str, str, str, str, str]]:
    for path in FILES:
        region, language = path.name.split(".")[:2]
        for finding, states in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            for state, texts in states.items():
                for text in texts:
                    yield region, language, finding, state, text


SENTENCES = list(sentences())
IDS = [f"{region}-{language}-{finding}: {text}" for region, language, finding, _, text in SENTENCES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_state_of_every_listed_finding_has_enough_different_sentences(path: Path) -> None:
    for finding, states in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
        assert set(states) <= set(STATES), finding
        for state, texts in states.items():
            assert len({re.sub(r"\W+", " ", text).lower() for text in texts}) >= AT_LEAST, (finding, state)


@pytest.mark.parametrize(("region", "language", "finding", "state", "text"), SENTENCES, ids=IDS)
def test_a_sentence_gives_the_finding_its_state(
    region: str, language: str, finding: str, state: str, text: str
) -> None:
    assert labels(region, language, text)[finding] == state


CHANGES: dict[str, Callable[[str, str], str]] = {
    "upper case": lambda text, language: text.upper(),
    "no full stop": lambda text, language: text.rstrip(". "),
    "no serial comma": lambda text, language: SERIAL_COMMA.sub("", text),
    "two spaces": lambda text, language: text.replace(" ", "  "),
    "a neutral sentence before": lambda text, language: f"{NEUTRAL[language]} {text}",
    "a neutral sentence behind": lambda text, language: f"{text} {NEUTRAL[language]}",
    "a heading": lambda text, language: {"en": "FINDINGS: ", "de": "BEFUND: "}[language] + text,
    "a list": lambda text, language: f"1. {text}\n2. {NEUTRAL[language]}",
    "name and date": lambda text, language: f"{text} {SIGNED[language]}",
    "other name and date": lambda text, language: f"{text} {SIGNED_ELSE[language]}",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_means_nothing_changes_no_label(change: str) -> None:
    changed = []
    for region, language, _, _, text in SENTENCES:
        other = CHANGES[change](text, language)
        if labels(region, language, other) != labels(region, language, text):
            changed.append((region, language, text))
    assert changed == []
