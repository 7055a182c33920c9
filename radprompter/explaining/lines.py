"""An explained report for the terminal: styled text, whose signs and brackets say the same without colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from radprompter.explaining.account import Account, FindingAccount, Weighed
from radprompter.explaining.marking import Group, MarkedSection, Piece, mark
from radprompter.labels import LabelState
from radprompter.pages.states import SIGNS

if TYPE_CHECKING:
    from rich.text import Text

STYLES = {
    LabelState.POSITIVE: "bold red",
    LabelState.NEGATIVE: "cyan",
    LabelState.UNCERTAIN: "bold yellow",
    None: "magenta",
}
MODIFIER, UNREAD, ENDS = "italic underline", "bright_black", "┊"
LEGEND = (
    "[+1 …] positive  [−2 …] negative  [?3 …] uncertain  [·4 …] says nothing of the present  "
    f"~…~ names, claims nothing  ‹…› modifier  {ENDS} end of a modifier's reach  grey: not read by the rules"
)


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters by which a report could command a terminal."""


def text_lines(account: Account) -> Iterator[Text]:
    """The report, section by section, with its mentions marked and numbered."""
    yield from map(_harmless, _text_lines(account))


def account_lines(account: Account) -> Iterator[Text]:
    """Finding by finding: state, rule, why, and each claim with its modifiers and what it came to."""
    yield from map(_harmless, _account_lines(account))


def _harmless(line: Text) -> Text:
    line.plain = _CONTROLS.sub("\ufffd", line.plain)
    return line


def _text_lines(account: Account) -> Iterator[Text]:
    from rich.text import Text

    for section in mark(account):
        title = section.name if section.is_read else f"{section.name} (not read by the rules)"
        yield Text(f"── {title} ──", style="bold" if section.is_read else UNREAD)
        yield _section(section)
        yield Text("")


def _account_lines(account: Account) -> Iterator[Text]:
    from rich.text import Text

    silent = [item.name for item in account.findings if not item.is_told]
    for item in account.findings:
        if item.is_told:
            yield from _finding(item)
    if silent:
        yield Text(f"not mentioned: {', '.join(silent)}", style=UNREAD)
    if account.unlabelled:
        yield Text(f"without a label in the label table: {', '.join(account.unlabelled)}", style=UNREAD)


def _section(section: MarkedSection) -> Text:
    from rich.text import Text

    shown = Text()
    for block in section.blocks:
        heading = "bold" if block.part else UNREAD
        if block.part == "addendum":
            shown.append("(addendum) ", style="bold magenta")
        elif block.part is None and section.is_read:
            shown.append("(not read) ", style=UNREAD)
        shown.append(block.heading, style=heading)
        for group in block.groups:
            _append(shown, group, is_read=block.part is not None)
    shown.rstrip()
    return shown


def _append(shown: Text, group: Group, *, is_read: bool) -> None:
    if not group.claims:
        for piece in group.pieces:
            _append_piece(shown, piece, "" if is_read else UNREAD)
        return
    style = STYLES[group.state]
    signs = dict.fromkeys(weighed.claim.state for weighed in group.claims)
    numbers = " ".join(
        SIGNS[state] + ",".join(str(one.number) for one in group.claims if one.claim.state is state) for state in signs
    )
    shown.append(f"[{numbers} ", style=style)
    for piece in group.pieces:
        _append_piece(shown, piece, STYLES[piece.state])
    shown.append("]", style=style)


def _append_piece(shown: Text, piece: Piece, style: str) -> None:
    if piece.ends:
        shown.append(ENDS, style="magenta")
    if piece.modifiers:
        shown.append(f"‹{piece.text}›", style=f"{style} {MODIFIER}".strip())
    elif piece.silent and not piece.claims:
        shown.append(f"~{piece.text}~", style=UNREAD)
    else:
        shown.append(piece.text, style=style)


def _finding(item: FindingAccount) -> Iterator[Text]:
    from rich.text import Text

    state = item.decision.state
    head = Text()
    head.append(f"{item.name:<28}", style="bold")
    head.append(f"{state.replace('_', ' '):<14}", style=STYLES.get(state, UNREAD))
    head.append(item.why)
    yield head
    if item.decision.rule:
        yield Text(f"    rule: {item.decision.rule}", style=UNREAD)
    yield from map(_claim, _by_outcome(item.claims))
    for one in item.silent:
        yield Text(f"    ~   “{one.words}”  {one.sentence.section}: {one.why}", style=UNREAD)
    if item.beside is not None:
        agrees = item.beside.state is state
        beside = Text("    ")
        beside.append("= " if agrees else "≠ ", style=UNREAD if agrees else "bold yellow")
        quoted = f" “{item.beside.evidence}”" if item.beside.evidence else ""
        beside.append(f"{item.beside.labeler}: {item.beside.state.replace('_', ' ')}{quoted}")
        yield beside


def _by_outcome(claims: Iterable[Weighed]) -> list[Weighed]:
    return sorted(claims, key=lambda one: (one.outcome != "decides", one.number))


def _claim(weighed: Weighed) -> Text:
    from rich.text import Text

    line = Text("    ")
    line.append(f"{SIGNS[weighed.claim.state]}{weighed.number:<3}", style=STYLES[weighed.claim.state])
    line.append(f"“{weighed.words}”")
    for modifier in reversed(weighed.chain):
        line.append(f" ← {modifier}")
    if weighed.others:
        line.append(f" (reached, not decided, by {', '.join(weighed.others)})", style=UNREAD)
    place = "addendum" if weighed.sentence.part == "addendum" else weighed.sentence.section
    line.append(f"  {place}: {weighed.why}", style="" if weighed.outcome == "decides" else UNREAD)
    return line
