"""CSV that a spreadsheet may open: no cell of it is run as a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Any

_FORMULA = re.compile(r"'*[=+\-@\t\r\x00]")


def neutralise(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula: ``'`` is put before ``= + - @``, tab, CR and NUL (ASVS 1.2.10).

    `restore` undoes it exactly.
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """Inverse of `neutralise`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


class _Lines(list[str]):
    """Lines for the `csv` module, each ending in LF; it quotes what CR LF has, so a lone CR too."""

    def write(self, line: str) -> None:
        """Add a line."""
        self.append(line.removesuffix("\r\n") + "\n")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]], *, delimiter: str = ",") -> str:
    """A table as CSV, every text of which is neutralised."""
    lines = _Lines()
    writer = csv.writer(lines, delimiter=delimiter)
    writer.writerow(header)
    writer.writerows([neutralise(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return "".join(lines)
