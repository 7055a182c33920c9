"""Findings that depend on others: their order, their conditions, and what becomes of those that are not asked."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed_region import TYPED_REGION, typed_region

from radprompter.dependence import condition, levels, required, settle, unasked_cell, unreachable
from radprompter.errors import TemplateError
from radprompter.findings import Finding
from radprompter.labels import LABELS, AttributeValue, Cell, FindingSpec, LabelSchema, LabelState
from radprompter.prompting.check import check_region
from radprompter.region import Region, load_region

POSITIVE, NEGATIVE, UNCERTAIN, NOT_MENTIONED = LABELS
NAMES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return typed_region(Path(tmp_path_factory.mktemp("templates")))


def region_of(findings: Mapping[str, Finding]) -> Region:
    specs = tuple(FindingSpec(name, states=finding.states or LABELS) for name, finding in findings.items())
    spelling = {state: str(state) for state in LABELS}
    return Region("r", {}, findings, LABELS, spelling, {}, LabelSchema("r-1", specs), ())


def finding(depends_on: Mapping[str, tuple[LabelState, ...]], otherwise: LabelState = NOT_MENTIONED) -> Finding:
    more = {"depends_on": dict(depends_on), "otherwise": otherwise} if depends_on else {}
    return Finding.model_validate({"title": {}, "definition": {}, **more})


STATES = st.sampled_from(LABELS)
SOME_STATES = st.lists(STATES, min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    """A region without circles, whose findings stand in any order."""
    order = draw(st.permutations(NAMES))
    drawn = {}
    for index, name in enumerate(order):
        parents = draw(st.lists(st.sampled_from(order[:index]), max_size=2, unique=True)) if index else []
        drawn[name] = finding({parent: draw(SOME_STATES) for parent in parents}, draw(STATES))
    return region_of({name: drawn[name] for name in draw(st.permutations(NAMES))})


def cells_of(region: Region, states: Mapping[str, LabelState]) -> list[Cell]:
    return [Cell("r", name, state, labeler="test") for name, state in states.items()]


EVERY_STATE = st.fixed_dictionaries({name: st.sampled_from(list(LabelState)) for name in NAMES})
EVERY_LABEL = st.fixed_dictionaries(dict.fromkeys(NAMES, STATES))


def test_findings_come_after_those_they_depend_on(region: Region) -> None:
    assert levels(region) == (("fracture", "effusion"), ("healing",), ("refracture",))


def test_findings_that_depend_on_nothing_are_one_level() -> None:
    assert levels(region_of({name: finding({}) for name in NAMES})) == (NAMES,)


@settings(max_examples=500, deadline=None)
@given(regions())
def test_each_level_depends_on_earlier_ones_alone_and_could_not_come_earlier(region: Region) -> None:
    found = levels(region)
    assert sorted(itertools.chain(*found)) == sorted(NAMES)
    seen: set[str] = set()
    for index, level in enumerate(found):
        assert list(level) == [name for name in region.schema.names if name in level]
        for name in level:
            parents = set(region.findings[name].depends_on)
            assert parents <= seen
            assert index == 0 or parents & set(found[index - 1])
        seen |= set(level)


@pytest.mark.parametrize(
    ("fracture", "healing", "verdict", "state", "note"),
    [
        (POSITIVE, POSITIVE, "holds", None, None),
        (UNCERTAIN, UNCERTAIN, "holds", None, None),
        (NEGATIVE, POSITIVE, "fails", NEGATIVE, "not asked: fracture is negative"),
        (NEGATIVE, NOT_MENTIONED, "fails", NEGATIVE,
         "not asked: fracture is negative, healing is not_mentioned"),
        (LabelState.FAILED, POSITIVE, "unknown", LabelState.MISSING, "not asked: fracture is failed"),
        (LabelState.INVALID, NEGATIVE, "unknown", LabelState.MISSING, "not asked: fracture is invalid"),
        (NEGATIVE, LabelState.MISSING, "unknown", LabelState.MISSING, "not asked: healing is missing"),
        (LabelState.SKIPPED, LabelState.SKIPPED, "unknown", LabelState.SKIPPED, "not asked: fracture is skipped"),
    ],
)  # fmt: skip
def test_a_condition(
    fracture: LabelState, healing: LabelState, verdict: str, state: LabelState | None, note: str | None, region: Region
) -> None:
    found = condition(region, "refracture", {"fracture": fracture, "healing": healing})
    assert (found.verdict, found.state, found.note) == (verdict, state, note)


def test_a_parent_that_is_not_there_has_no_label(region: Region) -> None:
    assert condition(region, "healing", {}).note == "not asked: fracture is missing"
    assert condition(region, "effusion", {}).verdict == "holds"


def test_the_cell_of_a_finding_that_is_not_asked_says_why(region: Region) -> None:
    failing = condition(region, "healing", {"fracture": NEGATIVE})
    assert unasked_cell(region, "r", "healing", failing, labeler="test") == Cell(
        "r", "healing", NOT_MENTIONED, repair="not asked: fracture is negative", labeler="test",
        attributes=(AttributeValue("stage", "not_applicable"),),
    )  # fmt: skip
    unknown = unasked_cell(region, "r", "healing", condition(region, "healing", {}), labeler="test")
    assert (unknown.state, unknown.attributes) == (LabelState.MISSING, (AttributeValue("stage", "missing"),))
    skipped = condition(region, "healing", {"fracture": LabelState.SKIPPED})
    assert unasked_cell(region, "r", "healing", skipped, labeler="test").attributes[0].status == "skipped"
    with pytest.raises(ValueError, match="the condition of healing holds"):
        unasked_cell(region, "r", "healing", condition(region, "healing", {"fracture": POSITIVE}), labeler="test")


def test_answers_that_should_not_have_been_given_are_set_aside_along_the_chain(region: Region) -> None:
    answered = {"fracture": NEGATIVE, "healing": POSITIVE, "refracture": POSITIVE, "effusion": POSITIVE}
    cells = cells_of(region, answered)
    cells[1] = replace(cells[1], evidence="callus", evidence_found=True, p_positive=0.9, repair="syntax repaired",
                       attributes=(AttributeValue("stage", "answered", "bridging"),))  # fmt: skip
    fracture, healing, refracture, effusion = settle(cells, region)
    assert (fracture, effusion) == (cells[0], cells[3])
    assert healing == Cell(
        "r", "healing", NOT_MENTIONED, labeler="test", attributes=(AttributeValue("stage", "not_applicable"),),
        repair="syntax repaired; not asked: fracture is negative; the answer was positive",
    )  # fmt: skip
    assert (refracture.state, refracture.repair) == (
        NEGATIVE, "not asked: fracture is negative, healing is not_mentioned; the answer was positive",
    )  # fmt: skip


def test_a_failed_parent_leaves_no_answer_to_its_child(region: Region) -> None:
    states = {
        "fracture": LabelState.INVALID,
        "healing": POSITIVE,
        "refracture": LabelState.FAILED,
        "effusion": POSITIVE,
    }
    settled = settle(cells_of(region, states), region)
    assert [str(cell.state) for cell in settled] == ["invalid", "missing", "failed", "positive"]
    assert settled[1].repair == "not asked: fracture is invalid; the answer was positive"


@settings(max_examples=1000, deadline=None)
@given(regions(), EVERY_STATE)
def test_settled_cells_obey_every_condition(region: Region, states: dict[str, LabelState]) -> None:
    cells = cells_of(region, states)
    settled = settle(cells, region)
    after = {cell.finding: cell.state for cell in settled}
    assert [cell.finding for cell in settled] == [cell.finding for cell in cells]
    for before, cell in zip(cells, settled, strict=True):
        found = condition(region, cell.finding, after)
        if found.verdict == "holds" or before.state is LabelState.SKIPPED:
            assert cell == before
        elif found.verdict == "fails":
            assert cell.state is region.findings[cell.finding].otherwise
        else:
            assert not cell.state.is_label  # nothing is made up where a parent is not known
    assert {cell.finding: cell.state for cell in settle(settled, region)} == after


@settings(max_examples=400, deadline=None)
@given(regions(), EVERY_LABEL)
def test_the_order_of_the_cells_does_not_matter(region: Region, states: dict[str, LabelState]) -> None:
    cells = cells_of(region, states)
    assert set(settle(cells, region)) == set(settle(reversed(cells), region))


@settings(max_examples=100, deadline=None)
@given(regions())
def test_a_finding_is_called_unreachable_just_if_no_answers_lead_to_it(region: Region) -> None:
    asked: set[str] = set()
    for states in itertools.product(LABELS, repeat=len(NAMES)):
        settled = settle(cells_of(region, dict(zip(NAMES, states, strict=True))), region)
        after = {cell.finding: cell.state for cell in settled}
        asked |= {name for name in NAMES if condition(region, name, after).verdict == "holds"}
    assert {name for name, _ in unreachable(region)} == set(NAMES) - asked
    assert all(set(required(region, name)) <= set(NAMES) - {name} for name in NAMES)


REFUSED = [
    ("depends_on: {fracture: [positive]}", "depends_on: {fractur: [positive]}",
     "healing depends on findings that the region lacks: fractur"),
    ("depends_on: {fracture: [positive]}", "depends_on: {refracture: [positive]}",
     "healing depends on itself: healing -> refracture -> healing"),
    ("depends_on: {fracture: [positive]}", "depends_on: {healing: [positive]}",
     "healing depends on itself: healing -> healing"),
    ("    otherwise: negative\n", "",
     "refracture is not_mentioned where it is not asked, which it cannot be; set otherwise: positive, negative, unc"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), REFUSED)
def test_a_graph_that_is_none_is_refused_when_the_region_is_loaded(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in TYPED_REGION
    with pytest.raises(TemplateError, match=r"region\.yaml: ") as refused:
        typed_region(tmp_path, TYPED_REGION.replace(old, new, 1))
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_findings_may_not_be_taken_without_those_that_they_depend_on(tmp_path: Path) -> None:
    typed_region(tmp_path)
    child = "title: {en: X}\nschema: x-1\nextends: typed\ntake: [refracture, fracture]\n"
    (tmp_path / "child").mkdir()
    (tmp_path / "child" / "region.yaml").write_text(child)
    with pytest.raises(TemplateError, match="refracture depends on findings that the region lacks: healing"):
        load_region("child", templates=tmp_path)
    (problem,) = (line for line in check_region(tmp_path / "child", tmp_path) if "depends on" in line)
    assert problem.endswith(
        "region.yaml:4: refracture depends on 'healing', which the region lacks; known: fracture, refracture"
    )
