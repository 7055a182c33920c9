"""A long run against a server of which five in a hundred requests meet a fault: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from label_study import study

from radprompter.run import label_reports

SERVER = Path(__file__).parents[2] / "benchmarks" / "local_server.py"
N_REPORTS = 10_000
FAULT_SHARE = 0.05
FAULTS = (
    "429", "429 with a wait", "500", "503", "reset", "reset after the work", "stall", "truncated", "garbage",
    "other model",
)  # fmt: skip
ANSWERS = [
    json.dumps({"fracture": fracture, "effusion": effusion, "no_finding": "not mentioned"})
    for fracture, effusion in [("present", "absent"), ("absent", "possible"), ("not mentioned", "present")]
]


class Server:
    """A server in a process of its own; `counted` is what it counted, once it has ended."""

    def __init__(self, **settings: Any) -> None:
        command = [sys.executable, str(SERVER), json.dumps({"answers": ANSWERS, **settings})]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/v1"
        self.counted: dict[str, Any] = {}

    def end(self) -> None:
        self.counted = json.loads(self.process.communicate()[0])


@contextmanager
def serving(**settings: Any) -> Iterator[Server]:
    server = Server(**settings)
    try:
        yield server
    finally:
        server.end()


def label(folder: Path, server: Server) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table and the manifest of a run."""
    folder.mkdir()
    backend = {
        "name": "vllm",
        "model": "m",
        "base_url": server.url,
        "max_in_flight": 256,
        "request_timeout_s": 2.0,
        "canary": False,
    }
    texts = {f"r{number:05d}": f"Wrist. #{number}" for number in range(N_REPORTS)}
    label_reports(study(folder, backend, texts))
    out = folder / "out" / "label"
    return pd.read_parquet(out / "labels.parquet"), json.loads((out / "manifest.json").read_text())


@pytest.mark.slow
def test_five_percent_of_mixed_faults_change_no_label_lose_no_report_and_store_none_twice(tmp_path: Path) -> None:
    with serving() as calm:
        expected, _ = label(tmp_path / "calm", calm)
    with serving(latency_ms=5, fault_share=FAULT_SHARE) as faulty:
        table, manifest = label(tmp_path / "faulty", faulty)
    n_faults = round(FAULT_SHARE * N_REPORTS)
    assert faulty.counted["faults"].keys() == set(FAULTS)
    assert sum(faulty.counted["faults"].values()) == n_faults + faulty.counted["faults"]["500"] // 2
    assert faulty.counted["numbers"] == N_REPORTS
    assert faulty.counted["most_under_way"] <= 256
    pd.testing.assert_frame_equal(table, expected)
    assert table["report_id"].nunique() == N_REPORTS
    assert (manifest["failures"], manifest["n_failed"]) == ({}, 0)
    assert manifest["attempts"] == faulty.counted["requests"]
    assert manifest["models"] == {"m": N_REPORTS - n_faults // len(FAULTS), "another": n_faults // len(FAULTS)}
    path = tmp_path / "faulty" / "out" / "label" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*), count(DISTINCT key) FROM completion").fetchone() == (N_REPORTS,) * 2
