"""Every malformed answer of the corpus gives exactly the states that it must, and a note wherever it was mended.

The files in ``malformed/`` hold made-up replies to the three findings of ``malformed/knee``. A letter a finding says
what must come out: ``P``, ``N``, ``U`` and ``O`` are positive, negative, uncertain and not mentioned; ``m``, ``i`` and
``f`` are missing, invalid and failed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from radprompter.answers import read
from radprompter.records import Completion, Reading, Report
from radprompter.region import Region, load_region

CORPUS = Path(__file__).parent / "malformed"
LETTERS = {
    "P": "positive",
    "N": "negative",
    "U": "uncertain",
    "O": "not_mentioned",
    "m": "missing",
    "i": "invalid",
    "f": "failed",
}
CASES = [
    pytest.param(case, id=f"{path.stem}-{number}")
    for path in sorted(CORPUS.glob("*.yaml"))
    for number, case in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), start=1)
]


@pytest.fixture(scope="module")
def region() -> Region:
    return load_region("knee", templates=CORPUS)


def reading(reply: str, region: Region) -> Reading:
    return read(Completion("r", (reply,)), Report("r", {"report": "Cortical step."}), region, "test")


@pytest.mark.parametrize("case", CASES)
def test_a_malformed_answer_gives_these_states_and_this_note(case: dict[str, Any], region: Region) -> None:
    cells = reading(case["reply"], region).cells
    assert [str(cell.state) for cell in cells] == [LETTERS[letter] for letter in case["gives"]]
    assert any(cell.repair for cell in cells) == case["repaired"], [cell.repair for cell in cells]


def test_the_corpus_is_as_large_as_promised_and_repeats_nothing() -> None:
    replies = [case.values[0]["reply"] for case in CASES]
    assert len(set(replies)) == len(replies) >= 200
