"""Who the model is told to be: a text of its own, `persona_NAME.LANGUAGE.jinja`, that the block `role` writes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from radprompter.errors import TemplateError
from radprompter.prompting.sandbox import Sandbox
from radprompter.prompting.sections import suggest
from radprompter.region import LANGUAGES

DEFAULT_PERSONA = "annotator"

_FILE = re.compile(rf"persona_(\w+)\.({'|'.join(LANGUAGES)})\.jinja")


def is_persona(file: str) -> bool:
    """Whether a file of that name is read as a persona."""
    return _FILE.fullmatch(file) is not None


def personas(folders: Iterable[Path], language: str) -> tuple[str, ...]:
    """Names of the personas in some folders, sorted."""
    files = (_FILE.fullmatch(path.name) for folder in folders for path in folder.glob("persona_*.jinja"))
    return tuple(sorted({file[1] for file in files if file and file[2] == language}))


def write_persona(name: str, language: str, sandbox: Sandbox, values: Mapping[str, Any]) -> str:
    """The text of a persona, which knows the region and neither report nor finding.

    Raises
    ------
    TemplateError
        If there is no such persona in that language, or its file is faulty.
    """
    known = personas(sandbox.folders, language)
    if name not in known:
        raise TemplateError(f"unknown persona {name!r}{suggest(name, known)} (a persona_NAME.{language}.jinja)")
    return sandbox.render(f"persona_{name}.{language}.jinja", values)
