"""A table as a Word document: a real table with a caption, a header row that repeats, and a note."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from imagetrain.exports.table import Table
from radprompter.errors import InputError

WIDE = 6
"""Columns that an upright page has room for."""

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def as_docx(table: Table) -> bytes:
    """The table as a document; a wide one lies on its side."""
    return document([table], title=table.title)


def document(tables: Sequence[Table], *, title: str, text: Sequence[str] = (), aside: bool = False) -> bytes:
    """Tables one after the other, after some paragraphs of text; on its side if asked for, or if one is wide.

    Captions are numbered by Word itself (field ``SEQ Table``), so that a list of tables can be made of them.

    Raises
    ------
    InputError
        If the package python-docx is not installed.
    """
    try:
        from docx import Document
    except ImportError:
        raise InputError("Word tables need python-docx; pip install 'radprompter-imagetrain[evaluate]'") from None
    from docx.enum.section import WD_ORIENT
    from docx.shared import Pt

    made = Document()
    made.core_properties.title = clean(title)
    made.core_properties.author = ""
    section = made.sections[0]
    if aside or any(len(table.header) > WIDE for table in tables):
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
    made.styles["Normal"].font.size = Pt(9)
    for paragraph in text:
        made.add_paragraph(clean(paragraph))
    for number, table in enumerate(tables, start=1):
        _caption(made, number, table.title)
        _fill(made, table)
        if table.note:
            made.add_paragraph(clean(table.note)).runs[0].font.size = Pt(8)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def _caption(made: Any, number: int, title: str) -> None:
    caption = made.add_paragraph(style="Caption")
    caption.paragraph_format.keep_with_next = True
    caption.add_run("Table ")
    _field(caption, "SEQ Table \\* ARABIC", str(number))
    caption.add_run(f". {clean(title)}")


def _field(paragraph: Any, instruction: str, shown: str) -> None:
    """A field of Word, with what is shown until Word counts anew."""
    from docx.oxml import OxmlElement

    field = OxmlElement("w:fldSimple")
    field.set(_w("instr"), instruction)
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = shown
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def _fill(made: Any, table: Table) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    grid = made.add_table(rows=0, cols=len(table.header), style="Table Grid")
    for number, cells in enumerate([list(table.header), *table.grouped()]):
        row = grid.add_row()
        _mark(row, "cantSplit")
        if number == 0:
            _mark(row, "tblHeader")
        for column, (cell, text) in enumerate(zip(row.cells, cells, strict=True)):
            paragraph = cell.paragraphs[0]
            paragraph.add_run(clean(text)).bold = number == 0
            if column >= table.n_text:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _mark(row: Any, property_name: str) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement(f"w:{property_name}"))


def _w(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{name}"))


def clean(text: str) -> str:
    """Text without signs that XML cannot have."""
    return UNPRINTABLE.sub("", text)
