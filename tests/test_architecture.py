"""The house as it is described: file lengths, recipes, exports, and what `--help` costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import imagetrain.recipe
import radprompter.recipe
from radprompter.region import region_names

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for package in ("radprompter", "imagetrain") for path in (ROOT / package).rglob("*.py"))
RECIPES = sorted((ROOT / "recipes").rglob("*.yaml"))
HEAVY = ("torch", "timm", "monai", "openai", "aiohttp", "vllm", "ray", "pandas", "sklearn", "matplotlib", "mlflow")


def test_sources_and_recipes_are_found() -> None:
    assert len(SOURCES) > 30
    assert len(RECIPES) > 5


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_passes_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_no_two_files_of_tests_have_one_name() -> None:
    """Two of one name are one module to pytest, which then runs only the first."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert not {name for name in names if names.count(name) > 1}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_understood_by_both_packages(path: Path) -> None:
    labeling = radprompter.recipe.load_recipe(path)
    training = imagetrain.recipe.load_recipe(path)
    assert labeling.out == training.out
    if labeling.label is not None:
        assert labeling.label.region in region_names()


def test_every_region_has_a_study_recipe() -> None:
    assert {path.stem for path in (ROOT / "recipes" / "study").glob("*.yaml")} >= set(region_names())


@pytest.mark.parametrize("command", ["radprompter", "imagetrain"])
def test_help_imports_nothing_heavy(command: str) -> None:
    probe = (
        f"import sys; sys.argv = ['{command}', '--help']\n"
        f"from {command}.cli.app import app\n"
        "try:\n    app()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_training_waits_for_no_import_that_it_can_do_without() -> None:
    """torch and timm take seconds to import; each of these would add one."""
    probe = (
        "import sys, imagetrain.run, imagetrain.evaluation.delong, imagetrain.evaluation.thresholds\n"
        "loaded = [name for name in ('scipy.stats', 'scipy.optimize', 'sklearn', 'torch') if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_packages_opens_no_socket() -> None:
    probe = (
        "import socket\n"
        "def refuse(*a, **k): raise SystemExit('a socket was opened')\n"
        "socket.socket = refuse\n"
        "import radprompter.run, radprompter.cli.app, imagetrain.cli.app, imagetrain.recipe\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
