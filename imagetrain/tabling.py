"""From evaluated studies to the tables of a paper: which files are read, and which are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imagetrain.evaluated import read_metrics
from imagetrain.evaluation.studies import side_by_side
from imagetrain.exports.latex import as_latex
from imagetrain.exports.several import TABLES, rows_as_csv, tables_of
from imagetrain.exports.text import as_markdown
from imagetrain.exports.word import document
from imagetrain.recipe import load_recipe
from radprompter.errors import InputError
from radprompter.files import is_up_to_date, read_json, stamp_inputs, write_bytes, write_stamp, write_text
from radprompter.shipped import find_recipe
from radprompter.terminal import Track, quiet
from radprompter.version import __version__

METRICS = Path("evaluate", "metrics.json")
AGREEMENT = Path("agree", "agreement.json")
FILES = (*(f"{name}.{kind}" for name in TABLES for kind in ("csv", "tex")), "tables.md", "tables.docx")


def tabulate(folders: Mapping[str, Path]) -> dict[str, Any]:
    """The numbers of several evaluated studies, and of their labels where these were held against a reference.

    Parameters
    ----------
    folders:
        Name -> output folder of a study.

    Raises
    ------
    InputError
        If a study is not evaluated yet, or studies were not evaluated alike.
    """
    return side_by_side(read_studies(folders), read_agreements(folders))


def run_tables(folders: Mapping[str, Path], out: Path, *, track: Track = quiet) -> dict[str, Any]:
    """Write the tables of several evaluated studies, unless they are up to date; the summary of the stage.

    Parameters
    ----------
    folders:
        Name -> output folder of a study.
    """
    inputs = [metrics_of(folder) for folder in folders.values()]
    inputs += [path for folder in folders.values() if (path := folder / AGREEMENT).is_file()]
    made_from = stamp_inputs({"version": __version__, "names": list(folders)}, inputs)
    up_to_date = is_up_to_date(out, made_from)
    if not up_to_date:
        write_tables(tabulate(folders), out)
        write_stamp(out, made_from, FILES)
    line = f"{len(folders)} studies side by side: {out}"
    return {"up_to_date": up_to_date, "n_failed": 0, "tables": str(out), "line": line}


def write_tables(found: Mapping[str, Any], out: Path) -> None:
    """Write the tables of `side_by_side`: as CSV, unrounded, and as a paper has them in LaTeX, Word and Markdown."""
    tables = tables_of(found)
    for name, table in tables.items():
        write_text(out / f"{name}.csv", rows_as_csv(found, name))
        write_text(out / f"{name}.tex", as_latex(table, name))
    write_text(out / "tables.md", "\n".join(as_markdown(table) for table in tables.values()))
    write_bytes(out / "tables.docx", document([table for table in tables.values() if table.rows], title="Tables"))


def name_studies(arguments: Iterable[str]) -> dict[str, Path]:
    """Output folders of studies by name; each is given as a recipe or as the folder, ``NAME=`` before it if one likes.

    A recipe of several studies stands for all of them. Without a name a study has the title of its recipe.

    Raises
    ------
    InputError
        If one is not evaluated yet, or two have the same name.
    """
    folders: dict[str, Path] = {}
    for text in arguments:
        found = None if Path(text).exists() else re.match(r"([^=/\\]+)=(.+)", text)
        name, place = (found[1].strip(), Path(found[2])) if found else ("", Path(text))
        for own, folder in _folders_at(place).items():
            title = name or own or str(read_metrics(metrics_of(folder)).get("study", {}).get("title") or folder.name)
            if title in folders:
                raise InputError(f"two studies are called {title!r}; name one of them: NAME={place}")
            folders[title] = folder
    return folders


def _folders_at(place: Path) -> dict[str, Path]:
    """Folders of the studies that an argument stands for, by the names that a recipe gives them."""
    if place.is_dir():
        return {"": place}
    recipe = load_recipe(find_recipe(place))
    if recipe.studies:
        return {name: recipe.out / name for name in recipe.studies}
    return {"": recipe.out}


def metrics_of(folder: Path) -> Path:
    """The file with a study's metrics.

    Raises
    ------
    InputError
        If the study is not evaluated yet.
    """
    path = folder / METRICS
    if not path.is_file():
        raise InputError(f"{path}: no such file; evaluate the study first: imagetrain evaluate RECIPE --out {folder}")
    return path


def read_studies(folders: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Metrics of evaluated studies by name."""
    return {name: read_metrics(metrics_of(folder)) for name, folder in folders.items()}


def read_agreements(folders: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Agreement of the labels with a reference, by name of the study, of those that have one.

    Raises
    ------
    InputError
        If one is not what `radprompter agree` writes.
    """
    paths = {name: path for name, folder in folders.items() if (path := folder / AGREEMENT).is_file()}
    return {name: _read_agreement(path) for name, path in paths.items()}


def _read_agreement(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except ValueError:
        content = None
    if not isinstance(content, dict) or not {"numbers", "groups", "n_reports"} <= set(content):
        raise InputError(f"{path}: not what `radprompter agree` writes; run it again, or take the file away")
    return content
