"""Sentences as radiologists write them, in every region and language, and what may not change their labels."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from rules_said import decide

FILES = sorted((Path(__file__).parent / "sentences").glob("*.yaml"))
STATES = ("positive", "negative", "uncertain")
AT_LEAST = 12
NEUTRAL = {"en": "Two views were obtained.", "de": "Aufnahmen in zwei Ebenen."}
SIGNED = {
    "en": "Dictated by Dr. Miller on 03/04/2021 at 7:34 p.m.",
    "de": "Diktiert von Dr. Müller am 03.04.2021 um 7:34 Uhr.",
}
MASKED = {
    "en": "Dictated by Dr. {0} on {0} at {0}, compared with the film of {0}.",
    "de": "Diktiert von Dr. {0} am {0} um {0}, verglichen mit der Aufnahme vom {0}.",
}
MASKS = ("XXXX", "[**Name**]", "___", "<NAME>")
NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,:/x-]\d+)*(?:\.(?= \w))?(?!\w)")  # not that of `T12`
SERIAL_COMMA = re.compile(r",(?= (?:and|or|but|nor|und|oder|aber|jedoch|sondern)\b)", re.IGNORECASE)


@functools.cache
def labels(region: str, language: str, text: str) -> dict[str, str]:
    return {name: str(decision.state) for name, decision in decide(region, language, text).items()}


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


def _signed(mask: str, text: str, language: str) -> str:
    return f"{text} {MASKED[language].format(mask)}"


def _without_numbers(mask: str, text: str, language: str) -> str:
    return NUMBER.sub(lambda match: mask, text)


CHANGES: dict[str, Callable[[str, str], str]] = {
    "upper case": lambda text, language: text.upper(),
    "no full stop": lambda text, language: text.rstrip(". "),
    "no serial comma": lambda text, language: SERIAL_COMMA.sub("", text),
    "two spaces": lambda text, language: text.replace(" ", "  "),
    "a neutral sentence before": lambda text, language: f"{NEUTRAL[language]} {text}",
    "a neutral sentence behind": lambda text, language: f"{text} {NEUTRAL[language]}",
    "a paragraph behind, without a full stop": lambda text, language: f"{text.rstrip('. ')}\n\n{NEUTRAL[language]}",
    "a heading": lambda text, language: {"en": "FINDINGS: ", "de": "BEFUND: "}[language] + text,
    "a list": lambda text, language: f"1. {text}\n2. {NEUTRAL[language]}",
    "name and date": lambda text, language: f"{text} {SIGNED[language]}",
    **{f"name and date {mask}": functools.partial(_signed, mask) for mask in MASKS},
    **{f"numbers {mask}": functools.partial(_without_numbers, mask) for mask in MASKS},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_means_nothing_changes_no_label(change: str) -> None:
    changed = []
    for region, language, _, _, text in SENTENCES:
        other = CHANGES[change](text, language)
        if labels(region, language, other) != labels(region, language, text):
            changed.append((region, language, text))
    assert changed == []


# region | one sentence | the same in two: the labels are the same
TWO_SENTENCES = {
    "en": """
chest | No pneumothorax or pleural effusion. | No pneumothorax. No pleural effusion.
chest | No edema, consolidation, or atelectasis. | No edema. No consolidation or atelectasis.
chest | No effusion or consolidation but mild edema. | No effusion or consolidation. Mild edema.
chest | Cardiomegaly without edema. | Cardiomegaly. No edema.
chest | Small left effusion with adjacent atelectasis. | Small left effusion. Adjacent atelectasis.
chest | The heart is enlarged and there is a right effusion. | The heart is enlarged. There is a right effusion.
chest | The heart size is normal and the lungs are clear. | The heart size is normal. The lungs are clear.
chest | Heart size and mediastinal contours are normal. | Heart size is normal. Mediastinal contours are normal.
chest | The lungs are clear, and no pneumothorax is seen. | The lungs are clear. No pneumothorax is seen.
chest | Lungs are clear without effusion. | Lungs are clear. No effusion.
chest | Left basilar opacity, which may represent pneumonia. | Left basilar opacity. This may represent pneumonia.
chest | Opacity at the right base, possibly atelectasis. | Opacity at the right base. Possibly atelectasis.
chest | The effusion has resolved, but edema persists. | The effusion has resolved. Edema persists.
chest | The chest tube has been removed without pneumothorax. | The chest tube has been removed. No pneumothorax.
chest | Possible pneumonia; small effusion. | Possible pneumonia. Small effusion.
chest | No focal opacity to suggest pneumonia. | No focal opacity. No pneumonia.
chest | Neither effusion nor pneumothorax is seen. | Effusion is not seen. Pneumothorax is not seen.
chest | Except for a calcified granuloma, the lungs are clear. | There is a calcified granuloma. The lungs are clear.
chest | No rib fracture, however there is a small pneumothorax. | No rib fracture. There is a small pneumothorax.
chest | Stable cardiomegaly, no overt edema. | Stable cardiomegaly. No overt edema.
chest | A 2.5 cm nodule is seen and T12 is fractured. | A 2.5 cm nodule is seen. T12 is fractured.
chest | Effusion and consolidation have resolved. | Effusion has resolved. Consolidation has resolved.
chest | Possible effusion or pleural thickening. | Possible effusion. Possible pleural thickening.
chest | Costophrenic angles are sharp and the heart is normal. | Costophrenic angles are sharp. The heart is normal.
chest | ET tube in place, no effusion, bibasilar atelectasis. | ET tube in place. No effusion. Bibasilar atelectasis.
chest | Old rib fractures but no acute fracture or effusion. | Old rib fractures. No acute fracture. No effusion.
chest | No pneumothorax following removal of the chest tube. | No pneumothorax. The chest tube has been removed.
chest | The heart is borderline enlarged with clear lungs. | The heart is borderline enlarged. Clear lungs.
elbow | No fracture or dislocation, but a joint effusion. | No fracture or dislocation. There is a joint effusion.
elbow | Radial head fracture without displacement. | Radial head fracture. No displacement.
clavicle | Midshaft clavicle fracture with shortening. | Midshaft clavicle fracture. There is shortening.
thumb | No fracture, subluxation or foreign body. | No fracture. No subluxation. No foreign body.
""",
    "de": """
chest | Kein Pneumothorax oder Pleuraerguss. | Kein Pneumothorax. Kein Pleuraerguss.
chest | Kein Infiltrat oder Erguss, jedoch Kardiomegalie. | Kein Infiltrat oder Erguss. Kardiomegalie.
chest | Kardiomegalie ohne Lungenödem. | Kardiomegalie. Kein Lungenödem.
chest | Das Herz ist normal groß und die Lungen sind frei. | Das Herz ist normal groß. Die Lungen sind frei.
chest | Kleiner Pleuraerguss links, kein Pneumothorax. | Kleiner Pleuraerguss links. Kein Pneumothorax.
chest | Weder Erguss noch Infiltrat. | Kein Erguss. Kein Infiltrat.
chest | Verschattung rechts basal, am ehesten Pneumonie. | Verschattung rechts basal. Am ehesten Pneumonie.
chest | V. a. Pneumonie rechts, kein Erguss. | V. a. Pneumonie rechts. Kein Erguss.
chest | Der Erguss ist rückläufig, aber das Ödem besteht. | Der Erguss ist rückläufig. Das Ödem besteht.
chest | Die Thoraxdrainage wurde entfernt, kein Pneumothorax. | Die Thoraxdrainage wurde entfernt. Kein Pneumothorax.
chest | Atelektase links basal und Pleuraerguss beidseits. | Atelektase links basal. Pleuraerguss beidseits.
chest | Kein Erguss; Herzschrittmacher in regelrechter Lage. | Kein Erguss. Herzschrittmacher in regelrechter Lage.
chest | Alte Rippenfraktur rechts, kein Rundherd. | Alte Rippenfraktur rechts. Kein Rundherd.
elbow | Keine Fraktur oder Luxation, jedoch Gelenkerguss. | Keine Fraktur oder Luxation. Gelenkerguss.
elbow | Radiuskopffraktur ohne Dislokation. | Radiuskopffraktur. Keine Dislokation.
clavicle | Laterale Klavikulafraktur, keine Luxation. | Laterale Klavikulafraktur. Keine Luxation.
thumb | Keine Fraktur, keine Subluxation. | Keine Fraktur. Keine Subluxation.
""",
}
SPLIT = [
    (language, *(part.strip() for part in line.split("|")))
    for language, table in TWO_SENTENCES.items()
    for line in table.strip().splitlines()
]


@pytest.mark.parametrize(("language", "region", "one", "two"), SPLIT, ids=[row[2] for row in SPLIT])
def test_two_sentences_say_what_one_says(language: str, region: str, one: str, two: str) -> None:
    assert labels(region, language, one) == labels(region, language, two)
    said = {name: state for name, state in labels(region, language, one).items() if name != "no_finding"}
    assert set(said.values()) != {"not_mentioned"}
