"""The tables that a recipe names: labels, studies and images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from imagetrain.radiographs.cache import ImageFile
from imagetrain.recipe import Data, Images, Studies
from radprompter.errors import RecipeError, SchemaError, TableError
from radprompter.files import read_table
from radprompter.label_table import LabelTable
from radprompter.labels import FindingSpec, LabelSchema


class StudyRow(NamedTuple):
    """Whose study it is and where it was made."""

    study_id: str
    patient_id: str
    site: str


def read_labels(data: Data) -> LabelTable:
    """The label table of a recipe, as `read_label_table` reads it."""
    return read_label_table(data.labels, data.findings, id_column=data.studies.id)


def read_label_table(path: Path, findings: Sequence[str] | None, *, id_column: str) -> LabelTable:
    """A label table: what `radprompter label` wrote, or a table of one's own.

    A table of one's own has one row a study and one column a finding, with states (``positive``) or CheXpert codes
    (1, 0, -1, blank).

    Parameters
    ----------
    findings:
        The columns to read in a table of one's own.
    id_column:
        The column with the study's id in a table of one's own.

    Raises
    ------
    TableError
        If the file is absent, cannot be read, or holds what is no state.
    SchemaError
        If it is Parquet but no label table.
    RecipeError
        If it is a table of one's own and the recipe does not name its findings.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise TableError(f"{path}: no such label table; write it with `radprompter label`")
    if path.suffix != ".parquet":
        if findings is None:
            raise RecipeError(f"data.findings: name the columns of {path} that are findings")
        schema = LabelSchema(path.stem, tuple(FindingSpec(name, title=name) for name in findings))
        table = LabelTable.from_wide(read_table(path), schema, source=str(path), id_column=id_column)
        absent = [name for name in findings if name not in table.schema.names]
        if absent:
            raise TableError(f"{path}: no column {', '.join(map(repr, absent))}, which data.findings names")
        return table
    try:
        return LabelTable.from_arrow(pq.read_table(path))
    except (pa.ArrowInvalid, OSError):
        raise TableError(f"{path}: not a Parquet file; expected the labels.parquet of `radprompter label`") from None
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from None


def read_label_schema(data: Data) -> LabelSchema:
    """The schema of a recipe's label table; raises as `read_labels` does."""
    import pyarrow.parquet as pq

    if data.labels.suffix != ".parquet":
        return read_labels(data).schema
    return LabelTable.from_arrow(pq.read_schema(data.labels).empty_table()).schema


def read_studies(recipe: Studies) -> list[StudyRow]:
    """The table of studies, in its order.

    Raises
    ------
    TableError
        If a column is absent, a study id repeats, or a study has no patient.
    """
    columns = [recipe.id, recipe.patient, *([recipe.site] if recipe.site else [])]
    frame = read_table(recipe.path, required=columns)
    texts = texts_of(frame, columns)
    sites = texts[recipe.site] if recipe.site else [""] * len(frame)
    rows = [StudyRow(*row) for row in zip(texts[recipe.id], texts[recipe.patient], sites, strict=True)]
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        if row.study_id in seen:
            raise TableError(f"{recipe.path}:{line}: study {row.study_id!r} stands twice; expected one row a study")
        if not row.study_id.strip():
            raise TableError(f"{recipe.path}:{line}: a row without {recipe.id}: whose study is it?")
        if not row.patient_id.strip():
            raise TableError(f"{recipe.path}:{line}: study {row.study_id!r} has no {recipe.patient}")
        seen.add(row.study_id)
    return rows


def read_image_files(recipe: Images, views: Sequence[str]) -> list[ImageFile]:
    """The files of the wanted views, in the order of the table, under the names that the recipe gives to its views.

    Where the files' tags say the views, all files of the table, each with the view ``""``.

    Raises
    ------
    TableError
        If a column is absent, or no image has a wanted view.
    RecipeError
        If two views are wanted of a table without a column of views.
    """
    column = recipe.view if recipe.view_from == "table" else None
    if recipe.view_from == "table" and recipe.view is None and len(views) > 1:
        raise RecipeError(f"data.views names {len(views)} views, but data.images.view is null: which file is which?")
    columns = [recipe.id, recipe.file, *([column] if column else [])]
    texts = texts_of(read_table(recipe.path, required=columns), columns)
    root = recipe.root if recipe.root is not None else recipe.path.parent
    rows = list(zip(texts[recipe.id], texts[recipe.file], strict=True))
    for line, (study, _) in enumerate(rows, start=2):
        if not study.strip():
            raise TableError(f"{recipe.path}:{line}: a row without {recipe.id}: whose image is it?")
    if recipe.view_from == "dicom":
        return list(dict.fromkeys(ImageFile(study, "", root / file) for study, file in rows))
    words = texts[column] if column else [views[0]] * len(rows)
    names = view_names(recipe, views)
    named = [(names.get(word.strip().casefold()), *row) for word, row in zip(words, rows, strict=True)]
    images = dict.fromkeys(ImageFile(study, view, root / file) for view, study, file in named if view is not None)
    absent = [view for view in views if not any(image.view == view for image in images)]
    if absent:
        raise TableError(f"{recipe.path}: no image has view {absent[0]!r}; it has: {', '.join(sorted(set(words)))}")
    return list(images)


def view_names(recipe: Images, views: Sequence[str]) -> dict[str, str]:
    """Word, in lower case, -> the view that it means: the recipe's own names, and the words that stand for them."""
    return {view.casefold(): view for view in views} | {
        word.casefold(): view for word, view in recipe.view_names.items() if view in views
    }


def texts_of(frame: Any, columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns of a frame as text; a cell that is absent is empty, and a whole number has no decimals.

    In Parquet and JSON, numbers of a column in which one is absent are read as 1.0, 2.0.
    """
    texts = {}
    for name in columns:
        cells = ("" if absent else cell for cell, absent in zip(frame[name], frame[name].isna(), strict=True))
        texts[name] = [str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell) for cell in cells]
    return texts
