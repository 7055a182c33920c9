"""What a modifier reaches, as it is shown: where each ends, and which parts of a report are read at all."""

from __future__ import annotations

import pytest

from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import Explanation, RuleLabeler

LABELER = RuleLabeler(load_region("chest"))


def explain(**sections: str) -> Explanation:
    explanation = LABELER.explain(Report("r", sections))
    assert explanation is not None
    return explanation


@pytest.mark.parametrize(
    ("sentence", "scopes"),
    [
        ("No effusion or pneumothorax.", [("No", "after", None)]),
        ("No effusion or pneumothorax but mild edema.", [("No", "after", "but")]),
        ("Clear lungs without effusion with cardiomegaly.", [("without", "after", "with")]),
        ("Edema and effusion not seen.", [("not seen", "before", None)]),
        ("Mild edema, effusion unlikely.", [("unlikely", "before", ",")]),
        ("Mild edema, effusion or pneumothorax unlikely.", [("unlikely", "before", None)]),
        ("The weather was not nice but fair.", []),
    ],
)
def test_a_modifier_reaches_to_the_boundary_that_ends_it(
    sentence: str, scopes: list[tuple[str, str, str | None]]
) -> None:
    found = explain(report=sentence).outline.scopes[0]
    shown = [
        (sentence[s.use.start : s.use.end], s.direction, s.end and sentence[s.end.start : s.end.end]) for s in found
    ]
    assert shown == scopes


def test_every_character_of_a_section_belongs_to_one_stretch() -> None:
    text = "Mild edema.\nIndication: pneumonia?\nFindings: No effusion.\nADDENDUM: Small effusion.\nImpression: Edema."
    stretches = explain(report=text).outline.stretches["report"]
    assert "".join(text[s.heading : s.end] for s in stretches) == text
    assert [(text[s.heading : s.start], s.part) for s in stretches] == [
        ("", "body"), ("Indication:", None), ("Findings:", "body"), ("ADDENDUM:", "addendum"),
        ("Impression:", "addendum"),
    ]  # fmt: skip


def test_a_section_that_is_not_read_has_no_stretches() -> None:
    outline = explain(indication="Pneumonia?", findings="Normal.").outline
    assert (outline.stretches["indication"], len(outline.stretches["findings"])) == ((), 1)


@pytest.mark.parametrize(
    ("region", "sentence", "unsaid"),
    [
        ("chest", "Small pericardial effusion.", [("pleural_effusion", "pericardial effusion", True)]),
        ("chest", "Small effusion.", []),
        ("elbow", "No displaced fracture.", [("fracture", "fracture", False)]),
        ("elbow", "No fracture.", []),
    ],
)
def test_words_that_name_a_finding_and_claim_nothing_of_it_are_known(
    region: str, sentence: str, unsaid: list[tuple[str, str, bool]]
) -> None:
    explanation = RuleLabeler(load_region(region)).explain(Report("r", {"report": sentence}))
    assert explanation is not None
    (found,) = explanation.outline.unsaid
    assert [(one.finding, sentence[one.start : one.end], one.is_look_alike) for one in found] == unsaid
