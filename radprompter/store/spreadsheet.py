"""CSV that a spreadsheet may open: no cell of it is run as a formula."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\x00]")


def neutralise(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula: ``'`` is put before ``= + - @``, tab, CR and NUL (ASVS 1.2.10).

    `restore` undoes it exactly.
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """Inverse of `neutralise`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
