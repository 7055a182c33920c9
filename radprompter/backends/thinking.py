"""Thinking that comes with a reply: told apart from it, and held against the switch in `extra_body`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from radprompter.backends.chat import Reply

if TYPE_CHECKING:
    from radprompter.backends.canary import Canary

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


def check_thinking(canary: Canary, reply: Reply) -> dict[str, Any]:
    """Whether a reply came with thinking.

    Raises
    ------
    BackendError
        If it is switched off and came, or is switched on and did not.
    """
    thought, _ = divide_thinking(reply)
    thinks, wanted = bool(thought or reply.reasoning_tokens), is_switched(canary.options.extra_body)
    if thinks and wanted is False:
        raise canary.unproven(
            "thinks although that is switched off in extra_body: its model has another switch, or none; "
            "find it in the model's chat template, or take the setting away and give more max_tokens"
        )
    if wanted and not thinks:
        raise canary.unproven(
            "does not think although that is switched on in extra_body: where answers are constrained, vLLM needs "
            "--reasoning-parser to let thinking come first; else the model's chat template has another switch"
        )
    return {"thinking": thinks}
