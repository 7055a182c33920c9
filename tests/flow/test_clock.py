"""A clock that runs backwards, or jumps, changes no label, no deadline and no order: only `stored_at` shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_endpoint import Fault, answer, endpoint
from label_study import ANSWER, write_recipe, write_reports

LABEL = [sys.executable, "-c", "from radprompter.cli.app import main; main()", "label"]
TEXTS = {f"r{number}": f"Words of {number}." for number in range(30)}
FILES = ("labels.parquet", "labels.csv", "failures.csv")
CLOCKS = {
    "backwards": "lambda n, now: now - 3600 * n",
    "to 1970 and back": "lambda n, now: 0.0 if n % 2 else now",
    "a century on": "lambda n, now: now + 3.2e9 * (n > 5)",
}
CLOCK = """
import itertools, time
count, real, real_ns, shifted = itertools.count(), time.time, time.time_ns, {shifted}
time.time = lambda: shifted(next(count), real())
time.time_ns = lambda: int(1e9 * shifted(next(count), real_ns() / 1e9))
"""


def label(recipe: Path, clock: Path | None) -> dict[str, object]:
    path = os.pathsep.join([*([str(clock)] if clock else []), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([*LABEL, str(recipe), "--json"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_run_whose_clock_jumps_gives_the_same_files_and_goes_on_where_it_was(clock: str, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(CLOCK.format(shifted=CLOCKS[clock]))
    write_reports(tmp_path / "reports.csv", TEXTS)
    labels = tmp_path / "out/label"

    def busy_at_first(number: int, body: dict) -> dict | Fault:
        return Fault(429, {"retry-after": "0.05"}) if number < 3 else answer(ANSWER)

    with endpoint(busy_at_first) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 4, "deadline_s": 60}
        summary = label(write_recipe(tmp_path, backend, limit=20), hooks)
        assert summary["requests"] == {"asked": 20, "from_journal": 0}
        summary = label(write_recipe(tmp_path, backend), hooks)
        assert summary["requests"] == {"asked": 10, "from_journal": 20}
        assert len(server.bodies) == 30 + 3
        assert 0 <= summary["seconds"] < 60
        shifted = {name: (labels / name).read_bytes() for name in FILES}
        assert label(write_recipe(tmp_path, backend), None)["up_to_date"]
        (labels / "stage.json").unlink()
        assert label(write_recipe(tmp_path, backend), None)["requests"] == {"asked": 0, "from_journal": 30}
    assert shifted == {name: (labels / name).read_bytes() for name in FILES}
