"""Attributes of a finding: what a reply must say to give a value, and what becomes of all others."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed_region import cell_of, found, typed_region

from radprompter import Report
from radprompter.answers import read
from radprompter.attributes import Attribute
from radprompter.labels import AttributeValue, LabelState
from radprompter.records import Completion
from radprompter.region import Region

REPORT = Report("r1", {"report": "Transverse fracture of the left radius, step 2,5 cm. No effusion."})


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return typed_region(Path(tmp_path_factory.mktemp("templates")))


NOTHING = (None, None)
READINGS = [
    ("side", "left", ("answered", "left", None)),
    ("side", " Links ", ("answered", "left", None)),
    ("side", "beidseits", ("answered", "bilateral", None)),
    ("side", "lefty", ("invalid", *NOTHING)),
    ("side", ["left"], ("invalid", *NOTHING)),
    ("side", True, ("invalid", *NOTHING)),
    ("side", None, ("not_stated", *NOTHING)),
    ("side", "", ("not_stated", *NOTHING)),
    ("side", "null", ("not_stated", *NOTHING)),
    ("side", "nicht erwähnt", ("not_stated", *NOTHING)),
    ("side", "absent", ("invalid", *NOTHING)),
    ("bone", "Kahnbein", ("answered", "scaphoid", None)),
    ("bone", "scaphoid  bone", ("answered", "scaphoid", None)),
    ("bone", "lunate", ("invalid", *NOTHING)),
    ("severity", "mäßig", ("answered", "moderate", None)),
    ("severity", "moderate to severe", ("invalid", *NOTHING)),
    ("step", {"value": 25, "unit": "mm"}, ("answered", 25.0, "mm")),
    ("step", {"value": 2.5, "unit": "cm"}, ("answered", 25.0, "mm")),
    ("step", {"value": 0.1, "unit": "in"}, ("answered", 2.54, "mm")),
    ("step", {"value": "2,5", "unit": "CM"}, ("answered", 25.0, "mm")),
    ("step", {"value": "2.5 cm", "unit": "cm"}, ("answered", 25.0, "mm")),
    ("step", {"value": "2.5 cm", "unit": "mm"}, ("invalid", *NOTHING)),
    ("step", "2,5 cm", ("answered", 25.0, "mm")),
    ("step", "2.5cm", ("answered", 25.0, "mm")),
    ("step", "0,125 in", ("answered", 3.175, "mm")),
    ("step", "3 Millimeter", ("answered", 3.0, "mm")),
    ("step", "1.250 mm", ("invalid", *NOTHING)),  # a thousand in German, one and a quarter in English
    ("step", "1,250 mm", ("invalid", *NOTHING)),
    ("step", 25, ("invalid", *NOTHING)),  # of which unit?
    ("step", "25", ("invalid", *NOTHING)),
    ("step", {"value": 25}, ("invalid", *NOTHING)),
    ("step", {"value": 25, "unit": None}, ("invalid", *NOTHING)),
    ("step", {"value": None, "unit": "mm"}, ("not_stated", *NOTHING)),
    ("step", {"value": None, "unit": None}, ("not_stated", *NOTHING)),
    ("step", {"value": 25, "unit": "mm", "about": 1}, ("invalid", *NOTHING)),
    ("step", {}, ("invalid", *NOTHING)),
    ("step", "2 furlongs", ("invalid", *NOTHING)),
    ("step", "2-3 mm", ("invalid", *NOTHING)),
    ("step", "2 x 3 mm", ("invalid", *NOTHING)),
    ("step", "< 5 mm", ("invalid", *NOTHING)),
    ("step", "about 5 mm", ("invalid", *NOTHING)),
    ("step", {"value": -1, "unit": "mm"}, ("invalid", *NOTHING)),
    ("step", {"value": 101, "unit": "mm"}, ("invalid", *NOTHING)),
    ("step", {"value": 11, "unit": "cm"}, ("invalid", *NOTHING)),
    ("step", {"value": 10, "unit": "cm"}, ("answered", 100.0, "mm")),
    ("angle", {"value": -12, "unit": "°"}, ("answered", -12.0, "°")),
    ("angle", "12°", ("answered", 12.0, "°")),
    ("fragments", 3, ("answered", 3.0, None)),
    ("fragments", "3", ("answered", 3.0, None)),
    ("fragments", True, ("invalid", *NOTHING)),
    ("fragments", "3 mm", ("invalid", *NOTHING)),
    ("fragments", "three", ("invalid", *NOTHING)),
    ("fragments", 1, ("invalid", *NOTHING)),
    ("fragments", 10**400, ("invalid", *NOTHING)),
    ("pattern", "Buckle", ("answered", "buckle", None)),
    ("pattern", 1, ("invalid", *NOTHING)),
    ("joints", ["ulnocarpal", "Radiocarpal"], ("answered", ("ulnocarpal", "radiocarpal"), None)),
    ("joints", ["ulnocarpal", "knee"], ("invalid", *NOTHING)),
    ("joints", [], ("not_stated", *NOTHING)),
    ("joints", "ulnocarpal", ("invalid", *NOTHING)),
    ("joints", {"a": "ulnocarpal"}, ("invalid", *NOTHING)),
    ("gaps", [{"value": 1, "unit": "cm"}, "2 mm"], ("answered", (10.0, 2.0), "mm")),
    ("gaps", [{"value": 1, "unit": "cm"}, 2], ("invalid", *NOTHING)),
    ("device", " plate ", ("answered", "plate", None)),
    ("device", 3, ("invalid", *NOTHING)),
    ("device", "not mentioned", ("not_stated", *NOTHING)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "expected"), READINGS)
def test_a_value_gives_this_attribute(
    name: str, value: object, expected: tuple[str, object, str | None], region: Region
) -> None:
    cell = cell_of(region, {"state": "present", name: value})
    assert found(cell, name) == expected
    assert cell.state is LabelState.POSITIVE
    assert {a.status for a in cell.attributes if a.name != name} == {"missing"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2,5 cm", "2,5 cm"),
        ({"value": 2.5, "unit": "cm"}, "2.5 cm"),
        ({"value": "2,5", "unit": "cm"}, "2,5 cm"),
        ("2 x 3 mm", "2 x 3 mm"),
        (25, "25"),
        ({"unit": "cm"}, '{"unit": "cm"}'),
        (None, None),
    ],
)
def test_what_was_written_is_kept(value: object, written: str | None, region: Region) -> None:
    (step,) = (a for a in cell_of(region, {"state": "present", "step": value}).attributes if a.name == "step")
    assert step.written == written


@pytest.mark.parametrize(
    ("value", "state", "side", "joints", "device"),
    [
        ("present", "positive", "missing", "missing", "missing"),
        ("absent", "negative", "not_applicable", "not_applicable", "missing"),
        ({"state": "absent", "side": "left", "joints": None, "device": "wire"}, "negative",
         "not_applicable", "not_applicable", "answered"),
        ({"state": "uncertain", "side": "left", "joints": ["ulnocarpal"], "device": None}, "uncertain",
         "answered", "not_applicable", "not_stated"),
        ({"state": "broken", "side": "left", "joints": ["knee"]}, "invalid", "answered", "invalid", "missing"),
        ({"side": "left"}, "missing", "answered", "missing", "missing"),
        (None, "missing", "missing", "missing", "missing"),
        ({}, "missing", "missing", "missing", "missing"),
    ],
)  # fmt: skip
def test_the_state_of_the_finding_and_its_attributes_are_read_apart(
    value: object, state: str, side: str, joints: str, device: str, region: Region
) -> None:
    cell = cell_of(region, value)
    statuses = [found(cell, name)[0] for name in ("side", "joints", "device")]
    assert (str(cell.state), *statuses) == (state, side, joints, device)


def test_a_value_that_does_not_apply_keeps_its_words_but_is_no_value(region: Region) -> None:
    cell = cell_of(region, {"state": "absent", "side": "left"})
    assert cell.attributes[0] == AttributeValue("side", "not_applicable", written="left")


@pytest.mark.parametrize(
    ("reply", "name", "expected"),
    [
        ('{"fracture": {"state": "present", "side": "left", "side": "right"}}', "side", "failed"),
        ('{"fracture": {"state": "present", "side": "left", "side": "left"}}', "side", "answered"),
        ('{"fracture": {"state": "present", "side": "le', "side", "invalid"),
        ('{"fracture": {"state": "present", "step": {"value": 2', "step", "invalid"),
        ('{"fracture": {"state": "present", "step": {"value": 2.5, "unit": "c', "step", "invalid"),
        ("{'fracture': {'state': 'present', 'side': 'left',}}", "side", "answered"),
        ('{"fracture": {"state": "present", "Side": "left"}}', "side", "answered"),
        ('{"fracture": {"state": "present"}, "side": "left"}', "side", "missing"),
    ],
)
def test_a_broken_reply_gives_no_attribute_that_it_does_not_have(
    reply: str, name: str, expected: str, region: Region
) -> None:
    cell = read(Completion("r1", (reply,)), REPORT, region, "test").cells[0]
    assert (cell.state, found(cell, name)[0]) == (LabelState.POSITIVE, expected)


@pytest.mark.parametrize("step", ['{"value": 2,5, "unit": "cm"}', '{"unit": "cm", "value": 2,5}', "2,5 cm"])
def test_a_decimal_comma_without_quotes_is_part_of_its_number(step: str, region: Region) -> None:
    reply = f'{{"fracture": {{"state": "present", "fragments": 2, "step": {step}}}}}'
    cell = read(Completion("r1", (reply,)), REPORT, region, "test").cells[0]
    assert (found(cell, "step"), found(cell, "fragments")) == (("answered", 25.0, "mm"), ("answered", 2.0, None))


@pytest.mark.parametrize("number", ["2,5-3", "2,5,1", "2,500", "2,5 3"])
def test_a_number_that_goes_on_behind_its_comma_is_not_cut_there(number: str, region: Region) -> None:
    reply = f'{{"fracture": {{"state": "present", "fragments": {number}}}}}'
    cell = read(Completion("r1", (reply,)), REPORT, region, "test").cells[0]
    assert (cell.state, found(cell, "fragments")) == (LabelState.POSITIVE, ("invalid", *NOTHING))


@pytest.mark.parametrize(
    ("reply", "state", "side", "evidence"),
    [
        ('{"evidence": "left radius", "answer": "present", "side": "left"}', "positive", "answered", "left radius"),
        ('{"answer": "present", "side": "up"}', "positive", "invalid", None),
        ('{"answer": "present"}', "positive", "missing", None),
        ('{"answer": {"state": "present", "side": "left", "evidence": "x"}}', "positive", "answered", "x"),
        ('{"evidence": "null", "answer": "present", "side": null}', "positive", "not_stated", None),
        ('{"side": "left"}', "missing", "answered", None),
        ("", "failed", "failed", None),
    ],
)
def test_an_answer_about_one_finding_has_its_attributes_beside_the_state(
    reply: str, state: str, side: str, evidence: str | None, region: Region
) -> None:
    (cell,) = read(Completion("r1", (reply,), findings=("fracture",)), REPORT, region, "test").cells
    assert (str(cell.state), found(cell, "side")[0], cell.evidence) == (state, side, evidence)
    assert cell.repair is None or "beside the schema" not in cell.repair


WORDS = st.sampled_from(["left", "links", "right", "up", "2,5 cm", "25 mm", "3", "null", "", "buckle", "=1", "1.000"])
NUMBERS = st.one_of(st.integers(-5, 200), st.floats(allow_nan=False, allow_infinity=False, width=16))
SCALARS = st.one_of(WORDS, NUMBERS, st.none(), st.booleans())
MEASURES = st.fixed_dictionaries({}, optional={"value": SCALARS, "unit": st.sampled_from(["mm", "cm", "kg", None])})
VALUES = st.one_of(SCALARS, MEASURES, st.lists(st.one_of(SCALARS, MEASURES), max_size=3))


def stands_in(value: object, unit: str | None, text: str, attribute: Attribute) -> bool:
    """Slow and separate from the parser: a word for the value, or the number in one of the units, is in the text."""
    if isinstance(value, str):
        words = (value, *attribute.choices.get(value, {}).values())
        return any(word.casefold() in text.casefold() for word in words)
    numbers = [float(value) * factor for factor in ((1, 0.1, 1 / 25.4) if unit == "mm" else (1,))]  # type: ignore[arg-type]
    spelled = text.replace(",", ".") + " " + text
    return any(abs(float(found) - number) < 1e-3 * max(1, abs(number)) for number in numbers
               for found in _numbers(spelled))  # fmt: skip


def _numbers(text: str) -> list[str]:
    return re.findall(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", text)


@settings(max_examples=1500, deadline=None)
@given(
    name=st.sampled_from(["side", "step", "angle", "fragments", "pattern", "joints", "gaps", "device"]),
    value=VALUES,
    others=st.dictionaries(st.sampled_from(["side", "step", "gaps", "size"]), VALUES, max_size=2),
    state=st.sampled_from(["present", "absent", "uncertain", "nonsense"]),
)
def test_no_attribute_has_a_value_that_does_not_stand_beside_its_key(
    name: str, value: object, others: dict[str, object], state: str, region: Region
) -> None:
    answer = {**others, "state": state, name: value}
    cell = cell_of(region, answer)
    assert cell == replace(cell_of(region, state), attributes=cell.attributes)  # nothing of it touches the state
    for attribute in cell.attributes:
        if attribute.status != "answered":
            assert (attribute.value, attribute.unit) == (None, None)
            continue
        text = json.dumps(answer[attribute.name], ensure_ascii=False)
        items = attribute.value if isinstance(attribute.value, tuple) else (attribute.value,)
        asked = region.findings["fracture"].attributes[attribute.name]
        assert all(stands_in(item, attribute.unit, text, asked) for item in items), (attribute, text)


CHOICES = {"side": ["left", "links", "right", "up"], "bone": ["radius", "Kahnbein"], "pattern": ["buckle", "oblique"]}
ANSWERS = st.fixed_dictionaries(
    {"state": st.sampled_from(["present", "absent"])},
    optional={name: st.one_of(st.sampled_from(words), st.none()) for name, words in CHOICES.items()}
    | {"fragments": st.integers(2, 30), "step": st.sampled_from(["2,5 cm", "25 mm"])},
)
INSERTIONS = st.sampled_from([*"{}[]\"'`“”:,=\\/#*<>\n ", "", "left", "buckle", "3"])
EDITS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 4), INSERTIONS), max_size=5)


@settings(max_examples=3000, deadline=None)
@given(answer=ANSWERS, edits=EDITS, cut=st.integers(20, 300))
def test_a_mutated_answer_gives_no_attribute_that_it_does_not_have_beside_the_key(
    answer: dict[str, object], edits: list[tuple[int, int, str]], cut: int, region: Region
) -> None:
    reply = json.dumps({"fracture": answer}, ensure_ascii=False)
    for place, n_removed, inserted in edits:
        reply = reply[:place] + inserted + reply[place + n_removed :]
    cell = read(Completion("r1", (reply[:cut],)), REPORT, region, "test").cells[0]
    for attribute in cell.attributes:
        if attribute.status == "answered":
            assert attribute.written is not None
            beside = rf"{attribute.name}[^\w]{{0,9}}{re.escape(attribute.written.split()[0])}"
            assert re.search(beside, reply[:cut], re.IGNORECASE), (attribute, reply[:cut])
