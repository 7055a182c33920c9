"""The phantom's words: truth by construction, in both languages, for every finding."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from radprompter.labels import LABELS, LabelState
from radprompter.phantom.anatomy import SITES, Anatomy, closure, load_anatomy, load_language
from radprompter.phantom.cases import Case, draw_patient
from radprompter.phantom.reports import WrittenReport, write_report
from radprompter.phantom.truth import perfect_reading
from radprompter.phantom.wording import english_forms, enumerated, german_forms, load_voices
from radprompter.region import load_region

REGIONS = ("chest", "clavicle", "elbow", "thumb")
POSITIVE, NEGATIVE, UNCERTAIN, SILENT = LABELS


@cache
def written(region: str) -> tuple[tuple[Case, WrittenReport], ...]:
    anatomy, voices = load_anatomy(region), load_voices(region)
    return tuple(
        (case, write_report(case, anatomy, voices))
        for site, patients in zip(SITES, (400, 160), strict=True)
        for index in range(patients)
        for case in draw_patient(anatomy, region, site=site, index=index, seed=7)
    )


@pytest.mark.parametrize("region", REGIONS)
def test_findings_are_those_of_the_region_in_its_order(region: str) -> None:
    names = tuple(load_anatomy(region).findings)
    schema = load_region(region).schema.names
    assert names == (schema if region != "chest" else (*schema, "rib_fracture"))


@pytest.mark.parametrize("region", ["clavicle", "elbow", "thumb"])
def test_what_implies_what_is_as_the_region_says(region: str) -> None:
    anatomy, findings = load_anatomy(region), load_region(region).findings
    for name in anatomy.findings:
        implied = set(closure(anatomy, (name,))) - {name}
        assert implied == set(findings[name].implies), name


@pytest.mark.parametrize("region", REGIONS)
def test_every_finding_is_reported_in_every_state(region: str) -> None:
    counts = {
        name: Counter(report.truth[name] for _, report in written(region)) for name in load_anatomy(region).findings
    }
    for name, count in counts.items():
        states = (POSITIVE, SILENT) if name == "no_finding" else LABELS
        assert all(count[state] for state in states), (name, count)
        assert set(count) == set(states), name


@pytest.mark.parametrize("region", REGIONS)
def test_what_a_report_states_is_there_and_what_it_denies_is_not(region: str) -> None:
    for case, report in written(region):
        for name, state in report.truth.items():
            if state is POSITIVE:
                assert name in case.present, (case.study_id, name)
            elif state is NEGATIVE:
                assert name not in case.present, (case.study_id, name)


@pytest.mark.parametrize("region", REGIONS)
def test_nothing_that_is_there_is_passed_over(region: str) -> None:
    for case, report in written(region):
        for name in case.present:
            assert report.truth[name] in (POSITIVE, UNCERTAIN) or name == "no_finding", (case.study_id, name)


@pytest.mark.parametrize("region", REGIONS)
def test_some_uncertain_findings_are_there_and_some_are_not(region: str) -> None:
    uncertain = [
        name in case.present for case, report in written(region) for name, s in report.truth.items() if s is UNCERTAIN
    ]
    assert 0.2 < np.mean(uncertain) < 0.8
    stated = sum(state is POSITIVE for _, report in written(region) for state in report.truth.values())
    assert 0.03 < sum(uncertain) / stated < 0.15


@pytest.mark.parametrize("region", REGIONS)
def test_what_is_common_is_visible_and_what_is_not_visible_is_rare(region: str) -> None:
    anatomy = load_anatomy(region)
    for site in SITES:
        cases = [case for case, _ in written(region) if case.site == site]
        for name, finding in anatomy.findings.items():
            share = np.mean([name in case.present for case in cases])
            if not finding.visible:
                assert share < 0.05, (site, name, share)  # fewer than 10 positives in either test set
            elif name not in ("no_finding",):
                assert 0.09 < share < 0.72, (site, name, share)


@pytest.mark.parametrize("region", REGIONS)
def test_prevalence_differs_by_site(region: str) -> None:
    anatomy = load_anatomy(region)
    common = [finding for finding in anatomy.findings.values() if finding.visible and finding.prevalence != (0.0, 0.0)]
    assert np.mean([abs(f.prevalence[0] - f.prevalence[1]) for f in common]) > 0.025


@pytest.mark.parametrize("region", REGIONS)
def test_each_site_writes_mostly_its_own_language_and_some_of_the_other(region: str) -> None:
    german = {site: np.mean([r.language == "de" for c, r in written(region) if c.site == site]) for site in SITES}
    assert 0.08 < german["alpha"] < 0.25
    assert 0.7 < german["beta"] < 0.9


@pytest.mark.parametrize("seed", [1, 99])
@pytest.mark.parametrize("region", REGIONS)
def test_every_report_has_words_and_no_pattern_is_left_unfilled(region: str, seed: int) -> None:
    anatomy, voices = load_anatomy(region), load_voices(region)
    patients = [draw_patient(anatomy, region, site=site, index=n, seed=seed) for site in SITES for n in range(200)]
    for report in (write_report(case, anatomy, voices) for cases in patients for case in cases):
        text = f"{report.findings} {report.impression}".strip()
        assert text
        assert not set("{}|") & set(text), text


@pytest.mark.parametrize("region", REGIONS)
def test_reports_are_as_varied_as_dictated_ones(region: str) -> None:
    texts = [f"{report.findings} {report.impression}" for _, report in written(region)]
    assert len(set(texts)) > 0.85 * len(texts)


@pytest.mark.parametrize("code", ["en", "de"])
@pytest.mark.parametrize("region", REGIONS)
def test_every_finding_has_words_for_what_can_be_said_of_it(region: str, code: str) -> None:
    anatomy, language = load_anatomy(region), load_language(region, code)
    assert tuple(language.findings) == tuple(anatomy.findings)
    for name, words in language.findings.items():
        if name == "no_finding":
            continue
        assert words.nouns or (words.positive and words.uncertain), name
        ways = len(words.nouns) * 7 + len(words.positive)  # seven patterns of prose
        assert ways >= (6 if anatomy.findings[name].visible else 2), name
        for sentence in (*words.positive, *words.uncertain, *words.negative, *words.resolved):
            assert sentence.endswith(".") and sentence[0] != ",", sentence
        for noun in (*words.nouns, *(words.denied or ())):
            assert not noun.endswith("."), noun
            assert code == "en" or noun.startswith(("ein ", "eine ", "eine{adj} ")), noun


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{"effusion": "negative"}, {"effusion": "uncertain"}], {"effusion": UNCERTAIN}),
        ([{"effusion": "positive"}, {"effusion": "negative"}], {"effusion": POSITIVE}),
        ([{"radial_head_fracture": "positive"}], {"radial_head_fracture": POSITIVE, "fracture": POSITIVE}),
        ([{"fracture": "negative"}, {"olecranon_fracture": "uncertain"}],
         {"olecranon_fracture": UNCERTAIN, "fracture": UNCERTAIN}),
        ([{"radial_head_fracture": "negative"}], {"radial_head_fracture": NEGATIVE}),
        ([{"fracture": "negative"}], {"fracture": NEGATIVE}),
        ([], {}),
    ],
)  # fmt: skip
def test_a_perfect_reader_weighs_statements(statements: list[dict[str, str]], expected: dict[str, LabelState]) -> None:
    reading = perfect_reading(load_anatomy("elbow"), statements)
    assert {name: state for name, state in reading.items() if state is not SILENT} == expected


@pytest.mark.parametrize(
    ("statements", "no_finding"),
    [
        ([], POSITIVE),
        ([{"cardiomegaly": "negative"}], POSITIVE),
        ([{"support_devices": "positive"}], POSITIVE),
        ([{"cardiomegaly": "uncertain"}], SILENT),
        ([{"no_finding": "blocked"}], SILENT),
    ],
)
def test_no_finding_is_positive_only_beside_nothing_but_devices(
    statements: list[dict[str, str]], no_finding: LabelState
) -> None:
    assert perfect_reading(load_anatomy("chest"), statements)["no_finding"] is no_finding


def test_a_bennett_fracture_is_a_metacarpal_fracture_into_the_joint() -> None:
    reading = perfect_reading(load_anatomy("thumb"), [{"bennett_fracture": "positive"}])
    found = [name for name, state in reading.items() if state is POSITIVE]
    assert found == ["fracture", "metacarpal_fracture", "bennett_fracture", "intraarticular_extension"]


def test_denying_rib_fractures_denies_fractures_in_the_chest() -> None:
    reading = perfect_reading(load_anatomy("chest"), [{"rib_fracture": "negative"}])
    assert reading["fracture"] is NEGATIVE


@pytest.mark.parametrize(
    ("noun", "adjectives", "with_article", "bare"),
    [
        ("a{adj} fracture", ["undisplaced"], "an undisplaced fracture", "undisplaced fracture"),
        ("a{adj} tear", ["old", "wide"], "an old, wide tear", "old, wide tear"),
        ("an effusion", [], "an effusion", "effusion"),
        ("soft tissue swelling", [], "soft tissue swelling", "soft tissue swelling"),
    ],
)  # fmt: skip
def test_english_nouns_take_articles(noun: str, adjectives: list[str], with_article: str, bare: str) -> None:
    assert english_forms(noun, adjectives) == {"a": with_article, "n": bare}


def test_german_nouns_take_articles_and_cases() -> None:
    assert german_forms("eine{adj} Fraktur", ["dislozierte"]) == {
        "ein": "eine dislozierte Fraktur",
        "n": "dislozierte Fraktur",
        "gen": "einer dislozierten Fraktur",
        "kein": "keine dislozierte Fraktur",
    }
    assert german_forms("ein Erguss|eines Ergusses")["gen"] == "eines Ergusses"


def test_items_are_joined_as_in_a_sentence() -> None:
    assert enumerated(["fracture"], "or") == "fracture"
    assert enumerated(["fracture", "dislocation", "effusion"], "or") == "fracture, dislocation or effusion"


def test_a_patient_is_the_same_in_a_larger_study_and_another_with_another_seed() -> None:
    anatomy: Anatomy = load_anatomy("elbow")
    one = draw_patient(anatomy, "elbow", site="alpha", index=3, seed=7)
    assert draw_patient(anatomy, "elbow", site="alpha", index=3, seed=7) == one
    assert draw_patient(anatomy, "elbow", site="alpha", index=3, seed=8) != one
    assert draw_patient(anatomy, "elbow", site="beta", index=3, seed=7) != one


def test_patients_come_up_to_three_times_and_keep_their_sex_and_side() -> None:
    patients: dict[str, list[Case]] = {}
    for case, _ in written("elbow"):
        patients.setdefault(case.patient_id, []).append(case)
    assert {len(cases) for cases in patients.values()} == {1, 2, 3}
    assert all(len({(case.sex, case.side, case.age) for case in cases}) == 1 for cases in patients.values())


def test_what_has_resolved_is_denied_in_the_next_report() -> None:
    resolved = [
        report.truth["effusion"]
        for case, report in written("elbow")
        if "effusion" in case.previous and "effusion" not in case.present
    ]
    assert resolved.count(NEGATIVE) > 0.5 * len(resolved) > 5
