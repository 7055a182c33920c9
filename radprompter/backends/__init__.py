"""Labelers: a name in a recipe becomes an object that turns prompts into completions."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from radprompter.backends.base import Backend
from radprompter.errors import RecipeError
from radprompter.region import Region
from radprompter.typed_yaml import Document, Section, validate

BACKENDS: Mapping[str, str] = {
    "rules": "radprompter.rules.backend:RulesBackend",
    "openai": "radprompter.backends.openai:OpenAIBackend",
    "vllm": "radprompter.backends.openai:VLLMBackend",
    "openai-batch": "radprompter.backends.batch:OpenAIBatchBackend",
    "vllm-offline": "radprompter.backends.offline:OfflineBackend",
    "scripted": "radprompter.backends.scripted:ScriptedBackend",
}
"""Name in a recipe -> where the class is; imported on use."""


class BackendChoice(NamedTuple):
    """A backend's class and its typed settings, before it is opened."""

    kind: type[Backend]
    options: Section


def choose_backend(settings: Mapping[str, Any]) -> BackendChoice:
    """The backend that a recipe's `backend` section names; nothing is connected or loaded.

    Raises
    ------
    RecipeError
        If the name is unknown, or a setting is.
    """
    name = settings.get("name")
    if name not in BACKENDS:
        raise RecipeError(f"label.backend.name: unknown backend {name!r}; known: {', '.join(BACKENDS)}")
    kind: type[Backend] = find_backend(str(name))
    document = Document(f"label.backend ({name})", {k: v for k, v in settings.items() if k != "name"}, {})
    return BackendChoice(kind, validate(kind.Options, document))


def find_backend(name: str) -> type[Backend]:
    """The class of a backend in `BACKENDS`."""
    module, _, attribute = BACKENDS[name].partition(":")
    kind: type[Backend] = getattr(importlib.import_module(module), attribute)
    return kind


def open_backend(settings: Mapping[str, Any], region: Region, *, folder: Path | None = None) -> Backend:
    """The backend that a recipe's `backend` section describes, ready to answer.

    A backend that keeps files, and whose settings do not say where, keeps them in `folder`.

    Raises
    ------
    RecipeError
        If the name is unknown, or a setting is.
    """
    kind, options = choose_backend(settings)
    if folder is not None and getattr(options, "folder", folder) is None:
        options = options.model_copy(update={"folder": folder})
    return kind(options, region)
