"""A starter folder for a new region: two example findings in English and German, and an optional override."""

from __future__ import annotations

import os
import re
from pathlib import Path

from radprompter.errors import TemplateError
from radprompter.files import write_text
from radprompter.region import REGION_FILE
from radprompter.shipped import shipped

STARTER = Path(__file__).parent / "starter"
FILES = (REGION_FILE, "system.en.jinja", "system.de.jinja")


def write_starter(region: str, templates: Path) -> list[Path]:
    """Write a commented starter folder that loads at once; the files written.

    Raises
    ------
    TemplateError
        If the name is not snake_case, or there is a folder of that name already; nothing is written then.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", region):
        raise TemplateError(f"{region!r}: expected a name in snake_case, such as wrist or lumbar_spine")
    folder = templates / region
    if folder.exists():
        raise TemplateError(
            f"{folder}: is there already, and nothing is overwritten; choose another name or --templates"
        )
    schema = os.path.relpath(shipped("schemas") / "region.json", folder)
    words = {"region": region, "title": region.replace("_", " ").capitalize(), "folder": str(folder), "schema": schema}
    for name in FILES:
        text = (STARTER / name).read_text(encoding="utf-8")
        for key, value in words.items():
            text = text.replace(f"__{key}__", value)
        write_text(folder / name, text)
    return [folder / name for name in FILES]
