"""`radprompter doctor`: what is installed here, which backends can be opened, and what a recipe's endpoint can do."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from radprompter.options import AsJson, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "core": (
        "aiohttp", "jinja2", "json-repair", "numpy", "openai", "orjson", "pandas", "pyarrow", "pydantic", "PyYAML",
        "rich", "scipy", "typer",
    ),
    "phantom": ("pillow", "pydicom"),
    "train": (
        "isal", "matplotlib", "monai", "opencv-python-headless", "pillow", "pydicom", "pylibjpeg", "python-docx",
        "safetensors", "scikit-learn", "timm", "torch", "torchvision",
    ),
    "evaluate": ("python-docx", "scikit-learn"),
    "vllm": ("vllm",),
    "ray": ("ray",),
    "tokens": ("tokenizers",),
}  # fmt: skip
"""The extras of this project and the distributions that each needs."""

NVIDIA_SMI_TIMEOUT_S = 20


@guarded
def doctor(
    recipe: Annotated[Path | None, typer.Argument(help="Ask this recipe's endpoint what it can do.")] = None,
    settings: Settings = None,
    json: AsJson = False,
) -> int:
    """Show what is installed, which backends can be opened, and (of a recipe) what its endpoint can do.

    The endpoint is asked a few made-up questions and sees no report. Exit code 1 if a core package is absent, or the
    endpoint does not do what the recipe needs.
    """
    versions = {extra: {name: _version(name) for name in names} for extra, names in PACKAGES.items()}
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "version": _version("radprompter-imagetrain"),
        "packages": versions,
        "gpus": find_gpus(),
        "backends": check_backends(),
    }
    if recipe is not None:
        facts["endpoint"] = check_endpoint(recipe, settings or ())
    if json:
        print_json(facts)
    else:
        _show(facts)
    sound = all(versions["core"].values()) and "problem" not in facts.get("endpoint", {})
    return DONE if sound else DONE_WITH_FAILURES


def find_gpus() -> list[str] | str:
    """Name, memory and driver of each NVIDIA GPU; or why there is none to list."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "none found (no nvidia-smi on the path)"
    command = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=NVIDIA_SMI_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"unknown: nvidia-smi gave no answer ({type(error).__name__})"
    if answer.returncode:
        return f"none usable: nvidia-smi ended with code {answer.returncode}"
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()] or "none found"


def check_backends() -> dict[str, str]:
    """Whether each backend's code can be loaded: ``ready``, or what is missing. Nothing is connected."""
    from radprompter.backends import BACKENDS, find_backend

    found = {}
    for name in BACKENDS:
        try:
            reads = find_backend(name).reads
        except ImportError as error:
            found[name] = f"cannot be opened: {error.name or 'a module'} is not installed"
            continue
        found[name] = f"ready; sends {'messages' if reads == 'messages' else 'nothing, reads reports itself'}"
    if importlib.util.find_spec("vllm") is None:
        found["vllm-offline"] = "cannot be opened: vllm is not installed"
    if found.get("openai", "").startswith("ready"):
        key = "set" if os.environ.get("OPENAI_API_KEY") else "not set"
        found["openai"] += f"; OPENAI_API_KEY is {key}"
    return found


def check_endpoint(recipe: Path, settings: Sequence[str]) -> dict[str, Any]:
    """What the endpoint of a recipe was proven to do, or the `problem`; nothing where no endpoint is asked.

    Raises
    ------
    InputError
        If the recipe cannot be used.
    """
    from radprompter.backends import open_backend
    from radprompter.errors import BackendError, RecipeError
    from radprompter.labeling.section import label_template
    from radprompter.recipe import load_recipe
    from radprompter.records import Report
    from radprompter.shipped import find_recipe

    section = load_recipe(find_recipe(recipe), settings=settings).label
    if section is None:
        raise RecipeError(f"{recipe}: no `label` section, so no endpoint to ask")
    template = label_template(section)
    wanted = {"canary": True} if "canary" in section.backend else {}
    with closing(open_backend({**section.backend, **wanted}, template.region)) as backend:
        made_up = template.prompts(Report("made_up", {"report": "Nothing."}), reads=backend.reads)
        try:
            return dict(backend.prove(made_up[0].turns))
        except BackendError as error:
            return {"problem": str(error), "kind": error.kind}


def _version(distribution: str) -> str | None:
    """The installed version, read without importing the package."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _show(facts: Mapping[str, Any]) -> None:
    out = console()

    def say(name: str, value: object, *, bad: bool = False) -> None:
        out.print(f"{name:<12}{value}", markup=False, soft_wrap=True, style="red" if bad else None)

    say("radprompter", facts["version"] or "not installed as a package (run from a checkout)")
    say("python", f"{facts['python']} ({facts['executable']})")
    say("platform", f"{facts['platform']}, {facts['cpus']} CPUs")
    gpus = facts["gpus"]
    say("gpu", gpus if isinstance(gpus, str) else "; ".join(gpus))
    out.print("\npackages", style="bold")
    for extra, packages in facts["packages"].items():
        absent = [name for name, version in packages.items() if version is None]
        present = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
        say(extra, present or "nothing installed")
        if absent:
            remedy = "" if extra == "core" else f" (pip install 'radprompter-imagetrain[{extra}]')"
            say("", f"absent: {', '.join(absent)}{remedy}", bad=extra == "core")
    out.print("\nbackends", style="bold")
    for name, state in facts["backends"].items():
        say(name, state)
    if "endpoint" in facts:
        out.print("\nendpoint", style="bold")
        for name, value, bad in describe_endpoint(facts["endpoint"]):
            say(name, value, bad=bad)


def describe_endpoint(found: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Lines about an endpoint: what, how, and whether that is bad."""
    if "problem" in found:
        yield "problem", found["problem"], True
        return
    if not found:
        yield "none", "this backend asks no endpoint", False
        return
    for name, value in found["proven"].items():
        yield name, ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value), False
    tokens = found["tokens"]
    asked = f"{found['requests']} made-up questions, {tokens['prompt']} + {tokens['completion']} tokens"
    yield "asked", f"{found['model'] or 'an unnamed model'}: {asked}, {found['seconds']:.1f} s", False
