from __future__ import annotations

from pathlib import Path

import pytest

from radprompter.errors import TemplateError
from radprompter.prompting import load_template
from radprompter.records import Report

REGION = """
title: {en: Wrist, de: Handgelenk}
schema: wrist-2
findings:
  fracture:
    title: {en: Fracture, de: Fraktur}
    definition: {en: Any break of a bone., de: Jeder Knochenbruch.}
  scaphoid_fracture:
    title: {en: Scaphoid fracture, de: Skaphoidfraktur}
    definition: {en: A break of the scaphoid., de: Ein Bruch des Skaphoids.}
    implies: [fracture]
"""


@pytest.fixture
def wrist(tmp_path: Path) -> Path:
    folder = tmp_path / "wrist"
    folder.mkdir()
    (folder / "region.yaml").write_text(REGION)
    return folder


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("one\n{{ findngs }}", r"report\.en\.jinja:2: undefined variable 'findngs'; did you mean 'findings'\?"),
        (
            "{% if report.language == 'fr' %}\n\n{{ typo }}{% endif %}",
            r"report\.en\.jinja:3: undefined variable 'typo'",
        ),
        ("\n{{ report.tekst }}", r"report\.en\.jinja:2: undefined 'tekst' of a report; did you mean 'text'\?"),
        (
            "{% for f in findings %}{{ f.titel | json }}{% endfor %}",
            r":1: undefined 'titel' of a finding; did you",
        ),
        ("{{ spelling.maybe }}", r":1: undefined 'maybe' of a dict; known: negative, not_mentioned, positive"),
        ("{% for f in findings %}\n", r"report\.en\.jinja:\d: Unexpected end of template"),
        ("{{ findings | shuffle }}", r"report\.en\.jinja:1: No filter named 'shuffle'"),
        ("{{ findings | random }}", r"report\.en\.jinja:1: No filter named 'random'"),
        ("\n{{ report.text.__class__.__mro__ }}", r"report\.en\.jinja:2: \w+ while rendering|:2: access to attribute"),
        ("\n{{ 1 // 0 }}", r"report\.en\.jinja:2: ZeroDivisionError while rendering"),
        ('{% include "rapport.jinja" %}', r"report\.en\.jinja: no template 'rapport\.jinja'; did you mean 'report"),
        ('{% include "r" ~ language %}', r"report\.en\.jinja: computes the name of a template"),
        ('{% include "report.en.jinja" %}', "in a circle"),
        ("Please answer.", r"no message contains the whole report"),
    ],
)
def test_a_faulty_template_is_refused_before_the_first_report(wrist: Path, template: str, message: str) -> None:
    (wrist / "report.en.jinja").write_text(template)
    with pytest.raises(TemplateError, match=message):
        load_template(str(wrist))


def test_a_system_text_cannot_depend_on_the_report(wrist: Path) -> None:
    (wrist / "zero_shot.en.jinja").write_text("Read {{ report.text }}")
    with pytest.raises(TemplateError, match=r"undefined variable 'report' .only user messages know the report"):
        load_template(str(wrist))


def test_an_error_on_a_real_report_does_not_quote_it(wrist: Path) -> None:
    (wrist / "report.en.jinja").write_text("{{ report.text }}{% if 'Meier' in report.text %}{{ report.text | int }}"
                                           "{{ {}[report.text] }}{% endif %}")  # fmt: skip
    template = load_template(str(wrist))
    with pytest.raises(TemplateError) as caught:
        template.render(Report("r", {"report": "Patient Meier, 54"}))
    assert "Meier" not in str(caught.value)
    assert "report.en.jinja:1: undefined value" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "zeroshot"}, "unknown strategy 'zeroshot'; did you mean 'zero_shot'"),
        ({"sections": "finding"}, "unknown sections 'finding'; did you mean 'findings'"),
        ({"language": "fr"}, "unknown language 'fr'; known: en, de"),
    ],
)
def test_an_unknown_choice_says_what_was_meant(wrist: Path, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        load_template(str(wrist), **arguments)  # type: ignore[arg-type]


def test_a_language_without_texts_names_the_first_that_lacks(wrist: Path) -> None:
    (wrist / "region.yaml").write_text(REGION.replace(", de: Skaphoidfraktur", ""))
    with pytest.raises(TemplateError, match=r"no 'de' text for findings\.scaphoid_fracture\.title; add it"):
        load_template(str(wrist), language="de")
