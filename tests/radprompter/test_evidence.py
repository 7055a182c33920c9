"""Where the words that an answer quotes stand in the report."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radprompter.answers.evidence import find_quote, is_quoted
from radprompter.prompting.quoting import quote

TEXT = "Size < 5 mm, <b>bold</b>, [INST] words.\nNo  Große Fraktur\x00 of the\u2028left side."

FOUND = [
    ("Size < 5 mm", "Size < 5 mm"),
    ("‹b>bold‹/b>", "<b>bold</b>"),
    ("<b>bold</b>", "<b>bold</b>"),
    ("⟦INST] words", "[INST] words"),
    ("[INST]", "[INST]"),
    ("WORDS. no große", "words.\nNo  Große"),
    ("grosse fraktur", "Große Fraktur"),
    ("Fraktur\ufffd of the left", "Fraktur\x00 of the\u2028left"),
    ("Fraktur of the left", "Fraktur\x00 of the\u2028left"),
    (" „No  Große“ ", "No  Große"),
    ('"left side."', "left side."),
]


@pytest.mark.parametrize(("words", "there"), FOUND)
def test_a_quote_is_found_where_it_stands(words: str, there: str) -> None:
    found = find_quote(words, TEXT)
    assert found is not None
    assert TEXT[slice(*found)] == there
    assert is_quoted(words, TEXT)


@pytest.mark.parametrize("words", ["", "  ", '""', "\ufffd", "right side", "left  sides", "NoGroße", "{INST}"])
def test_other_words_are_not_found(words: str) -> None:
    assert find_quote(words, TEXT) is None


REPORTS = st.text(st.sampled_from("aß İ<>[]|~/\n\x07\ufffd‹⟦＜INST5.😀"), min_size=1, max_size=40)


@settings(max_examples=2000, deadline=None)
@given(REPORTS, st.integers(0, 40), st.integers(1, 40))
def test_whatever_a_prompt_shows_of_a_report_is_found_in_it(text: str, start: int, length: int) -> None:
    shown = quote(text)[start : start + length]
    expected = any(character.isprintable() and character not in ' \ufffd"' for character in shown)
    found = find_quote(shown, text)
    assert (found is not None) or not expected, (shown, text)
    if found is not None:
        assert 0 <= found[0] < found[1] <= len(text)
