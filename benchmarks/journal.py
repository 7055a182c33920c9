"""How fast a journal stores and finds, how large it gets, and what a warm run takes.

    python benchmarks/journal.py [N_ROWS] [N_PROMPTS]

A row is a reply of 600 characters, as a region of 14 findings has it. The folder is the system's temporary one; set
TMPDIR to measure another disk.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import get_args

from radprompter.journal import Durability, Journal, read_contents
from radprompter.recipe import StudyRecipe
from radprompter.records import Completion, Usage
from radprompter.run import label_reports

REPLY = json.dumps({f"finding_{number:02d}": "not mentioned" for number in range(16)})
ANSWER = Completion("r1", (REPLY,), model="m", usage=Usage(900, 180, 0, 1.25))


def main() -> None:
    n_rows, n_prompts = [int(text) for text in (*sys.argv[1:], "20000", "20000")[:2]]
    with tempfile.TemporaryDirectory() as folder:
        keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(n_rows)]
        for durability in get_args(Durability):
            _measure_journal(Path(folder) / f"{durability}.sqlite", durability, keys)
        _measure_run(Path(folder), n_prompts)


def _measure_journal(path: Path, durability: Durability, keys: list[str]) -> None:
    with Journal(path, durability=durability) as journal:
        started, n_stored = time.perf_counter(), 0
        for key in keys:
            journal.store(key, ANSWER)
            n_stored += 1
            if time.perf_counter() - started > 30:
                break
        stored = n_stored / (time.perf_counter() - started)
        started = time.perf_counter()
        found = journal.find_all(keys[:n_stored])
        together = len(found) / (time.perf_counter() - started)
        started, singly = time.perf_counter(), list(islice(keys, min(n_stored, 2000)))
        for key in singly:
            journal.find(key, "r1")
        alone = len(singly) / (time.perf_counter() - started)
    started = time.perf_counter()
    size = read_contents(path).n_bytes * 1000 / n_stored
    shown = time.perf_counter() - started
    print(
        f"{durability:<6} store {stored:9,.0f} rows/s, find {alone:9,.0f} rows/s one by one, {together:9,.0f} together;"
        f" {size / 1e6:.2f} MB for 1,000 rows; show {n_stored:,} in {shown:.2f} s"
    )


def _measure_run(folder: Path, n_prompts: int) -> None:
    """A run with the scripted backend, then again with all answers in the journal."""
    reports = folder / "reports.csv"
    lines = (f'r{number},"Report {number}. No fracture is seen."' for number in range(n_prompts))
    reports.write_text("\n".join(["report_id,text", *lines]) + "\n")
    answer = json.dumps({"fracture": "absent"})
    for name in ("cold", "warm"):
        study = StudyRecipe.model_validate(
            {
                "name": name,
                "out": f"{folder}/{name}",
                "label": {
                    "reports": {"path": reports, "text": "text"},
                    "region": "elbow",
                    "reasks": 0,
                    "backend": {"name": "scripted", "default": answer},
                    "journal": folder / "shared.sqlite",
                },
            }
        )
        started = time.perf_counter()
        requests = label_reports(study).summary["requests"]
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name} run of {n_prompts:,} reports: {seconds:6.1f} s, peak {peak:,.0f} MiB so far, {requests}")


if __name__ == "__main__":
    main()
