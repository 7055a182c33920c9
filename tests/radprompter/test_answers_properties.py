"""For no text whatever does a state come out that the text does not have beside its key; and parsing is bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radprompter.answers import read, repair
from radprompter.answers.mending import MAX_DEPTH, UNSUPPORTED, TooDeepError, mend_object
from radprompter.labels import LABELS
from radprompter.records import Completion, Report
from radprompter.region import load_region

REGION = load_region("knee", templates=Path(__file__).parent / "malformed")
NAMES = REGION.schema.names
WORDS = {state: {str(state)} | {word for word, meant in REGION.meanings.items() if meant is state} for state in LABELS}


def states(reply: str) -> dict[str, str]:
    cells = read(Completion("r", (reply,)), Report("r", {"report": "x"}), REGION, "test").cells
    return {cell.finding: str(cell.state) for cell in cells}


def stands_beside(finding: str, state: str, reply: str) -> bool:
    """Slow and separate from the parser: a spelling of the state follows the key, perhaps in an object."""
    key = "[-_ ]+".join(finding.split("_"))
    words = "|".join(re.escape(word) for word in WORDS[state] if word) + ("|none" if state == "not_mentioned" else "")  # type: ignore[index]
    value = rf"[\"'`“”„‘’‚\s]*(?:{words})(?!\w)" + (r"|[\"'`“”„‘’‚]\s*[\"'`“”‘’]" if "" in WORDS[state] else "")  # type: ignore[index]
    nested = r"\{.*state\W{0,9}?\s*(?::|=>?)\s*"
    pattern = rf"{key}[\"'`“”„‘’\s]*(?::|=>?)\s*(?:{nested})?(?:{value})"
    return re.search(pattern, reply, re.IGNORECASE | re.DOTALL) is not None


def check(reply: str) -> None:
    for finding, state in states(reply).items():
        assert state not in LABELS or stands_beside(finding, state, reply), (finding, state)


spellings = st.sampled_from([*sorted(word for words in WORDS.values() for word in words), "tru", "unknown", "2"])
values = st.one_of(
    spellings,
    st.sampled_from([True, False, None, 0, 1, -1, 0.5, [], ["true"]]),
    st.fixed_dictionaries({"state": spellings}, optional={"evidence": st.text("ab\"'{}:,\n", max_size=8)}),
)
answers = st.dictionaries(st.sampled_from((*NAMES, "gout", "Joint Effusion")), values, max_size=4).map(
    lambda answer: json.dumps(answer, ensure_ascii=False)
)
insertions = st.sampled_from([*"{}[]\"'`“”:,=\\/#*<>\n ", "", "true", "no"])
edits = st.lists(st.tuples(st.integers(0, 250), st.integers(0, 4), insertions), max_size=6)


def mutated(answer: str, changes: list[tuple[int, int, str]]) -> str:
    for place, n_removed, inserted in changes:
        answer = answer[:place] + inserted + answer[place + n_removed :]
    return answer


@settings(max_examples=3000, deadline=None)
@given(answers, edits)
def test_a_mutated_answer_gives_no_state_that_it_does_not_have_beside_the_key(answer: str, changes: Any) -> None:
    check(mutated(answer, changes))


@settings(max_examples=1500, deadline=None)
@given(answers, st.integers(0, 250), st.sampled_from(["", "```json\n", "So: ", "<think>x</think>"]))
def test_a_cut_answer_gives_no_other_state_than_the_whole(answer: str, cut: int, before: str) -> None:
    whole = states(answer)
    for finding, state in states(before + answer[:cut]).items():
        assert state not in LABELS or whole[finding] in (state, "failed")  # failed: the key comes again after the cut


@settings(max_examples=1000, deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=6), st.sampled_from(["{", '"fracture"', ":", "true", "}", "'"]))).map("".join)
)
def test_no_text_whatever_raises_or_invents(reply: str) -> None:
    check(reply)


HOSTILE = (
    "{",
    "}",
    "[",
    '"',
    "'",
    ":",
    ",",
    "\\",
    "\n",
    " ",
    "/*",
    "//",
    "#",
    "`",
    '{"a":',
    '"fracture":',
    "{x ",
    '"a" ',
)


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("beginning", ["", '{"fracture": ', '{"fracture": {"state": "', "{'a': ["])
def test_no_text_makes_the_parser_read_it_again_and_again(
    beginning: str, piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = beginning + piece * (20_000 // len(piece))
    looked_at = sum(_attempts(reply, monkeypatch))
    assert looked_at <= repair.MAX_SCAN_CHARACTERS + 2 * len(reply)


def _attempts(reply: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Characters that lay before each attempt to read an object strictly."""
    starts: list[int] = []

    class Counting:
        def raw_decode(self, text: str, start: int) -> tuple[Any, int]:
            starts.append(len(text) - start)
            return decoder.raw_decode(text, start)

        def decode(self, text: str) -> Any:
            return decoder.decode(text)

    decoder = repair._DECODER
    monkeypatch.setattr(repair, "_DECODER", Counting())
    states(reply)
    yield from starts


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from((*HOSTILE, "true", "fracture")), max_size=60).map("".join))
def test_mending_always_moves_on(rest: str) -> None:
    try:
        _, end = mend_object("{" + rest, 0)
    except TooDeepError:
        assert rest.count("{") + rest.count("[") >= MAX_DEPTH
    else:
        assert 0 < end <= len(rest) + 1


def test_a_value_that_is_cut_off_is_no_value() -> None:
    assert mend_object('{"fracture": "tr', 0)[0] == {"fracture": UNSUPPORTED}
