from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radprompter.errors import TemplateError
from radprompter.prompting.sections import HEADINGS, choose_sections, left_out, section_title, split_sections
from radprompter.records import Report

MIMIC_LIKE = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  Cough.

 COMPARISON:  None.

 FINDINGS:

 The lungs are clear. Impression of a nodule is due to the nipple.

 IMPRESSION:

 No pneumonia.
"""


def parts(text: str) -> list[tuple[str, str]]:
    return [(part.name, text[part.start : part.end].strip()) for part in split_sections(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            MIMIC_LIKE,
            [
                ("report", "FINAL REPORT"),
                ("examination", "CHEST (PA AND LAT)"),
                ("indication", "Cough."),
                ("comparison", "None."),
                ("findings", "The lungs are clear. Impression of a nodule is due to the nipple."),
                ("impression", "No pneumonia."),
            ],
        ),
        (
            "Indikation: Sturz.\nVoraufnahmen: Keine.\nBefund:\nKeine Fraktur.\nBeurteilung: Unauffällig.",
            [("indication", "Sturz."), ("comparison", "Keine."), ("findings", "Keine Fraktur."),
             ("impression", "Unauffällig.")],
        ),
        (
            "INDICATION: Pain. FINDINGS: No fracture. IMPRESSION: Normal.",
            [("indication", "Pain."), ("findings", "No fracture."), ("impression", "Normal.")],
        ),
        (
            "Klinische Angaben: Sturz. Befund: Kein Erguss. Beurteilung: o. B.",
            [("indication", "Sturz."), ("findings", "Kein Erguss."), ("impression", "o. B.")],
        ),
        ("**Findings:** Clear.\n## Impression\nNormal.", [("findings", "Clear."), ("impression", "Normal.")]),
        ("FINDINGS / IMPRESSION: Clear.", [("findings_impression", "Clear.")]),
        ("Befund und Beurteilung:\nKein Erguss.", [("findings_impression", "Kein Erguss.")]),
        ("No fracture. The findings: see above.", [("report", "No fracture. The findings: see above.")]),
        ("Findings as before.\nHistory of fracture.", [("report", "Findings as before.\nHistory of fracture.")]),
        ("", [("report", "")]),
    ],
)  # fmt: skip
def test_free_text_is_split_at_its_headings(text: str, expected: list[tuple[str, str]]) -> None:
    assert parts(text) == expected


HEADING_WORDS = [heading for names in HEADINGS.values() for headings in names.values() for heading in headings]


@pytest.mark.parametrize("heading", HEADING_WORDS)
def test_every_known_heading_is_found_in_any_case(heading: str) -> None:
    name = next(n for names in HEADINGS.values() for n, headings in names.items() if heading in headings)
    for written in (heading.upper(), heading.capitalize(), heading):
        assert parts(f"{written}: Words.") == [(name, "Words.")]


@given(
    st.lists(st.one_of(st.text(max_size=20), st.sampled_from(HEADING_WORDS), st.sampled_from("\n:. /")), max_size=15)
)
def test_every_character_of_a_text_is_in_exactly_one_part(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = split_sections(text)
    assert found[0].heading == 0
    assert found[-1].end == len(text)
    assert all(left.end == right.heading for left, right in itertools.pairwise(found))
    assert all(part.heading <= part.start <= part.end for part in found)


DIVIDED = Report("1", {"indication": "Fall.", "findings": "No fracture.", "impression": "Normal."})


@pytest.mark.parametrize(
    ("report", "choice", "sections"),
    [
        (DIVIDED, "whole", {"indication": "Fall.", "findings": "No fracture.", "impression": "Normal."}),
        (DIVIDED, "findings", {"findings": "No fracture."}),
        (DIVIDED, "impression", {"impression": "Normal."}),
        (Report("1", {"findings": "No fracture."}), "impression", {}),
        (Report("1", {"report": "No fracture."}), "findings", {}),
        (Report("1", {"report": "FINDINGS: Clear.\nIMPRESSION: Normal."}), "impression", {"impression": "Normal."}),
        (Report("1", {"text": "FINDINGS/IMPRESSION: Clear."}), "findings", {"findings": "Clear."}),
        (Report("1", {"report": "FINDINGS: One.\nADDENDUM\nFINDINGS: Two."}), "findings",
         {"findings": "One.\nADDENDUM\nTwo."}),
    ],
)  # fmt: skip
def test_only_the_chosen_sections_are_read(report: Report, choice: str, sections: dict[str, str]) -> None:
    chosen = choose_sections(report, choice)  # type: ignore[arg-type]
    assert dict(chosen.sections) == sections
    assert (chosen.id, chosen.language) == (report.id, report.language)


def test_an_unknown_choice_is_refused_with_the_probable_one() -> None:
    with pytest.raises(TemplateError, match="did you mean 'impression'"):
        choose_sections(DIVIDED, "impressions")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "language", "title"),
    [
        ("findings", "en", "FINDINGS"),
        ("findings", "de", "BEFUND"),
        ("impression", "de", "BEURTEILUNG"),
        ("report", "en", ""),
        ("gross_description", "en", "GROSS DESCRIPTION"),
    ],
)
def test_headings_of_a_prompt_are_in_its_language(name: str, language: str, title: str) -> None:
    assert section_title(name, language) == title


def test_real_reports_written_as_one_text_are_divided_as_they_were(shared: Path) -> None:
    names = ("indication", "comparison", "findings", "impression")
    with (shared / "data/iu_reports/reports.csv").open(encoding="utf-8") as file:
        rows = [{name: row[name].strip() for name in names if row[name].strip()} for row in csv.DictReader(file)]
    texts = ["\n".join(f"{name.upper()}: {words}" for name, words in row.items()) for row in rows]
    wrong = sum(parts(text) != list(row.items()) for text, row in zip(texts, rows, strict=True) if row)
    assert len(rows) > 2000
    assert wrong == 1  # its indication holds a heading, `COMPARISON :`, of its own


@pytest.mark.parametrize(
    ("sections", "choice", "rest"),
    [
        ({"findings": "A", "impression": "B"}, "whole", {}),
        ({"findings": "A", "impression": "B"}, "impression", {"findings": "A"}),
        ({"report": "INDICATION: C\nFINDINGS: A\nIMPRESSION: B"}, "findings", {"indication": "C", "impression": "B"}),
        ({"report": "FINDINGS: A\nTECHNIQUE: D\nFINDINGS: E"}, "impression", {"findings": "A\nE", "technique": "D"}),
        ({"report": "FINDINGS AND IMPRESSION: A"}, "findings", {}),
        ({"report": "A"}, "impression", {"report": "A"}),
    ],
)
def test_what_is_not_chosen_of_a_report_is_left_out(
    sections: dict[str, str], choice: Any, rest: dict[str, str]
) -> None:
    report = Report("r", sections)
    assert left_out(report, choice) == rest
    assert not set(left_out(report, choice)) & set(choose_sections(report, choice).sections)
