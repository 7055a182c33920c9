"""What subgroups an evaluation is by: the columns of a table of metadata that a recipe names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from imagetrain.evaluation.subgroups import NOT_RECORDED, Attribute, band_of, bands_of, read_age
from imagetrain.recipe import Metadata, StudyRecipe, SubgroupRecipe
from imagetrain.store import texts_of
from radprompter.errors import RecipeError, TableError
from radprompter.files import read_table

MOST_GROUPS = 30
BLANKS = ("", "nan", "none", "<na>")


def metadata_of(study: StudyRecipe) -> Metadata | None:
    """The table that a recipe's subgroups are read from; None without subgroups.

    Raises
    ------
    RecipeError
        If there are subgroups and no table.
    """
    recipe = study.evaluate
    if not recipe.subgroups:
        return None
    if recipe.metadata is not None:
        return recipe.metadata
    if study.data is None:
        raise RecipeError("evaluate.subgroups: name the table that has their columns: evaluate.metadata, a path and id")
    return Metadata(path=study.data.studies.path, id=study.data.studies.id)


def read_attributes(metadata: Metadata | None, subgroups: Mapping[str, SubgroupRecipe]) -> list[Attribute]:
    """The attributes that a recipe names; a blank cell is not recorded.

    Raises
    ------
    TableError
        If the table lacks a column, has two values for a study, something else than numbers or ages where there are
        bands, or too many values where there are none.
    """
    if metadata is None:
        return []
    columns = [one.column for one in subgroups.values()]
    frame = read_table(metadata.path, required=[metadata.id, *columns])
    texts = texts_of(frame, [metadata.id, *dict.fromkeys(columns)])
    ids = texts[metadata.id]
    return [_read(name, one, ids, texts[one.column], metadata.path) for name, one in subgroups.items()]


def _read(name: str, recipe: SubgroupRecipe, ids: Sequence[str], texts: Sequence[str], path: Path) -> Attribute:
    where = f"{path}, column {recipe.column!r}"
    group_of: dict[str, str] = {}
    for study, text in zip(ids, (text.strip() for text in texts), strict=True):
        group = NOT_RECORDED if text.casefold() in BLANKS else text
        if recipe.bands is not None and group is not NOT_RECORDED:
            value = read_age(text)
            if math.isnan(value):
                raise TableError(f"{where}: study {study!r}: expected a number, or an age such as 045Y")
            group = band_of(value, recipe.bands)
        if group_of.setdefault(study, group) != group:
            raise TableError(f"{where}: study {study!r} has rows with different values; give it one")
    if recipe.bands is not None:
        return Attribute(name, bands_of(recipe.bands), group_of)
    groups = tuple(sorted(set(group_of.values()) - {NOT_RECORDED}))
    if len(groups) > MOST_GROUPS:
        raise TableError(
            f"{where}: {len(groups)} different values, more than {MOST_GROUPS}; give `bands` if it is a number: "
            f"evaluate.subgroups.{name}.bands"
        )
    return Attribute(name, groups, group_of)
