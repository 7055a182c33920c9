"""How numbers are printed: the same everywhere on the page."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from radprompter.pages.formats import NONE, decimal, limits, p_value, percent, signed

__all__ = ["brief", "decimal", "interval", "p_value", "percent", "points", "signed"]


def interval(number: dict[str, Any], digits: int = 3, *, sign: bool = False) -> str:
    """The limits of a number in brackets; empty where undefined."""
    return limits(number.get("low"), number.get("high"), digits, sign=sign)


def brief(number: dict[str, Any] | None, digits: int = 3) -> Markup:
    """A number over its interval, for a cell; a dash where undefined."""
    if number is None or number["value"] is None:
        return escape(NONE)
    return Markup("{}<small>{}</small>").format(decimal(number["value"], digits), interval(number, digits))


def points(number: dict[str, Any]) -> Markup:
    """A difference of shares in percentage points over its interval, for a cell."""
    if number["value"] is None:
        return escape(NONE)
    value, low, high = (None if number[k] is None else 100 * number[k] for k in ("value", "low", "high"))
    return Markup("{}<small>{}</small>").format(signed(value, 1), limits(low, high, 1, sign=True))
