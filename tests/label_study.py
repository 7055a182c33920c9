"""A small study to label: a region folder with prompts, a table of reports, and a recipe, all in one folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from small_region import small_region

from radprompter.recipe import StudyRecipe, load_recipe

ANSWER = json.dumps({"fracture": "present", "effusion": "absent", "no_finding": "not mentioned"})


def write_reports(path: Path, texts: dict[str, str]) -> None:
    """A table of reports with one text column."""
    rows = [f'{report_id},"{text}"' for report_id, text in texts.items()]
    path.write_text("\n".join(["report_id,text", *rows]) + "\n", encoding="utf-8")


def write_recipe(folder: Path, backend: dict[str, Any], **label: Any) -> Path:
    """A recipe that labels ``reports.csv`` of the folder with the small region."""
    small_region(folder / "templates")
    reports = {"path": str(folder / "reports.csv"), "text": "text"}
    section = {
        "reports": reports,
        "region": "wrist",
        "templates": str(folder / "templates"),
        "backend": backend,
        **label,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"name": "wrist", "out": str(folder / "out"), "label": section}))
    return path


def study(folder: Path, backend: dict[str, Any], texts: dict[str, str], **label: Any) -> StudyRecipe:
    """The loaded recipe, after its files are written."""
    write_reports(folder / "reports.csv", texts)
    return load_recipe(write_recipe(folder, backend, **label))


def start(recipe: Path) -> subprocess.Popen[str]:
    """`radprompter label` of a recipe, in a process that can be interrupted."""
    return subprocess.Popen(
        [sys.executable, "-c", "from radprompter.cli.app import main; main()", "label", str(recipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell that runs the tests in the background has interrupts ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
