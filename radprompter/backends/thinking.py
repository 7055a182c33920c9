"""Thinking that comes with a reply: told apart from it, and how `extra_body` switches it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radprompter.backends.chat import Reply

BEGIN, END = "<think>", "</think>"

SWITCHES = ("enable_thinking", "thinking")
"""Names that chat templates have for it (Qwen, GLM, Gemma; DeepSeek, Granite)."""


def divide_thinking(reply: Reply) -> tuple[str, str]:
    """Thinking and answer of a reply; a template may have begun the thinking, and a reply may not come to its end."""
    thought, end, said = reply.text.rpartition(END)
    if not end and said.lstrip().startswith(BEGIN):
        thought, said = said, ""
    thoughts = (reply.reasoning or "", thought.replace(BEGIN, ""))
    return "\n".join(thoughts).strip(), said.strip()


def is_switched(extra_body: Mapping[str, Any]) -> bool | None:
    """Whether thinking is switched on or off for certain; an effort above none leaves it to the model."""
    settings = extra_body.get("chat_template_kwargs")
    for name in SWITCHES:
        if isinstance(settings, Mapping) and isinstance(settings.get(name), bool):
            return bool(settings[name])
    return False if extra_body.get("reasoning_effort") == "none" else None
