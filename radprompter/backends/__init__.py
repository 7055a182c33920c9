"""Labelers: a name in a recipe becomes an object that turns prompts into completions."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from radprompter.backends.base import Backend
from radprompter.errors import RecipeError
from radprompter.region import Region
from radprompter.typed_yaml import Document, validate

BACKENDS: Mapping[str, str] = {
    "rules": "radprompter.rules.backend:RulesBackend",
    "openai": "radprompter.backends.openai:OpenAIBackend",
    "scripted": "radprompter.backends.scripted:ScriptedBackend",
}
"""Name in a recipe -> where the class is; imported on use."""


def open_backend(settings: Mapping[str, Any], region: Region) -> Backend:
    """The backend that a recipe's `backend` section describes.

    Raises
    ------
    RecipeError
        If the name is unknown, or a setting is.
    """
    name = settings.get("name")
    if name not in BACKENDS:
        raise RecipeError(f"label.backend.name: unknown backend {name!r}; known: {', '.join(BACKENDS)}")
    module, _, attribute = BACKENDS[str(name)].partition(":")
    backend = getattr(importlib.import_module(module), attribute)
    document = Document(f"label.backend ({name})", {k: v for k, v in settings.items() if k != "name"}, {})
    opened: Backend = backend(validate(backend.Options, document), region)
    return opened
