"""Region folders: what they hold after loading, and what a wrong one is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from radprompter.errors import RecipeError, TemplateError
from radprompter.labels import LABELS
from radprompter.region import load_region

POSITIVE, NEGATIVE, *_ = LABELS
FINDING = "{title: {en: A}, definition: {en: an a}}"


def write_region(folder: Path, name: str, text: str) -> Path:
    (folder / name).mkdir()
    (folder / name / "region.yaml").write_text(f"title: {{en: {name}}}\nschema: test-1\n{text}", encoding="utf-8")
    return folder


def test_choices_in_synonyms_are_written_out_once_each(tmp_path: Path) -> None:
    words = "[(left |)AC(-| )joint, ac joint, K-wire*]"
    text = f"findings: {{a: {{title: {{en: A}}, definition: {{en: a}}, synonyms: {{en: {words}}}}}}}"
    region = load_region("r", templates=write_region(tmp_path, "r", text))
    expected = ("left AC-joint", "left AC joint", "AC-joint", "AC joint", "K-wire*")
    assert region.findings["a"].synonyms["en"] == expected


@pytest.mark.parametrize(
    ("synonym", "message"),
    [
        ("(a|b", "brackets do not pair"),
        ("a|b", "`|` stands outside"),
        ("(a|)", "a synonym is empty"),
        ("(a|b)" * 3 + "(0|1|2|3|4|5|6|7|8|9)" * 3, "more than 2,000 synonyms"),
    ],
)
def test_a_synonym_that_cannot_be_written_out_is_refused(tmp_path: Path, synonym: str, message: str) -> None:
    text = f"findings: {{a: {{title: {{en: A}}, definition: {{en: a}}, synonyms: {{en: ['{synonym}']}}}}}}"
    with pytest.raises(RecipeError) as caught:
        load_region("r", templates=write_region(tmp_path, "r", text))
    assert message in str(caught.value)
    assert "region.yaml:3: findings.a.synonyms" in str(caught.value)


def test_a_region_that_extends_another_takes_over_findings_states_spellings_and_files(tmp_path: Path) -> None:
    parent = f"""states: [positive, negative]
spelling: {{positive: here}}
aliases: {{negative: [gone]}}
findings: {{a: {FINDING}, b: {{title: {{en: B}}, definition: {{en: a b}}, implies: [a]}}}}
"""
    write_region(tmp_path, "parent", parent)
    (tmp_path / "parent" / "system.en.jinja").write_text("x")
    write_region(tmp_path, "child", f"extends: parent\ntake: [b]\nfindings: {{c: {FINDING}}}\n")
    region = load_region("child", templates=tmp_path)
    assert tuple(region.findings) == ("b", "c")
    assert region.findings["b"].implies == ()  # a was not taken
    assert region.states == (POSITIVE, NEGATIVE)
    assert region.spelling == {POSITIVE: "here", NEGATIVE: "negative"}
    assert region.meanings == {"here": POSITIVE, "negative": NEGATIVE, "gone": NEGATIVE}
    assert region.file("system.en.jinja") == tmp_path / "parent" / "system.en.jinja"
    assert region.file("absent.jinja") is None


def test_what_doubts_count_as_is_taken_over_unless_said_anew_and_changes_the_region(tmp_path: Path) -> None:
    write_region(tmp_path, "plain", f"findings: {{a: {FINDING}}}\n")
    write_region(tmp_path, "parent", f"hedges: {{probable: positive}}\nfindings: {{a: {FINDING}}}\n")
    write_region(tmp_path, "heir", "extends: parent\n")
    write_region(tmp_path, "other", "extends: parent\nhedges: {}\n")
    plain, heir, other = (load_region(name, templates=tmp_path) for name in ("plain", "heir", "other"))
    assert heir.hedges == {"probable": POSITIVE}
    assert other.hedges == plain.hedges == {}
    assert heir.hash != other.hash == plain.hash


def test_a_region_may_extend_a_shipped_one_from_elsewhere(tmp_path: Path) -> None:
    write_region(tmp_path, "mine", f"extends: elbow\nfindings: {{gout: {FINDING}}}\n")
    region = load_region("mine", templates=tmp_path)
    assert region.schema.names == (*load_region("elbow").schema.names, "gout")
    assert region.spelling[POSITIVE] == "true"


def test_a_region_is_also_found_by_the_path_of_its_folder(tmp_path: Path) -> None:
    write_region(tmp_path, "r", f"findings: {{a: {FINDING}}}\n")
    assert load_region(str(tmp_path / "r")).name == "r"


def test_a_better_synonym_changes_the_region_but_not_the_schema(tmp_path: Path) -> None:
    plain = load_region("a", templates=write_region(tmp_path, "a", f"findings: {{a: {FINDING}}}\n"))
    text = "findings: {a: {title: {en: A}, definition: {en: an a}, synonyms: {en: [alpha]}}}\n"
    richer = load_region("b", templates=write_region(tmp_path, "b", text))
    assert plain.hash != richer.hash
    assert plain.schema.hash == richer.schema.hash


# Wrong regions


def test_an_unknown_region_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(TemplateError) as caught:
        load_region("elbwo")
    assert str(caught.value).startswith("unknown region 'elbwo'; did you mean 'elbow'? Known regions: chest, ")


def test_an_unknown_region_without_a_near_one_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as caught:
        load_region("pelvis", templates=tmp_path)
    assert str(caught.value) == f"unknown region 'pelvis'. Known regions: none (in {tmp_path})"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("findings: {}", TemplateError, "the region has no findings"),
        ("extends: nowhere", TemplateError, "extends 'nowhere', which is no region folder beside it or shipped"),
        ("extends: chest\ntake: [edema, gout]", TemplateError, "take names findings that chest lacks: ['gout']"),
        ("extends: r", TemplateError, "extends itself by way of"),
        (
            "findings: {a: {title: {en: A}, definition: {en: a}, implies: [b]}}",
            TemplateError,
            "a implies findings that the region lacks: ['b']",
        ),
        (
            f"spelling: {{positive: 'Yes', negative: 'yes'}}\nfindings: {{a: {FINDING}}}",
            RecipeError,
            "'yes' is spelled for both positive and negative",
        ),
        (
            f"aliases: {{positive: [there], uncertain: [There]}}\nfindings: {{a: {FINDING}}}",
            RecipeError,
            "'There' is spelled for both positive and uncertain",
        ),
        (
            f"extends: chest\naliases: {{negative: [vorhanden]}}\nfindings: {{a: {FINDING}}}",
            TemplateError,
            "'vorhanden' means negative, but positive in chest",
        ),
        (f"findigns: {{a: {FINDING}}}", RecipeError, "region.yaml:3: findigns: unknown key; did you mean 'findings'?"),
        (
            "findings: {a: {title: {en: A}, definitoin: {en: a}}}",
            RecipeError,
            "findings.a.definitoin: unknown key; did you mean 'definition'?",
        ),
        ("findings: {a: {title: {en: A}}}", RecipeError, "findings.a.definition: required, but absent"),
        ("findings: {a: {title: {fr: A}, definition: {en: a}}}", RecipeError, "unknown language fr; known: en, de"),
        (f"states: [positive, failed]\nfindings: {{a: {FINDING}}}", RecipeError, "found failed"),
        (f"hedges: {{possible: failed}}\nfindings: {{a: {FINDING}}}", RecipeError, "found failed"),
        (f"hedges: {{likely: positive}}\nfindings: {{a: {FINDING}}}", RecipeError, "hedges.likely"),
    ],
)
def test_a_wrong_region_is_refused_with_one_clear_message(
    tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        load_region("r", templates=write_region(tmp_path, "r", text + "\n"))
    assert message in str(caught.value)
    assert str(tmp_path / "r" / "region.yaml") in str(caught.value)


def test_regions_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    write_region(tmp_path, "one", "extends: other\n")
    write_region(tmp_path, "other", "extends: one\n")
    with pytest.raises(TemplateError) as caught:
        load_region("one", templates=tmp_path)
    assert "extends itself by way of" in str(caught.value)
