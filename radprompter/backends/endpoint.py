"""Where an endpoint is, whether requests may go there, and with which key."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from radprompter.addresses import is_on_this_machine
from radprompter.errors import RecipeError

NO_KEY = "EMPTY"
"""What is sent as key to an endpoint on this machine that needs none."""


def check_address(base_url: str, *, remote: str) -> str:
    """The address of an endpoint, if the recipe allows it.

    Raises
    ------
    RecipeError
        If it is no http address, carries a password, or is not on this machine and `remote` is not ``allow``.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecipeError("label.backend.base_url: expected an address such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query:
        raise RecipeError("label.backend.base_url: keys belong into an environment variable (api_key_env), not here")
    if remote != "allow" and not is_on_this_machine(parts.hostname):
        raise RecipeError(
            f"label.backend.base_url: {parts.hostname} is not on this machine, and reports would be sent there; "
            "write `remote: allow` beside it if they may leave this machine"
        )
    return base_url.rstrip("/")


def goes_elsewhere(settings: Any) -> bool:
    """Whether any address in a backend's settings is not on this machine, wherever it stands in them."""
    if isinstance(settings, Mapping):
        return any(goes_elsewhere(value) for value in settings.values())
    if isinstance(settings, (list, tuple, set, frozenset)):
        return any(goes_elsewhere(value) for value in settings)
    if not isinstance(settings, str) or "://" not in settings:
        return False
    try:
        host = urlsplit(settings).hostname
    except ValueError:
        return True
    return not host or not is_on_this_machine(host)


def find_key(name: str, base_url: str, *, keyring: str | None = None) -> str:
    """The key in an environment variable, or else in the keyring as ``service/user``.

    `NO_KEY` for an endpoint on this machine without one.

    Raises
    ------
    RecipeError
        If there is none and the endpoint is elsewhere, or what was found cannot be sent as a key.
    """
    key = os.environ.get(name, "").strip() or (_ask_keyring(keyring) if keyring else "")
    local = is_on_this_machine(urlsplit(base_url).hostname or "")
    if not key and not local:
        lacking = f" and the keyring has none as {keyring}" if keyring else ""
        raise RecipeError(
            f"label.backend.api_key_env: the environment variable {name} with the key is not set{lacking}"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise RecipeError("label.backend: the key has white space or characters beyond ASCII; set it again")
    return key or NO_KEY


def _ask_keyring(entry: str) -> str:
    """The key of an entry ``service/user``; empty if the keyring has none."""
    service, _, user = entry.rpartition("/")
    try:
        keys = importlib.import_module("keyring")
    except ImportError:
        raise RecipeError(
            "label.backend.api_key_keyring: needs the package keyring; pip install 'radprompter-imagetrain[keyring]'"
        ) from None
    try:
        found = keys.get_password(service, user)
    except Exception as error:  # each kind of keyring has errors of its own
        kind = type(error).__name__
        raise RecipeError(f"label.backend.api_key_keyring: the keyring cannot be read ({kind}); unlock it") from None
    return (found or "").strip()
