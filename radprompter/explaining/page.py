"""An explained report as one self-contained HTML page, in which every mention leads to its claim and back."""

from __future__ import annotations

from pathlib import Path

from radprompter.explaining.account import Account, Weighed
from radprompter.explaining.marking import Group, Piece, mark
from radprompter.pages import render_page
from radprompter.pages.states import kind, sign
from radprompter.prompting.preview import describe_omission

PAGE = Path(__file__).parent / "page" / "explain.html.jinja"


def explained_page(account: Account, *, title: str) -> str:
    """One self-contained page without scripts: the report with its mentions marked, then each finding and why.

    It holds the report's text.
    """
    tools = {"kind": kind, "sign": sign, "about": _about, "around": _around, "remark": _remark, "named": _named}
    return render_page(
        PAGE,
        title=title,
        account=account,
        sections=mark(account),
        omissions=describe_omission(account.report),
        **tools,
    )


def _about(group: Group) -> str:
    """What a mention says, for who points at it."""
    return "\n".join(_told(weighed) for weighed in group.claims)


def _told(weighed: Weighed) -> str:
    state = "nothing of the present" if weighed.claim.state is None else weighed.claim.state
    by = f", by {' and '.join(weighed.chain)}" if weighed.chain else ""
    return f"{weighed.number}. {weighed.claim.finding}: {state}{by}; {weighed.why}"


def _around(piece: Piece) -> str:
    """What a modifier or the end of a reach is, for who points at it."""
    modifiers = [f"{use.category} ({use.group}): “{use.phrase}”" for use in piece.modifiers]
    return "\n".join((*modifiers, *_remarks(piece)))


def _named(piece: Piece) -> str:
    """Why words that name a finding claim nothing of it."""
    return "\n".join(f"{name}: {one.why}" for name, one in piece.silent)


def _remark(piece: Piece) -> str:
    return "\n".join(_remarks(piece))


def _remarks(piece: Piece) -> list[str]:
    return [f"here ends the reach of the {scope.use.category} modifier, at: {scope.name}" for scope in piece.ends]
