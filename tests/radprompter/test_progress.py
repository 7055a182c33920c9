"""How far a run is: a bar for terminals, lines for log files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fake_endpoint import Fault, answer, endpoint
from label_study import ANSWER, write_recipe, write_reports

from radprompter import terminal
from radprompter.terminal import show_progress

LABEL = [sys.executable, "-c", "from radprompter.cli.app import main; main()", "label"]


def test_a_log_has_a_line_now_and_then_and_one_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def passing(n: int) -> range:
        nonlocal now
        now += 10.0
        return range(n)

    monkeypatch.setattr(terminal.time, "monotonic", lambda: now)
    items = (number for one in range(8) for number in passing(one % 2 + 1))
    assert list(show_progress(items, "label reports", 12, note=lambda: "3 asked (1.0/s)")) == [0, 0, 1] * 4
    assert capsys.readouterr().err.splitlines() == [
        "label reports  4/12  0:00:30  0:01:00 left  3 asked (1.0/s)",
        "label reports  8/12  0:01:00  0:00:30 left  3 asked (1.0/s)",
        "label reports  12/12  0:01:20  3 asked (1.0/s)",
    ]


def test_items_without_a_known_number_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(show_progress(iter("abc"), "look ahead")) == ["a", "b", "c"]
    assert capsys.readouterr().err == "look ahead  3  0:00:00\n"


def test_a_run_tells_rate_tokens_money_and_failures_on_stderr(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", {f"r{number}": f"Report {number}." for number in range(20)})
    (tmp_path / "prices.yaml").write_text("m: {input: 1000, output: 2000, date: 2026-01-01, source: a test}\n")
    usage = {"prompt_tokens": 100, "completion_tokens": 50}
    with endpoint(lambda n, _: Fault(400) if n < 2 else {**answer(ANSWER), "usage": usage}) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url}
        recipe = write_recipe(tmp_path, backend, budget={"prices": str(tmp_path / "prices.yaml")})
        done = subprocess.run([*LABEL, str(recipe)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(
        r"label reports  20/20  0:00:0\d  20 asked \([\d.]+/s\), [\d,.]+ tokens/s, \$3\.60, failed 2 \(bad_request 2\)",
        last,
    )
    assert "about $3.60 spent" in done.stdout
