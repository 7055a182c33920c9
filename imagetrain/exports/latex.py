"""A table as LaTeX: booktabs, and longtable where it does not fit on a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from imagetrain.exports.table import Table

NEEDS = ("array", "booktabs", "longtable", "pdflscape")
"""Packages of the preamble."""

MOST_ROWS, MOST_SIGNS, MOST_ASIDE, WIDE, BROKEN = 38, 86, 130, 34, 26
"""Rows of a page; signs of a line upright, and on its side; of a cell, where it is broken, and once it is."""

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
    rows, head = [_line(row) for row in table.grouped()], _line(table.header)
    longest = [max(len(row[number]) for row in (table.header, *table.rows)) for number in range(len(table.header))]
    columns = "".join(_column(number < table.n_text, signs) for number, signs in enumerate(longest))
    caption = f"\\caption{{{escape(table.title)}}}\\label{{tab:{_label(name)}}}"
    below = "\\par\\smallskip\\noindent\\begin{minipage}{\\linewidth}\\footnotesize"
    notes = [f"{below} {escape(table.note)}\\end{{minipage}}"] if table.note else []
    signs_of_line = sum((BROKEN if signs > WIDE else signs) + 3 for signs in longest)  # 3: the gap
    size = "\\footnotesize" if signs_of_line <= MOST_ASIDE else "\\scriptsize\\setlength{\\tabcolsep}{3pt}"
    if len(rows) <= MOST_ROWS:
        body = ["\\toprule", head, "\\midrule", *rows, "\\bottomrule"]
        lines = ["\\begin{table}[htbp]", f"\\centering{size}", caption, f"\\begin{{tabular}}{{{columns}}}"]
        lines += [*body, "\\end{tabular}", *notes, "\\end{table}"]
    else:
        heads = ["\\toprule", head, "\\midrule"]
        lines = [f"\\begingroup{size}", f"\\begin{{longtable}}{{{columns}}}", f"{caption}\\\\"]
        lines += [*heads, "\\endfirsthead", *heads, "\\endhead", "\\bottomrule", "\\endfoot"]
        lines += [*rows, "\\end{longtable}", *notes, "\\endgroup"]
    if signs_of_line > MOST_SIGNS:
        lines = ["\\begin{landscape}", *lines, "\\end{landscape}"]
    return "\n".join([f"% \\usepackage{{{','.join(NEEDS)}}}", *lines, ""])


def escape(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(SIGNS.get(sign, sign) for sign in BREAKS.sub(" ", text))


def _line(cells: Sequence[str]) -> str:
    return " & ".join(escape(cell) for cell in cells) + r" \\"


def _column(is_text: bool, signs: int) -> str:
    """Numbers to the right; text to the left, broken into lines where it is long."""
    if signs > WIDE:
        return r">{\raggedright\arraybackslash}p{0.28\linewidth}"
    return "l" if is_text else "r"


def _label(name: str) -> str:
    return re.sub(r"[^\w-]", "-", name, flags=re.ASCII)
