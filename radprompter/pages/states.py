"""How a label state is shown: a sign and a CSS class (``states.css``), so that colour is never all there is."""

from __future__ import annotations

from collections.abc import Mapping

from radprompter.labels import LabelState

SIGNS: Mapping[LabelState | None, str] = {
    LabelState.POSITIVE: "+", LabelState.NEGATIVE: "−", LabelState.UNCERTAIN: "?", None: "·",
}  # fmt: skip
"""What stands for a state beside its colour; ``None`` says nothing of the present."""


def sign(state: LabelState | None) -> str:
    """The sign of a state; that of ``None`` where it has none of its own."""
    return SIGNS.get(state, SIGNS[None])


def kind(state: LabelState | None) -> str:
    """The class of what has a state."""
    return "silent" if state is None else state.replace("_", "-")
