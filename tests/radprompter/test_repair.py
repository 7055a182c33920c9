"""Mending syntax: what is mended, and that no state comes out that did not go in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_region import small_region

from radprompter.answers import read
from radprompter.answers.repair import parse_answer
from radprompter.labels import LABELS
from radprompter.records import Completion, Report
from radprompter.region import Region

REPORT = Report("r1", {"findings": "Nothing."})


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return small_region(Path(tmp_path_factory.mktemp("templates")))


def states(reply: str, region: Region) -> tuple[str, ...]:
    return tuple(str(cell.state) for cell in read(Completion("r1", (reply,)), REPORT, region, "t").cells)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("{'fracture': 'present', 'effusion': 'absent',}", ("positive", "negative", "missing")),
        ('{"fracture": present, "effusion": absent}', ("positive", "negative", "missing")),
        ('{fracture: "present", effusion: "no"}', ("positive", "negative", "missing")),
        ('{"fracture": "present", "effusion": "abs', ("positive", "invalid", "missing")),
        ('{"fracture": "present", "effusion": "no', ("positive", "invalid", "missing")),  # of "not mentioned"
        ('{"fracture": "present", "effusion": "absent"', ("positive", "negative", "missing")),
        ('{"fracture": "present", "eff', ("positive", "missing", "missing")),
        ('{"fracture": "present" "effusion": "absent"}', ("positive", "negative", "missing")),
        ('{"fracture": "present", // sure\n "effusion": "absent"}', ("positive", "negative", "missing")),
        ('{"fracture": "present", "effusion": , "no_finding": "present"}', ("positive", "invalid", "positive")),
        ('{"fracture": "present", "fracture": "absent",', ("failed", "missing", "missing")),
        (
            '{"fracture": {"state": "present", "evidence": "a"}, "effusion": {"state": "pos',
            ("positive", "invalid", "missing"),
        ),
        ('{"fracture": "absent"} {"fracture": "present", "effusion": "no"', ("positive", "negative", "missing")),
        ('{"pe": "absent", "ed', ("failed",) * 3),
    ],
)
def test_broken_json_gives_these_states(reply: str, expected: tuple[str, ...], region: Region) -> None:
    assert states(reply, region) == expected


def test_the_repair_is_noted_with_every_cell(region: Region) -> None:
    cells = read(Completion("r1", ("{'fracture': 'present',}",)), REPORT, region, "t").cells
    assert all((cell.repair or "").startswith("syntax repaired") for cell in cells)


SYNTAX = (
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    ":",
    ",",
    " ",
    "\n",
    "\\",
    "```json",
    "<think>",
    "</think>",
    "//",
    "/*",
    "null",
    "1",
)
NAMES = ("fracture", "effusion", "no_finding", '"fracture"', '"effusion": ', "state", '"state": "', "evidence")
VALUES = ("present", "absent", "possible", "not mentioned", '"present"', '"ab', "sent", "no", "ye", "s", "pos", "true")
pieces = st.sampled_from((*SYNTAX, *NAMES, *VALUES))


@settings(max_examples=1500, deadline=None)
@given(st.lists(pieces, max_size=40).map("".join))
def test_no_state_comes_out_whose_spelling_is_not_in_the_text(reply: str) -> None:
    region = REGION_FOR_PROPERTIES
    spellings = {
        state: [word for word, meant in region.meanings.items() if meant is state] + [str(state)] for state in LABELS
    }
    for cell in read(Completion("r1", (reply,)), REPORT, region, "t").cells:
        if cell.state in LABELS:
            assert any(word in reply.casefold() for word in spellings[cell.state])
            assert cell.finding in reply.casefold()


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=200))
def test_no_text_whatever_makes_parsing_raise(reply: str) -> None:
    assert len(states(reply, REGION_FOR_PROPERTIES)) == 3


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 200))
def test_an_answer_cut_anywhere_never_gives_another_state_than_the_whole(cut: int) -> None:
    whole = '{"fracture": {"state": "present", "evidence": "no"}, "effusion": "not mentioned", "no_finding": "present"}'
    full = states(whole, REGION_FOR_PROPERTIES)
    for state, truth in zip(states(whole[:cut], REGION_FOR_PROPERTIES), full, strict=True):
        assert state == truth or state not in LABELS


@pytest.fixture(scope="module", autouse=True)
def _region_for_properties(region: Region) -> None:
    global REGION_FOR_PROPERTIES
    REGION_FOR_PROPERTIES = region


REGION_FOR_PROPERTIES: Region


@pytest.mark.parametrize(
    ("reply", "values"),
    [
        ('"effusion": "true", "edema": "false"}', {"effusion": "true", "edema": "false"}),
        ('```json\n"effusion": "true"}\n```', {"effusion": "true"}),
    ],
)
def test_an_answer_without_its_opening_brace_counts_where_two_readers_agree(
    reply: str, values: dict[str, object]
) -> None:
    parsed = parse_answer(reply, {"effusion", "edema"})
    assert parsed.values == values
    assert parsed.edits == ("opening brace restored",)


@pytest.mark.parametrize("reply", ["effusion is true}", '"effusion": "true"', "x" * 9_000])
def test_what_is_no_answer_is_not_made_one(reply: str) -> None:
    assert parse_answer(reply, {"effusion", "edema"}).failure is not None
