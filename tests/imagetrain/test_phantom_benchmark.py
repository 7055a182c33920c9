"""The benchmark on the synthetic study runs, turns over the labels that it says, and draws what it found."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from benchmarked import BENCHMARKS, run_script

from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState

STATES = [LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.NOT_MENTIONED, LabelState.UNCERTAIN]


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.usefixtures("benchmarks")
def test_the_share_of_labels_is_turned_over_in_taught_studies_alone_and_uncertain_stays() -> None:
    from phantoms.study import flip

    schema = LabelSchema("two", (FindingSpec("fracture"), FindingSpec("effusion")))
    cells = [Cell(f"s{n}", finding, STATES[n % 4]) for n in range(4000) for finding in schema.names]
    table = LabelTable.from_cells(cells, schema)
    taught = frozenset(f"s{n}" for n in range(3000))
    before, after = (one.wide().to_numpy() for one in (table, flip(table, taught, share=0.2, seed=0)))
    changed = before != after
    assert not changed[3000:].any()
    assert not changed[before == "uncertain"].any()
    definite = before[:3000] != "uncertain"
    assert abs(changed[:3000][definite].mean() - 0.2) < 0.01
    assert set(after[changed & (before == "positive")]) == {"negative"}
    assert set(after[changed & (before != "positive")]) == {"positive"}
    other = flip(table, taught, share=0.2, seed=1).wide().to_numpy()
    assert (after != other).any()
    assert np.array_equal(flip(table, taught, share=0.0, seed=0).wide().to_numpy(), before)


def test_a_quick_run_has_views_policies_noise_and_a_figure_and_a_second_trains_nothing(tmp_path: Path) -> None:
    run_script("phantom_study.py", "--quick", "--out", tmp_path)
    tables = (tmp_path / "tables.md").read_text()
    for row in ("inclusive, two views", "exclusive, one view", "inclusive, two views − inclusive, one view"):
        assert f"| {row} |" in tables
    assert tables.count("| plain | ") == 2
    assert " 40 % |" in tables
    drawn = ElementTree.parse(tmp_path / "noise.svg").getroot()
    assert drawn.attrib["role"] == "img"
    weights = sorted(tmp_path.glob("*/train/*/model.safetensors"))
    times = [path.stat().st_mtime_ns for path in weights]
    run_script("phantom_study.py", "--quick", "--out", tmp_path)
    assert [path.stat().st_mtime_ns for path in weights] == times
    assert (tmp_path / "tables.md").read_text() == tables
