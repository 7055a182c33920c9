"""The benchmark of agreement runs, and has ours and the loop."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "agreement.py"


def test_a_small_benchmark_prints_ours_and_the_loop() -> None:
    size = ["--reports", "60", "--labelers", "2", "--findings", "3", "--rounds", "20"]
    done = subprocess.run([sys.executable, str(SCRIPT), *size], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, _, *rows = done.stdout.splitlines()
    assert first == "20 rounds, 2 labelers, 3 findings"
    assert [row.split()[0] for row in rows] == ["all", "scikit-learn,", "the"]
    assert [int(row.split()[-6]) for row in rows if not row.startswith("  the")] == [60, 60]
    assert [int(row.split()[-5]) for row in rows if row.startswith("scikit")] == [36]
