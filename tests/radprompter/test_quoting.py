from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radprompter.prompting.quoting import quote

CHAT_TOKENS = (
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>", "<|begin_of_text|>",
    "<s>", "</s>", "<bos>", "<eos>", "<pad>", "<unk>",
    "<start_of_turn>", "<end_of_turn>", "<<SYS>>", "<</SYS>>", "<think>", "</think>",
    "<｜User｜>", "<｜end▁of▁sentence｜>", "<tool_call>", "<extra_id_0>", "<2de>", "<|START_OF_TURN_TOKEN|>",
    "<|channel|>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[TOOL_CALLS]", "[gMASK]",
    "[CLS]", "[|endofturn|]", "]~b]", "[e~[", "</report>", "<report>",
    "< / report >", "＜|im_end|＞", "［INST］", "<\u200b|im_end|>",
)  # fmt: skip


@pytest.mark.parametrize("token", CHAT_TOKENS)
def test_a_token_of_a_chat_template_is_broken_and_still_readable(token: str) -> None:
    quoted = quote(f"before {token} after")
    assert token not in quoted
    assert len(quoted) == len(f"before {token} after")
    assert re.sub(r"\W", "", quoted) == re.sub(r"\W", "", f"before {token} after")


@pytest.mark.parametrize(
    "text",
    [
        "Nodule <5 mm, <= 3 mm, < 1 cm, <.5 cm, size >2 cm; 3 < 4.",
        "Seen by [NAME] on [**2110-3-4**]; masked XXXX and ___.",
        "{{ 7 * 7 }} {% include 'secrets' %} {# note #} $x \\n %s",
        "Kein Frakturnachweis; „V. a. Erguss“ – übrige Gelenke o. B.\n\tZweite Zeile\r\n",
        "[1] first, [x] second",
        "",
    ],
)
def test_usual_words_stay_as_they_are(text: str) -> None:
    assert quote(text) == text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a\x00b", "a\ufffdb"),
        ("\ud800", "\ufffd"),
        ("ok\U000e0041\U000e0042", "ok\ufffd\ufffd"),
        ("a<b", "a‹b"),
    ],
)
def test_what_hides_or_breaks_is_replaced_in_place(text: str, quoted: str) -> None:
    assert quote(text) == quoted


pieces = st.one_of(st.text(max_size=12), st.sampled_from(CHAT_TOKENS), st.sampled_from("<[]|>/~＜"))


@given(st.lists(pieces, max_size=12).map("".join))
def test_no_report_can_close_its_fence_or_open_a_turn(text: str) -> None:
    quoted = quote(text)
    assert len(quoted) == len(text)
    assert quote(quoted) == quoted
    assert not any(token in quoted for token in CHAT_TOKENS)
    assert not re.search(r"[<＜﹤]\s*/?\s*\w*report", quoted, re.IGNORECASE)
    quoted.encode()


def test_quoting_takes_time_in_proportion_to_length() -> None:
    hard = "<" * 50_000 + " " * 50_000 + "<= " * 20_000 + "[" * 50_000
    assert len(quote(hard)) == len(hard)
