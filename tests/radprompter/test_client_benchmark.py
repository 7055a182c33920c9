"""The benchmark of the client runs, and answers every report by every contender that is here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "client_throughput.py"


def test_the_quick_benchmark_measures_each_contender() -> None:
    command = [sys.executable, str(SCRIPT), "--quick", "--peer", "/none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split()[:3] == ["latency", "in", "flight"]
    assert [row.split()[3] for row in rows] == ["ours", "openai", "bare"]
    assert all(float(row.split()[4].replace(",", "")) > 0 for row in rows)
