"""README and docs stay true: every command and every Python snippet in them is run, in order, in one folder a file.

Commands are the lines that begin with ``$`` in ``console`` blocks. A ``yaml`` or ``python`` block whose first line is a
comment with a path is written to that file when its turn comes; other Python is run at the end. Training is cut to one
epoch here; figures in the docs are those of the full commands.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from radprompter.region import region_names

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(console|python|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.(?:yaml|py))\n")
SHORTER = {
    "imagetrain train": " --set train.epochs=1 --set data.min_positives=2",
    "imagetrain evaluate recipes": " --set train.epochs=1 --set data.min_positives=2",
    "radprompter run recipes/quickstart": " --set train.epochs=1 --set phantom.patients=60 --set data.min_positives=2",
    "radprompter run recipes/study/cross": " --set train.epochs=1 --set phantom.patients=60 --set evaluate.bootstrap=9",
    "radprompter run recipes/train": " --set train.epochs=1",
    "radprompter run recipes/study": " --set train.epochs=1 --set phantom.patients=30 --set data.min_positives=2",
    "radprompter phantom": " --patients 24",
}


def blocks(page: Path, kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text()) if found == kind]


def commands(page: Path) -> list[str]:
    return [command for text in blocks(page, "console") for command in commands_of(text)]


def commands_of(text: str) -> list[str]:
    return [line[2:] for line in text.replace("\\\n", " ").splitlines() if line.startswith("$ ")]


def write_file(text: str, folder: Path) -> None:
    named = FILE.match(text)
    if named:
        path = folder / named.group(1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def shorter(command: str) -> str:
    for beginning, settings in SHORTER.items():
        if command.startswith(beginning) and not command.endswith("--help"):
            return command + settings
    return command.replace("make ", f"make -C {ROOT} -n ", 1) if command.startswith("make ") else command


def run(command: str, cwd: Path, **variables: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, shell=True, cwd=cwd, env={**os.environ, "PATH": path, **variables},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with the templates and recipes of the project, as in a checkout."""
    for folder in ("templates", "recipes"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


RUNNABLE = [page for page in PAGES if commands(page) or blocks(page, "python")]
ABOUT_REAL_DATA = [page for page in RUNNABLE if "$DATA" in page.read_text()]


def run_page(page: Path, workplace: Path, **variables: str) -> None:
    for kind, text in BLOCK.findall(page.read_text()):
        write_file(text, workplace)
        for command in commands_of(text) if kind == "console" else ():
            if "vllm" not in command:  # what needs a running server is run by tests/flow/test_vllm_server.py
                run(shorter(command), workplace, **variables)
    if snippets := [text for text in blocks(page, "python") if not FILE.match(text)]:
        (workplace / "snippets.py").write_text("\n".join(snippets))
        run(f"{sys.executable} -W error::DeprecationWarning:__main__ snippets.py", workplace)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in RUNNABLE if p not in ABOUT_REAL_DATA], ids=lambda path: path.stem)
def test_every_command_and_snippet_of_a_page_works(page: Path, workplace: Path) -> None:
    run_page(page, workplace)


@pytest.mark.slow
@pytest.mark.parametrize("page", ABOUT_REAL_DATA, ids=lambda path: path.stem)
def test_every_command_of_a_page_about_real_data_works(page: Path, workplace: Path, shared: Path) -> None:
    run_page(page, workplace, DATA=str(shared / "data"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_readme_lists_every_region_and_top_folder() -> None:
    text = (ROOT / "README.md").read_text()
    for name in (
        *region_names(),
        "radprompter/",
        "imagetrain/",
        "templates/",
        "recipes/",
        "tests/",
        "benchmarks/",
        "docs/",
    ):
        assert name in text, name
