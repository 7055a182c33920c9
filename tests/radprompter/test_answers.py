"""Completion to reading: what a reply must say to become a label, and what becomes of all others."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_region import small_region

from radprompter.answers import read
from radprompter.labels import Cell
from radprompter.records import Completion, Report
from radprompter.region import Region, load_region, region_names

REPORT = Report("r1", {"findings": "Transverse  fracture of the\ndistal radius. No effusion.", "impression": ""})


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return small_region(Path(tmp_path_factory.mktemp("templates")))


def answered(reply: str, region: Region) -> dict[str, Cell]:
    reading = read(Completion("r1", (reply,)), REPORT, region, "test")
    assert [cell.finding for cell in reading.cells] == list(region.schema.names)
    return {cell.finding: cell for cell in reading.cells}


def states(reply: str, region: Region) -> tuple[str, ...]:
    return tuple(str(cell.state) for cell in answered(reply, region).values())


FULL = '{"fracture": "present", "effusion": "absent", "no_finding": "not mentioned"}'
READ = ("positive", "negative", "not_mentioned")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (FULL, READ),
        ('{"fracture": " Present ", "Effusion": "NO", "no_finding": "not_mentioned"}', READ),
        ('{"fracture": "ja", "effusion": "nein", "no_finding": "not mentioned", "reasoning": "x"}', READ),
        ('{"fracture": "positive", "effusion": "negative", "no_finding": "not_mentioned"}', READ),
        ('{"fracture": "present"}', ("positive", "missing", "missing")),
        ('{"fracture": null, "effusion": {"evidence": "x"}, "no_finding": {}}', ("missing",) * 3),
        ('{"fracture": "presentt", "effusion": "abs", "no_finding": ["present"]}', ("invalid",) * 3),
        ('{"fracture": 1, "effusion": true, "no_finding": "absent"}', ("invalid",) * 3),
        ('{"fracture": "", "effusion": 0.5, "no_finding": "missing"}', ("invalid",) * 3),
        ('{"fracture": "failed", "effusion": "skipped", "no_finding": "invalid"}', ("invalid",) * 3),
        ('{"fracture": "present", "fracture": "absent", "effusion": "no"}', ("failed", "negative", "missing")),
        ('{"fracture": "present", "Fracture": "present", "effusion": "no"}', ("positive", "negative", "missing")),
        ('{"fracture": {"state": "yes", "state": "no"}}', ("failed", "missing", "missing")),
        ("", ("failed",) * 3),
        ("There is a fracture, present.", ("failed",) * 3),
        ('{"fracture": NaN, "effusion": "absent"}', ("invalid", "negative", "missing")),
        ("[" * 10_000, ("failed",) * 3),
        ('{"a":' * 10_000, ("failed",) * 3),
        ("{" * 10_000, ("failed",) * 3),
        ('{"fracture": "present"' + " " * 300_000, ("failed",) * 3),
        ("<think>" * 20_000, ("failed",) * 3),  # none of these may take more than linear time
        ("<think></think" * 10_000, ("failed",) * 3),
        ('{"fracture"' + "\n" * 100_000, ("failed",) * 3),
    ],
)
def test_a_reply_gives_these_states(reply: str, expected: tuple[str, ...], region: Region) -> None:
    assert states(reply, region) == expected


@pytest.mark.parametrize(
    ("reply", "edit"),
    [
        (f"```json\n{FULL}\n```", "code fence stripped"),
        (f"Here is my answer: {FULL}", "text around the answer stripped"),
        (f"<think>perhaps {{'fracture': 'absent'}}</think>{FULL}", "reasoning stripped"),
        (f'{{"fracture": "absent"}}</think>\n{FULL}', "reasoning stripped"),
        (f'{{"fracture": "absent"}}\n{FULL}', "text around the answer stripped; 2 objects: the last is read"),
        (f'The set {{x}} is empty. {{"a": 1}} {FULL}', "text around the answer stripped"),
        (f'{{"labels": {FULL}}}', "taken out of an outer object"),
        (FULL.replace("}", ', "gout": "present"}'), "1 findings beside the schema"),
    ],
)
def test_what_stands_around_an_answer_is_stripped_and_the_edit_kept(reply: str, edit: str, region: Region) -> None:
    cells = answered(reply, region)
    assert tuple(str(cell.state) for cell in cells.values()) == READ
    assert {cell.repair for cell in cells.values()} == {edit if "2 objects" not in edit else cells["fracture"].repair}
    assert edit.rpartition("; ")[2] in (cells["fracture"].repair or "")


def test_an_answer_that_never_leaves_its_thinking_is_no_answer(region: Region) -> None:
    assert states(f"<think>hm {FULL}", region) == ("failed",) * 3


def test_a_clean_answer_has_no_repair_note(region: Region) -> None:
    assert {cell.repair for cell in answered(FULL, region).values()} == {None}


def test_evidence_is_looked_up_in_the_report(region: Region) -> None:
    reply = (
        '{"fracture": {"state": "present", "evidence": "fracture of the distal RADIUS", "rule": "mention"},'
        ' "effusion": {"state": "absent", "evidence": "no joint fluid"}, "no_finding": "not mentioned"}'
    )
    cells = answered(reply, region)
    assert [(cell.evidence_found, cell.labeler) for cell in cells.values()] == [
        (True, "test/mention"),
        (False, "test"),
        (None, "test"),
    ]


@pytest.mark.parametrize("failure", ["timeout", "refused", "truncated"])
def test_a_failed_completion_fails_every_cell_with_its_reason(failure: str, region: Region) -> None:
    reading = read(Completion("r1", (FULL,), failure=failure), REPORT, region, "test")
    assert {(str(cell.state), cell.repair) for cell in reading.cells} == {("failed", failure)}


def test_a_report_without_text_is_skipped_not_negative(region: Region) -> None:
    reading = read(Completion("r1", (), failure="no_text"), Report("r1", {}), region, "test")
    assert {str(cell.state) for cell in reading.cells} == {"skipped"}


@pytest.mark.parametrize("name", region_names())
@pytest.mark.parametrize("reply", ["{}", '{"other": null}', "{{}: {}}"])
def test_no_shipped_region_has_a_meaning_for_findings_that_an_answer_lacks(name: str, reply: str) -> None:
    cells = read(Completion("r1", (reply,)), REPORT, load_region(name), "test").cells
    assert not any(cell.state.is_label for cell in cells)


@pytest.mark.parametrize("name", region_names())
@pytest.mark.parametrize("value", ["0.5", "[]", '["true"]', "{}", '{"evidence": "x"}', '{"state": []}', '"', "", ","])
def test_no_shipped_region_has_a_meaning_for_what_is_no_word(name: str, value: str) -> None:
    region = load_region(name)
    first = region.schema.names[0]
    cell = read(Completion("r1", (f'{{"{first}": {value}}}',)), REPORT, region, "test").cells[0]
    assert not cell.state.is_label
