"""An answer that lost its opening brace: json_repair proposes an object, our own reader confirms each value."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from radprompter.answers.mending import UNSUPPORTED, TooDeepError, fold_key, mend_object

MAX_CHARACTERS = 4_000  # json_repair takes seconds on long texts, and on nested ones, which are refused, too


def read_braceless(text: str, keys: Collection[str]) -> dict[str, Any] | None:
    """The object that a text would be with its opening brace, with folded keys, or ``None`` if it would be none.

    json_repair also completes and moves values, so one counts only where `mend_object` reads the same beside the key.
    """
    from json_repair import repair_json

    text = text.strip().strip("`").removeprefix("json").strip()
    if not text.endswith("}") or "{" in text or "[" in text or len(text) > MAX_CHARACTERS:
        return None
    try:
        proposed = repair_json(text, return_objects=True, skip_json_loads=True)
        confirmed, _ = mend_object("{" + text, 0)
    except (ValueError, RecursionError, IndexError, TypeError, TooDeepError):
        return None
    if not isinstance(proposed, dict):
        return None
    values = {fold_key(str(key)): value for key, value in proposed.items()}
    if not any(key in keys for key in values):
        return None
    return {key: value if confirmed.get(key) == value else UNSUPPORTED for key, value in values.items()}
