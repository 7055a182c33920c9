"""From evaluated studies to the tables of a paper: which files are read, and which are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from imagetrain.evaluation.studies import side_by_side
from imagetrain.recipe import load_recipe
from imagetrain.study_tables import TABLES, as_csv, as_markdown, tables_of
from radprompter.errors import InputError
from radprompter.files import read_json, write_text
from radprompter.shipped import find_recipe

METRICS = Path("evaluate", "metrics.json")


def make_tables(named: Iterable[str], out: Path | None = None) -> dict[str, Any]:
    """The numbers of several evaluated studies; also writes them as CSV and Markdown if there is a folder for them.

    Parameters
    ----------
    named:
        Recipes or output folders, as `read_studies` takes them.

    Raises
    ------
    InputError
        If a study is not evaluated yet, or studies were not evaluated alike.
    """
    found = side_by_side(read_studies(named))
    if out is not None:
        tables = tables_of(found)
        for name in TABLES:
            write_text(out / f"{name}.csv", as_csv(found, name))
        write_text(out / "tables.md", "\n".join(as_markdown(table) for table in tables.values()))
    return found


def read_studies(named: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Metrics of evaluated studies, each given as a recipe or an output folder, ``NAME=`` before it if it likes.

    Without a name a study is called by the title of its recipe.

    Raises
    ------
    InputError
        If one is not evaluated yet, or two have the same name.
    """
    studies: dict[str, dict[str, Any]] = {}
    for text in named:
        found = re.match(r"([^=/\\]+)=(.+)", text)
        name, place = (found[1].strip(), Path(found[2])) if found else ("", Path(text))
        path = _metrics_of(place)
        metrics = read_json(path)
        name = name or str(metrics.get("study", {}).get("title") or place.stem)
        if name in studies:
            raise InputError(f"two studies are called {name!r}; name one of them: NAME={place}")
        studies[name] = metrics
    return studies


def _metrics_of(place: Path) -> Path:
    if place.is_dir():
        path = place / METRICS
        remedy = f"give the output folder of a study, and evaluate it first: imagetrain evaluate RECIPE --out {place}"
    else:
        path = load_recipe(find_recipe(place)).out / METRICS
        remedy = f"evaluate it first: imagetrain evaluate {place}"
    if not path.is_file():
        raise InputError(f"{path}: no such file; {remedy}")
    return path
