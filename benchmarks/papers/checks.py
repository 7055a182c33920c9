"""One derived number: what the paper prints, what we compute, and whether that is the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from papers.numbers import Printed

Verdict = Literal["same", "not the same", "not printed", "refused"]


class Check(NamedTuple):
    """A derived number, or a few that belong together, beside what the paper prints."""

    what: str
    paper: str
    ours: str
    verdict: Verdict
    why: str


def held(
    what: str,
    printed: Sequence[Printed],
    ours: Sequence[float],
    why: str,
    *,
    slack: float = 0.0,
    otherwise: str = "",
    decimals: int | None = None,
) -> Check:
    """Computed numbers beside printed ones: the same if all of them may be rounded to what is printed.

    Parameters
    ----------
    slack:
        How far the computed numbers may be off since they come from rounded ones.
    why, otherwise:
        What is said if they are the same, and if not.
    decimals:
        With which ours are shown; one more than the paper's if None.
    """
    same = all(one.is_rounded(other, slack=slack) for one, other in zip(printed, ours, strict=True))
    shown = [
        f"{other:.{one.decimals + 1 if decimals is None else decimals}f}"
        for one, other in zip(printed, ours, strict=True)
    ]
    return Check(
        what,
        "  ".join(one.text for one in printed),
        "  ".join(shown),
        "same" if same else "not the same",
        why if same else otherwise or why,
    )


def said(what: str, paper: str, ours: str, *, same: bool, why: str) -> Check:
    """What a paper says in words beside what its own numbers give."""
    return Check(what, paper, ours, "same" if same else "not the same", why)


def derived(what: str, ours: str, why: str) -> Check:
    """What follows from a paper's numbers and is not printed in it."""
    return Check(what, "–", ours, "not printed", why)
