"""One report and all that the rules make of it: every claim with its fate, as text, as a page and as data."""

from __future__ import annotations

from radprompter.explaining.account import Account, Beside, FindingAccount, Silent, Weighed
from radprompter.explaining.lines import account_lines, text_lines
from radprompter.explaining.page import explained_page
from radprompter.explaining.weighing import explain

__all__ = [
    "Account",
    "Beside",
    "FindingAccount",
    "Silent",
    "Weighed",
    "account_lines",
    "explain",
    "explained_page",
    "text_lines",
]
