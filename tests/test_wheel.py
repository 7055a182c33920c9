"""The wheel, installed into an empty environment, labels reports by itself: templates and recipes ship."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UV = (sys.executable, "-m", "uv")


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(*UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("radprompter_imagetrain-*.whl")
    run(*UV, "venv", "--quiet", folder / "venv", "--python", sys.executable, cwd=folder)
    run(*UV, "pip", "install", "--quiet", "--python", folder / "venv", "--constraint", ROOT / "constraints.txt", wheel,
        cwd=folder)  # fmt: skip
    return folder / "venv" / "bin"


def test_a_shipped_recipe_labels_reports_from_an_installed_wheel(environment: Path, tmp_path: Path) -> None:
    with (tmp_path / "reports.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "findings", "impression"])
        writer.writerow(["a", "Small left pleural effusion. No pneumothorax.", "Effusion."])
    run(environment / "radprompter", "label", "recipes/label/rules.yaml", "--out", "out", cwd=tmp_path)
    with (tmp_path / "out" / "label" / "labels.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["pleural_effusion"], row["pneumothorax"]) == ("1", "0")


def test_the_light_install_shows_its_regions_and_has_no_torch(environment: Path, tmp_path: Path) -> None:
    assert "elbow" in run(environment / "radprompter", "templates", cwd=tmp_path)
    probe = "import importlib.util as u; assert not u.find_spec('torch')"
    run(environment / "python", "-c", probe, cwd=tmp_path)
