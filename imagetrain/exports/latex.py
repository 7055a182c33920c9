"""A table as LaTeX: booktabs, and longtable where it does not fit on a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from imagetrain.exports.table import Table

NEEDS = ("array", "booktabs", "longtable", "pdflscape")
"""Packages of the preamble."""

MOST_ROWS, MOST_SIGNS = 38, 86
"""Rows of a page, and signs of an upright line, with three for each gap; wider tables lie on their side."""

WIDE, BROKEN = 34, 26
"""Signs of a text beyond which it is broken into lines, and the room that it then has."""

SIZES = ((130, r"\footnotesize"), (165, r"\scriptsize\setlength{\tabcolsep}{3pt}"))
SMALLEST = r"\tiny\setlength{\tabcolsep}{3pt}"
"""Size of letters by the signs of a line."""

SIGNS = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    '"': "''",
    "−": "$-$",
    "–": "--",
    "—": "---",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "·": r"$\cdot$",
    "…": r"\dots{}",
    "\u00a0": "~",
    "\u202f": r"\,",
    "α": r"$\alpha$",
    "κ": r"$\kappa$",
    "χ": r"$\chi$",
    "²": "$^2$",
}
BREAKS = re.compile(r"[\x00-\x1f\x7f]+")


def as_latex(table: Table, name: str) -> str:
    """The table as a float, or as a longtable if it has more than 38 rows; a wide one lies on its side.

    Its label is ``tab:NAME``. It needs the packages `NEEDS`. Cells are escaped, so a name from a table cannot become a
    command.
    """
    cells = [max((len(row[number]) for row in table.rows), default=0) for number in range(len(table.header))]
    heads = [_stacked(cell, room) for cell, room in zip(table.header, cells, strict=True)]
    longest = [max(room, *map(len, head)) for room, head in zip(cells, heads, strict=True)]
    rows, head = [_line(row) for row in table.grouped()], " & ".join(map(_head, heads)) + r" \\"
    columns = "".join(_column(number < table.n_text, signs) for number, signs in enumerate(longest))
    caption = f"\\caption{{{escape(table.title)}}}\\label{{tab:{_label(name)}}}"
    below = "\\par\\smallskip\\noindent\\begin{minipage}{\\linewidth}\\footnotesize"
    notes = [f"{below} {escape(table.note)}\\end{{minipage}}"] if table.note else []
    signs_of_line = sum((BROKEN if signs > WIDE else signs) + 3 for signs in longest)  # 3: the gap
    size = next((size for most, size in SIZES if signs_of_line <= most), SMALLEST)
    if len(rows) <= MOST_ROWS:
        body = ["\\toprule", head, "\\midrule", *rows, "\\bottomrule"]
        lines = ["\\begin{table}[htbp]", "\\centering", caption, size, f"\\begin{{tabular}}{{{columns}}}"]
        lines += [*body, "\\end{tabular}", *notes, "\\end{table}"]
    else:
        top = ["\\toprule", head, "\\midrule"]
        lines = [f"\\begingroup{size}", f"\\begin{{longtable}}{{{columns}}}", f"{caption}\\\\"]
        lines += [*top, "\\endfirsthead", *top, "\\endhead", "\\bottomrule", "\\endfoot"]
        lines += [*rows, "\\end{longtable}", *notes, "\\endgroup"]
    if signs_of_line > MOST_SIGNS:
        lines = ["\\begin{landscape}", *lines, "\\end{landscape}"]
    return "\n".join([f"% \\usepackage{{{','.join(NEEDS)}}}", *lines, ""])


def escape(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(SIGNS.get(sign, sign) for sign in BREAKS.sub(" ", text))


def _line(cells: Sequence[str]) -> str:
    return " & ".join(escape(cell) for cell in cells) + r" \\"


def _stacked(text: str, room: int) -> list[str]:
    """A header in two lines if it is longer than what stands below it."""
    words = text.split(" ")
    if len(text) <= room or len(words) == 1:
        return [text]
    cuts = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    return list(min(cuts, key=lambda lines: max(map(len, lines))))


def _head(lines: Sequence[str]) -> str:
    text = r" \\ ".join(escape(line) for line in lines)
    return text if len(lines) == 1 else f"\\shortstack{{{text}}}"


def _column(is_text: bool, signs: int) -> str:
    """Numbers to the right; text to the left, broken into lines where it is long."""
    if signs > WIDE:
        return r">{\raggedright\arraybackslash}p{0.28\linewidth}"
    return "l" if is_text else "r"


def _label(name: str) -> str:
    return re.sub(r"[^\w-]", "-", name, flags=re.ASCII)
