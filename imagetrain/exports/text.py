"""Tables as plain text: Markdown, and the data of plots as CSV."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from imagetrain.exports.table import Table
from radprompter.spreadsheet import csv_text

TAG = re.compile(r"<(?=[A-Za-z/!?])")


def as_markdown(table: Table) -> str:
    """The table with its title and note."""
    lines = [table.header, ["---"] * len(table.header), *table.rows]
    cells = ("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)
    return "\n".join([f"**{table.title}**", "", *cells, "", table.note, ""])


def as_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as CSV that no spreadsheet runs as formulas; None is blank, numbers are not rounded."""
    return csv_text(header, (["" if cell is None else cell for cell in row] for row in rows))


def _cell(text: str) -> str:
    return TAG.sub(r"\<", text.replace("|", "\\|").replace("\n", " "))
