"""How numbers are printed: the same on every page."""

from __future__ import annotations

NONE = "–"


def decimal(value: float | None, digits: int = 3) -> str:
    """A number with a fixed count of decimals; a dash where undefined."""
    if value is None:
        return NONE
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")  # adding zero takes the sign of minus zero


def signed(value: float | None, digits: int = 3) -> str:
    """A difference, with its sign."""
    if value is None:
        return NONE
    return f"{value:+.{digits}f}".replace("-", "−") if round(abs(value), digits) else f"{0:.{digits}f}"


def limits(low: float | None, high: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """The limits of an interval in brackets; empty where undefined."""
    if low is None or high is None:
        return ""
    if sign:
        return f"({signed(low, digits)} to {signed(high, digits)})"
    dash = " to " if low < 0 or high < 0 else "–"
    return f"({decimal(low, digits)}{dash}{decimal(high, digits)})"


def p_value(p: float | None) -> str:
    """A p value as journals print it: two or three decimals, never zero."""
    if p is None:
        return NONE
    if p < 0.001:
        return "<0.001"
    return f"{p:.3f}" if p < 0.1 else f"{min(p, 0.99):.2f}" if p < 0.995 else "1.00"


def percent(value: float | None) -> str:
    """A share in percent, with one decimal below ten."""
    if value is None:
        return NONE
    return f"{100 * value:.1f} %" if value < 0.0995 else f"{100 * value:.0f} %"


def count(value: float | None) -> str:
    """How many there are, thousands apart; one decimal where weights make it no whole number."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
