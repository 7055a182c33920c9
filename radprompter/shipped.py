"""Where the shipped `templates/`, `recipes/` and `schemas/` are, in a checkout or in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """The shipped folder `templates`, `recipes` or `schemas`: inside the installed package, or atop a checkout."""
    installed = _PACKAGE / "shipped_files" / folder
    return installed if installed.is_dir() else _PACKAGE.parent / folder


def find_recipe(name: Path) -> Path:
    """The recipe file that a name means: an existing path, else a shipped one (``recipes/quickstart.yaml``)."""
    if name.exists() or name.is_absolute():
        return name
    inside = Path(*name.parts[1:]) if name.parts[0] == "recipes" else name
    found = shipped("recipes") / inside
    return found if found.is_file() else name
