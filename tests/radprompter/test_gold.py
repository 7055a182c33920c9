"""The benchmark of the rules against references: its arithmetic, and its reading of the false cells."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "rules_gold.py"


@pytest.fixture(scope="module")
def gold() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rules_gold", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["rules_gold"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reports(shared: Path) -> Path:
    return shared / "data/iu_reports"


def test_every_false_cell_is_judged_once_with_a_reason(gold: ModuleType) -> None:
    errors = gold.read_errors()
    assert len({(error.report_id, error.finding) for error in errors}) == len(errors) > 20
    for error in errors:
        assert error.finding in gold.READ
        assert {error.ours, error.gold} == {"0", "1"}
        assert error.kind in gold.KINDS
        assert 20 < len(error.why) < 200


def test_the_judged_cells_are_just_those_that_are_false_now(gold: ModuleType, reports: Path) -> None:
    held, nlm = gold.positives(reports), gold.read_references(reports).nlm
    judged = {(error.report_id, error.finding): error.ours for error in gold.read_errors()}
    assert {cell: str(int(cell[1] in held[cell[0]])) for cell in gold.false_cells(held, nlm)} == judged


def test_the_rules_are_as_good_as_the_docs_say(gold: ModuleType, reports: Path) -> None:
    known = gold.read_references(reports)
    held = gold.positives(reports)
    _, (micro, low, high) = gold._scores(gold.SUMMED, held, known.nlm, known.groups, 200)
    assert micro >= 0.95
    assert 0.01 < high - low < 0.04


def test_scores_are_those_of_the_counts_and_intervals_those_of_the_texts(gold: ModuleType) -> None:
    names = ["edema", "mass"]
    held = {"a": {"edema"}, "b": {"edema", "mass"}, "c": set(), "d": {"mass"}}
    reference = {"a": {"edema"}, "b": {"mass"}, "c": {"edema"}, "d": {"mass"}}
    groups = {"a": "1", "b": "2", "c": "3", "d": "2"}
    table, (micro, low, high) = gold._scores(names, held, reference, groups, 500)
    assert table[:, :3].tolist() == [[1, 1, 1], [2, 0, 0]]
    assert table[:, [3, 6, 9]].tolist() == [[0.5, 0.5, 0.5], [1, 1, 1]]
    assert table[1, [4, 5, 7, 8, 10, 11]].tolist() == [1] * 6
    assert (micro, low, high) == (0.5, 0, 1)  # edema alone is summed; a text may be drawn three times


def test_without_the_reports_the_benchmark_says_what_is_missing(tmp_path: Path) -> None:
    environment = {**os.environ, "RADPROMPTER_SHARED": str(tmp_path)}
    done = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == (
        f"skipped: no reports in {tmp_path}/data/iu_reports; set RADPROMPTER_SHARED to the folder that holds data/\n"
    )
