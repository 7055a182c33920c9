"""The benchmark of the evaluation runs, and stops where a result differs from that of another program."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmarked import run_script


def test_the_test_of_two_references_is_tried_with_and_without_a_difference() -> None:
    rows = [line.strip("|").split("|") for line in run_script("reference_tests.py", "--tables", "40").splitlines()[2:]]
    shares = [[float(cell.strip(" %")) for cell in row[3:]] for row in rows]
    assert len(rows) == 6
    for (significant, *_), (of_a_real_one, *_) in zip(shares[::2], shares[1::2], strict=True):
        assert significant < 20 < of_a_real_one
    assert all(abs(expected - seen) < 0.03 for *_, expected, seen in shares)


def test_the_programs_are_timed_side_by_side_and_give_the_same_numbers(tmp_path: Path) -> None:
    printed = run_script("evaluation_speed.py", "--quick", "--markdown", tmp_path / "speed.md")
    assert (tmp_path / "speed.md").read_text() == printed
    assert re.search(r"\| 1,000 \| [\d.]+ ms \|", printed)
    assert re.search(r"30 resamples x 500 studies x 3 findings", printed)
    assert float(re.search(r"Largest difference of a resample: (\S+)\.", printed)[1]) <= 1e-12
    assert "scaled from 5 resamples" in printed
    if shutil.which("Rscript") is None:
        assert "pROC is left out" in printed
