"""The benchmark of preprocessing times ours and MONAI's on every kind of file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from imagetrain.radiographs.images import read_radiograph
from imagetrain.radiographs.squares import in_unit_range

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "preprocessing.py"
spec = importlib.util.spec_from_file_location("preprocessing", SCRIPT)
assert spec is not None and spec.loader is not None
preprocessing = importlib.util.module_from_spec(spec)
spec.loader.exec_module(preprocessing)


@pytest.mark.parametrize("kind", preprocessing.KINDS)
def test_each_kind_of_file_shows_the_scene(tmp_path: Path, kind: str) -> None:
    grey = preprocessing.scene(96, 80, 0)
    path = tmp_path / f"a.{'dcm' if kind.startswith('DICOM') else 'png'}"
    path.write_bytes(preprocessing.content(kind, grey))
    assert np.abs(in_unit_range(read_radiograph(path).pixels) - in_unit_range(grey)).mean() < 0.02


def test_a_row_of_the_table_is_printed_for_each_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--files", "1", "--rounds", "1", "--size", "32", "--shapes", "96x80", "--kinds", "JPEG", "DICOM raw"]
    monkeypatch.setattr(sys, "argv", ["preprocessing.py", *arguments])
    preprocessing.main()
    lines = [line for line in capsys.readouterr().out.splitlines() if "96x80" in line]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
    assert [row[0] for row in rows] == ["JPEG", "DICOM raw"]
    assert all(float(cell) > 0 for row in rows for cell in row[2:])
