"""What the numbers of agreement with their bootstrap cost in time and memory, beside a plain loop over scikit-learn.

    python benchmarks/agreement.py [--reports 20000 1000000] [--labelers 7] [--findings 14] [--rounds 1000]

Ours are all definitions over all findings, the first with six measures of each finding, and whole reports: with
intervals, all on the same resamples. The loop draws a resample and asks scikit-learn for those six measures of each
labeler and finding; it is timed on a few rounds, one labeler and one finding, and what the whole would take is
multiplied out from there. Each row is a process of its own, so that its peak is its own; the peak has the tables in it,
whose size stands beside. Linux only: the peak is what /proc says.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from radprompter.agreement.definitions import DEFINITIONS
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.numbers import measure
from radprompter.agreement.measuring.resampling import Bootstrap

HEADLINE = DEFINITIONS["uncertain_is_negative"]
ROUNDS_OF_THE_LOOP = 3


class Size(NamedTuple):
    """How much is measured."""

    reports: int
    labelers: int
    findings: int
    rounds: int


class Cost(NamedTuple):
    """What it took; `numbers` with an interval came out of it."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    tables_mib: float
    numbers: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, nargs="+", default=[20_000, 1_000_000])
    parser.add_argument("--labelers", type=int, default=7)
    parser.add_argument("--findings", type=int, default=14)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--alone", choices=sorted(TASKS), help="one task in this process, as JSON")
    asked = parser.parse_args()
    sizes = [Size(reports, asked.labelers, asked.findings, asked.rounds) for reports in asked.reports]
    if asked.alone:
        print(json.dumps(TASKS[asked.alone](sizes[0])))
        return
    print(f"{asked.rounds:,} rounds, {asked.labelers} labelers, {asked.findings} findings")
    print(f"{'what':<44} {'reports':>9} {'numbers':>8} {'s':>9} {'s of CPU':>9} {'peak MiB':>9} {'tables':>7}")
    for size in sizes:
        ours = _apart("ours", size)
        _show("all definitions, one pass", size, ours)
        loop = _apart("loop", size)
        times = size.rounds * size.labelers * size.findings / ROUNDS_OF_THE_LOOP
        whole = loop._replace(
            wall_s=loop.wall_s * times, cpu_s=loop.cpu_s * times, numbers=loop.numbers * size.labelers * size.findings
        )
        _show("scikit-learn, six measures, multiplied out", size, whole)
        print(f"  the loop: {whole.cpu_s / ours.cpu_s:,.0f} times the CPU time, for fewer numbers")


def _show(what: str, size: Size, cost: Cost) -> None:
    print(
        f"{what:<44} {size.reports:9,} {cost.numbers:8,} {cost.wall_s:9,.2f} {cost.cpu_s:9,.2f} "
        f"{cost.peak_mib:9,.0f} {cost.tables_mib:7,.0f}"
    )


def _apart(task: str, size: Size) -> Cost:
    of_size = [word for name, value in size._asdict().items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, __file__, "--alone", task, *of_size], check=True, capture_output=True, text=True
    )
    return Cost(*json.loads(done.stdout))


def _make_cells(size: Size) -> Cells:
    """Labelers that are wrong in about one cell of eight; drawn in parts, so that this is not the peak."""
    generator = np.random.default_rng(1)
    reference = np.empty((size.reports, size.findings), dtype=np.int8)
    labels = np.empty((size.labelers, size.reports, size.findings), dtype=np.int8)
    for first in range(0, size.reports, 10_000):
        part = slice(first, first + 10_000)
        reference[part] = generator.choice(4, p=[0.15, 0.2, 0.05, 0.6], size=reference[part].shape)
        for of_labeler in labels[:, part]:
            other = generator.choice(5, p=[0.3, 0.2, 0.2, 0.29, 0.01], size=of_labeler.shape)
            of_labeler[:] = np.where(generator.random(of_labeler.shape) < 0.16, other, reference[part])
    return Cells(
        report_ids=tuple(map(str, range(size.reports))),
        findings=tuple(f"finding {column}" for column in range(size.findings)),
        labelers=tuple(f"labeler {row}" for row in range(size.labelers)),
        reference=reference,
        labels=labels,
        no_finding=0,
        units=np.arange(size.reports),
        weights=np.ones(size.reports),
        strata=np.zeros(size.reports, dtype=np.intp),
    )


def _ours(size: Size) -> Cost:
    cells = _make_cells(size)
    started, at_work = time.perf_counter(), time.process_time()
    found = measure(cells, [HEADLINE], Bootstrap(size.rounds), overview=list(DEFINITIONS.values()))
    return _cost(started, at_work, cells, sum(number.low is not None for number in found.numbers))


def _loop(size: Size) -> Cost:
    from sklearn import metrics

    cells = _make_cells(size._replace(labelers=1, findings=1))
    truth, called = cells.reference[:, 0] == 0, cells.labels[0, :, 0] == 0
    generator = np.random.default_rng(7)
    started, at_work = time.perf_counter(), time.process_time()
    for _ in range(ROUNDS_OF_THE_LOOP):
        rows = generator.integers(size.reports, size=size.reports)
        one, other = truth[rows], called[rows]
        metrics.accuracy_score(one, other)
        for of in (metrics.recall_score, metrics.precision_score):
            of(one, other), of(~one, ~other)
        metrics.f1_score(one, other)
    return _cost(started, at_work, cells, 6)


def _cost(started: float, at_work: float, cells: Cells, numbers: int) -> Cost:
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - at_work
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())  # ru_maxrss is also the parent's
    assert peak is not None
    tables = (cells.reference.nbytes + cells.labels.nbytes) / 2**20
    return Cost(wall_s, cpu_s, int(peak[1]) / 1024, tables, numbers)


TASKS = {"ours": _ours, "loop": _loop}


if __name__ == "__main__":
    main()
