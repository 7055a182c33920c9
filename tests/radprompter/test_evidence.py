"""Whether the words that an answer quotes are in the report, as a prompt showed them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radprompter.answers.evidence import is_quoted
from radprompter.prompting.quoting import quote

TEXT = "Size < 5 mm, <b>bold</b>, [INST] words.\nNo  Große Fraktur\x00 of the\u2028left\x1f side."


@pytest.mark.parametrize(
    "words",
    [
        "Size < 5 mm",
        "‹b>bold‹/b>",
        "<b>bold</b>",
        "⟦INST] words",
        "[INST]",
        "WORDS. no große",
        "grosse fraktur",
        "Fraktur\ufffd of the left",
        "Fraktur of the left",
        " „No  Große“ ",
        '"left side."',
        "left\ufffd side",
    ],
)
def test_words_of_the_report_are_found(words: str) -> None:
    assert is_quoted(words, TEXT)


@pytest.mark.parametrize("words", ["", "  ", '""', "\ufffd", "right side", "left  sides", "NoGroße", "{INST}", "(b)"])
def test_other_words_are_not_found(words: str) -> None:
    assert not is_quoted(words, TEXT)


REPORTS = st.text(st.sampled_from("aß İ<>[]|~/\n\x07\x1f\x85\ufffd‹⟦＜INST5.😀"), min_size=1, max_size=40)


@settings(max_examples=2000, deadline=None)
@given(REPORTS, st.integers(0, 40), st.integers(1, 40))
def test_whatever_a_prompt_shows_of_a_report_is_found_in_it(text: str, start: int, length: int) -> None:
    shown = quote(text)[start : start + length]
    if any(character.isprintable() and character not in " \ufffd" for character in shown):
        assert is_quoted(shown, text)
