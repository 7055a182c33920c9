"""Where an endpoint is, whether requests may go there, and with which key."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from radprompter.addresses import is_on_this_machine
from radprompter.errors import RecipeError

if TYPE_CHECKING:
    from radprompter.backends.request import OpenAIOptions

NO_KEY = "EMPTY"
"""What is sent as key to an endpoint on this machine that needs none."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go; `headers` carry the key, and `proxy` is asked to pass them on, where there is one."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    proxy: str | None = None

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.url).netloc


def find_addresses(options: OpenAIOptions) -> tuple[Address, ...]:
    """All addresses of a model, `base_url` first, each as the recipe allows it and with its key.

    Raises
    ------
    RecipeError
        If one may not be asked, or there is no key for it.
    """
    base_urls = [check_address(options.base_url, remote=options.remote)]
    base_urls += [check_address(url, remote=options.remote, setting="replicas") for url in options.replicas]
    if goes_elsewhere(base_urls) and not goes_elsewhere(base_urls[0]):
        raise RecipeError(
            "label.backend.replicas: one is not on this machine while base_url is; swap them, so that what becomes of "
            "the reports is seen at the first address"
        )
    return tuple(_address(url, options) for url in dict.fromkeys(base_urls))


def _address(base_url: str, options: OpenAIOptions) -> Address:
    """Where chat completions are asked for at an endpoint.

    Source for Azure: https://learn.microsoft.com/azure/ai-foundry/openai/reference, "Chat completions".
    """
    key = find_key(options.api_key_env, base_url, keyring=options.api_key_keyring)
    proxy = find_proxy(base_url)
    if options.azure is None:
        return Address(f"{base_url}/chat/completions", {"authorization": f"Bearer {key}"}, proxy)
    deployment = quote(options.azure.deployment or options.model, safe="")
    url = f"{base_url}/openai/deployments/{deployment}/chat/completions?api-version={options.azure.api_version}"
    return Address(url, {"api-key": key}, proxy)


def find_proxy(base_url: str) -> str | None:
    """The proxy that the environment names for an endpoint elsewhere; one on this machine is asked without."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_on_this_machine(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def check_address(base_url: str, *, remote: str, setting: str = "base_url") -> str:
    """The address of an endpoint, if the recipe allows it.

    Raises
    ------
    RecipeError
        If it is no http address, carries a password, or is not on this machine and `remote` is not ``allow``.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecipeError(f"label.backend.{setting}: expected an address such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query:
        raise RecipeError(f"label.backend.{setting}: keys belong into an environment variable (api_key_env), not here")
    if remote != "allow" and not is_on_this_machine(parts.hostname):
        raise RecipeError(
            f"label.backend.{setting}: {parts.hostname} is not on this machine, and reports would be sent there; "
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
