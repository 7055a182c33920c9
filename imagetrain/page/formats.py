"""How numbers are printed: the same everywhere on the page."""

from __future__ import annotations

from typing import Any

from radprompter.pages.formats import decimal, limits, p_value, percent, signed

__all__ = ["decimal", "interval", "p_value", "percent", "signed"]


def interval(number: dict[str, Any], digits: int = 3, *, sign: bool = False) -> str:
    """The limits of a number in brackets; empty where undefined."""
    return limits(number.get("low"), number.get("high"), digits, sign=sign)
