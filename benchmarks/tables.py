"""What reading reports and writing labels costs in time and memory, beside doing each with the whole table in memory.

    python benchmarks/tables.py [N_READ] [N_WRITTEN]

Each row is a process of its own, so that its peak is its own; time is processor time without making the data. Reading
is of reports of about 180 characters, writing of 14 findings with evidence. The alternatives are pandas, which checks
less, and `LabelTable`. Linux only: the peak is what /proc says.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from radprompter.files import read_table
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, Cell, FindingSpec, LabelSchema, LabelState
from radprompter.recipe import Reports
from radprompter.store import LabelFiles, read_reports, write_labels

SCHEMA = LabelSchema("fourteen", tuple(FindingSpec(f"finding_{number:02d}") for number in range(14)))
FORMATS = ("csv", "csv.gz", "csv.zst", "jsonl", "parquet")


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] in TASKS:
        seconds = TASKS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
        peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())  # ru_maxrss is also the parent's
        assert peak is not None
        print(json.dumps([seconds, int(peak[1]) / 1024]))
        return
    n_read, n_written = [int(text) for text in (*sys.argv[1:], "1000000", "200000")[:2]]
    print(f"{'task':<42} {'reports':>9} {'s of CPU':>9} {'peak MiB':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make_tables(folder, n_read)
        for ending in FORMATS:
            _show("read", f"read_reports .{ending}", folder / f"r.{ending}", n_read)
            _show("read whole", f"  pandas, whole, .{ending}", folder / f"r.{ending}", n_read)
        for number in (n_written // 10, n_written):
            _show("write", "LabelFiles", folder / "written", number)
            _show("write whole", "  LabelTable, then written", folder / "whole", number)


def _show(task: str, title: str, path: Path, number: int) -> None:
    command = [sys.executable, __file__, task, str(path), str(number)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = json.loads(done.stdout)
    print(f"{title:<42} {number:9,} {seconds:9.2f} {peak:9,.0f}")


def _make_tables(folder: Path, number: int) -> None:
    words = ("lung", "heart", "normal", "effusion", "left", "right", "no", "small", "pleural", "edema")
    names = ("report_id", "findings", "impression")
    with (folder / "r.csv").open("w", newline="") as table, (folder / "r.jsonl").open("w") as lines:
        writer = csv.writer(table)
        writer.writerow(names)
        for i in range(number):
            text = " ".join(words[(i * 7 + j * (i % 11)) % len(words)] for j in range(24))
            row = (f"study{i:09d}", f"{text}\nsecond line {i}", text[:40])
            writer.writerow(row)
            lines.write(json.dumps(dict(zip(names, row, strict=True))) + "\n")
    with gzip.open(folder / "r.csv.gz", "wb", 6) as packed, (folder / "r.csv").open("rb") as plain:
        shutil.copyfileobj(plain, packed)
    with pa.CompressedOutputStream(str(folder / "r.csv.zst"), "zstd") as packed, (folder / "r.csv").open("rb") as plain:
        shutil.copyfileobj(plain, packed)
    read_table(folder / "r.csv").to_parquet(folder / "r.parquet")


def _read(path: Path, number: int) -> float:
    started = time.process_time()
    assert sum(1 for _ in read_reports(Reports(path=path))) == number
    return time.process_time() - started


def _read_whole(path: Path, number: int) -> float:
    started = time.process_time()
    frame = read_table(path)
    assert frame["report_id"].is_unique
    assert sum(1 for _ in frame.itertuples()) == number
    return time.process_time() - started


def _reports(number: int) -> Iterator[list[Cell]]:
    for i in range(number):
        failed = i % 50 == 0
        yield [
            Cell(
                f"study{i:09d}", name, LabelState.FAILED if failed else LABELS[(i * 7 + j * 3) % 4],
                evidence=f"words {i} of {name}", evidence_found=True, repair="timeout" if failed else None, labeler="m",
            )
            for j, name in enumerate(SCHEMA.names)
        ]  # fmt: skip


def _write(folder: Path, number: int) -> float:
    started = time.process_time()
    with LabelFiles(folder, SCHEMA) as files:
        for cells in _reports(number):
            files.add(cells)
        files.finish()
    return time.process_time() - started - _making(number)


def _write_whole(folder: Path, number: int) -> float:
    started = time.process_time()
    write_labels(folder, LabelTable.from_cells((cell for cells in _reports(number) for cell in cells), SCHEMA))
    return time.process_time() - started - _making(number)


def _making(number: int) -> float:
    started = time.process_time()
    for _ in _reports(number):
        pass
    return time.process_time() - started


TASKS: dict[str, Callable[[Path, int], float]] = {
    "read": _read, "read whole": _read_whole, "write": _write, "write whole": _write_whole,
}  # fmt: skip


if __name__ == "__main__":
    main()
