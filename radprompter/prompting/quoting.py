"""A report's words as data: nothing in them can close a delimiter, open a chat turn or hide from the reader.

Templates fence the report with tags, chat templates fence messages with tokens such as ``<|im_end|>`` or ``[INST]``.
`quote` replaces the one character that makes such words work by one that looks much the same, so that a reader (and a
model) still sees what stood there, and every character keeps its position:

==========================================================  ===========
In the report                                               becomes
==========================================================  ===========
``<`` unless a number follows (``<5 mm`` and ``<= 5`` stay)  ``‹`` (U+2039)
``[`` that begins a known chat token (``[INST]``, ``[|u|]``)  ``⟦`` (U+27E6)
``]~`` (chat tokens such as ``]~b]``)                       ``⟧~`` (U+27E7)
control, tag and surrogate characters                       ``�`` (U+FFFD)
==========================================================  ===========

Full-width forms (``＜``, ``［``) are treated alike, because some tokenizers fold them.
"""

from __future__ import annotations

import re

_CHAT_WORDS = (
    "INST|SYS|SYSTEM_PROMPT|MODEL_SETTINGS|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|CALL_ID|ARGS|THINK|PREFIX"
    "|SUFFIX|MIDDLE|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|BOS|EOS|PAD|UNK|CLS|SEP|MASK|gMASK|sMASK"
)

_LIVE = re.compile(
    r"(?P<angle>[<＜﹤](?!=?\s*[.,]?\d)|[<＜﹤](?=\w+[>＞﹥]))"
    rf"|(?P<opening>[\[［﹇](?=\s*[|｜]|e~|/?(?:{_CHAT_WORDS})[\]］﹈]))"
    r"|(?P<closing>[\]］﹈](?=[~<＜﹤]))"
    r"|(?P<unseen>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\U000e0000-\U000e007f])"
)
_HARMLESS = {"angle": "‹", "opening": "⟦", "closing": "⟧", "unseen": "\ufffd"}


def quote(text: str) -> str:
    """The text with every live character replaced; same length, and unchanged where it holds none."""
    return _LIVE.sub(lambda match: _HARMLESS[match.lastgroup or ""], text)
