"""DeLong's test beside MLstatkit and R's pROC, and 1,000 resamples of AUROC and AP beside the loop over scikit-learn.

    python benchmarks/evaluation_speed.py [--quick] [--whole] [--markdown FILE]

One run times all of them on the same numbers and holds their results against each other. Of repeated measurements the
fastest counts, as others may use the machine. MLstatkit runs in `.venv-peers`, which `make .venv-peers/ready` makes,
and pROC where R has it; what is not there is left out and said. Of the loop over scikit-learn a part is timed and
the rest scaled from it, unless `--whole` asks for all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from imagetrain.evaluation.bootstrap import Replicates, in_threads, patient_counts, replicate
from imagetrain.evaluation.delong import paired_test

ROOT = Path(__file__).parents[1]
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"

MLSTATKIT = """
import json, sys, time
import numpy as np
from MLstatkit import Delong_test
folder, n, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
y, a, b = (np.fromfile(f"{folder}/{name}.f64") for name in "yab")
times = []
for _ in range(repeats):
    start = time.perf_counter()
    z, p = Delong_test(y.astype(int), a, b, return_ci=False, return_auc=False)[:2]
    times.append(time.perf_counter() - start)
print(json.dumps({"seconds": min(times), "z": -z, "p": p}))
"""

PROC = """
suppressMessages(library(pROC)); arguments <- commandArgs(TRUE)
n <- as.integer(arguments[2]); repeats <- as.integer(arguments[3])
read <- function(name) readBin(file.path(arguments[1], paste0(name, ".f64")), "double", n)
y <- read("y"); a <- read("a"); b <- read("b"); seconds <- c()
for (i in seq_len(repeats)) {
  start <- proc.time()[[3]]
  one <- roc(y, a, levels = c(0, 1), direction = "<", quiet = TRUE)
  two <- roc(y, b, levels = c(0, 1), direction = "<", quiet = TRUE)
  test <- roc.test(one, two, paired = TRUE, method = "delong")
  seconds <- c(seconds, proc.time()[[3]] - start)
}
cat(sprintf('{"seconds": %.6f, "z": %.15g, "p": %.15g}', min(seconds), test$statistic, test$p.value))
"""


class Timed(NamedTuple):
    """How long the fastest of some paired tests took, in seconds, and what it says."""

    seconds: float
    z: float
    p: float


def cases(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tenth of positives, and two scores of which one is a little better."""
    generator = np.random.default_rng(1)
    y = (generator.random(n) < 0.1).astype(np.float64)
    a = generator.normal(size=n) + y
    return y, a, generator.normal(size=n) + 0.99 * y + 0.3 * a


def here(y: np.ndarray, a: np.ndarray, b: np.ndarray, repeats: int) -> Timed:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        test = paired_test(y, a, b)
        times.append(time.perf_counter() - start)
    return Timed(min(times), test.statistic, test.p)


def elsewhere(command: Sequence[str], y: np.ndarray, a: np.ndarray, b: np.ndarray, repeats: int) -> Timed | None:
    """The same by another program; None if it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        for name, values in zip("yab", (y, a, b), strict=True):
            values.tofile(Path(folder) / f"{name}.f64")
        done = subprocess.run(
            [*command, folder, str(len(y)), str(repeats)], capture_output=True, text=True, check=False
        )
    return None if done.returncode else Timed(**json.loads(done.stdout))


def peers() -> tuple[dict[str, list[str]], list[str]]:
    """How to start each other program, and why one is left out."""
    found: dict[str, list[str]] = {}
    left_out = []
    if PEERS_PYTHON.is_file():
        found["MLstatkit"] = [str(PEERS_PYTHON), "-c", MLSTATKIT]
    else:
        left_out.append(f"MLstatkit is left out: no {PEERS_PYTHON}; `make .venv-peers/ready` makes it.")
    if rscript := shutil.which("Rscript"):
        found["pROC"] = [rscript, "-e", PROC]
    else:
        left_out.append("pROC is left out: R is not installed (apt install r-cran-proc).")
    return found, left_out


def compare_delong(sizes: Sequence[int]) -> list[str]:
    """A table of seconds, one row a size, and how far the others' z is from ours."""
    commands, notes = peers()
    lines = [f"| cases | here | {' | '.join(commands)} | largest difference of z |", "|--:" * (len(commands) + 3) + "|"]
    for n in sizes:
        repeats = 21 if n <= 10_000 else 7 if n <= 100_000 else 5
        data = cases(n)
        ours, cells, apart = here(*data, repeats), [], []
        for name, command in commands.items():
            theirs = elsewhere(command, *data, repeats)
            if theirs is None:
                notes.append(f"{name} failed at {n:,} cases.")
                cells.append("–")
                continue
            apart.append(abs(theirs.z - ours.z))
            cells.append(f"{1000 * theirs.seconds:,.1f} ms ({theirs.seconds / ours.seconds:.1f} times)")
        worst = f"{max(apart):.0e}" if apart else "–"
        lines.append(f"| {n:,} | {1000 * ours.seconds:,.1f} ms | {' | '.join(cells)} | {worst} |")
        if apart and max(apart) > 1e-9:
            raise SystemExit(f"the programs disagree at {n:,} cases: z differs by {max(apart):.2e}")
    return lines + ([""] if notes else []) + notes


def compare_bootstrap(n: int, findings: int, resamples: int, looped: int) -> list[str]:
    """A table of seconds for AUROC and AP of all resamples, here and in a loop, equal to 1e-12 in what both have."""
    generator = np.random.default_rng(2)
    shares = np.geomspace(0.004, 0.4, findings)
    targets = (generator.random((n, findings)) < shares).astype(np.float64)
    targets[:2] = [[1.0], [0.0]]
    scores = np.round(generator.normal(size=(n, findings)) + targets, 4)  # so that some are tied
    patients = [f"p{i}" for i in range(n)]

    def ours() -> tuple[np.ndarray, list[Replicates]]:
        counts = patient_counts(patients, resamples=resamples, seed=0)
        return counts, in_threads(lambda f: replicate(targets[:, f], scores[:, f], counts), range(findings))

    seconds, (counts, found) = timed(ours)
    tracemalloc.start()
    ours()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    parts, furthest, loops = [], 0.0, min(looped, resamples)
    for metric, score in (("auroc", roc_auc_score), ("average_precision", average_precision_score)):
        start = time.perf_counter()
        theirs = np.full((loops, findings), np.nan)
        for b in range(loops):
            rows = np.repeat(np.arange(n), counts[:, b])
            for f in range(findings):
                y = targets[rows, f]
                if 0 < y.sum() < len(y):
                    theirs[b, f] = score(y, scores[rows, f])
        parts.append((time.perf_counter() - start) * resamples / loops)
        mine = np.stack([getattr(one, metric)[:loops] for one in found], axis=1)
        furthest = max(furthest, float(np.nanmax(np.abs(mine - theirs))))
        if not np.array_equal(np.isnan(mine), np.isnan(theirs)):
            raise SystemExit(f"{metric}: a resample is defined here and not there, or the other way round")
    if furthest > 1e-12:
        raise SystemExit(f"a resample differs from scikit-learn by {furthest:.1e}")
    whole = "all timed" if loops == resamples else f"scaled from {loops} resamples"
    return [
        f"| {resamples:,} resamples x {n:,} studies x {findings} findings | seconds | ratio |",
        "|---|--:|--:|",
        f"| AUROC and AP together, here ({os.cpu_count()} processors, at most {peak / 2**20:,.0f} MiB) "
        f"| {seconds:.2f} | 1 |",
        f"| AUROC in a loop over scikit-learn ({whole}) | {parts[0]:,.1f} | {parts[0] / seconds:,.0f} |",
        f"| AP in a loop over scikit-learn ({whole}) | {parts[1]:,.1f} | {parts[1] / seconds:,.0f} |",
        f"| both | {sum(parts):,.1f} | {sum(parts) / seconds:,.0f} |",
        "",
        f"Largest difference of a resample: {furthest:.0e}.",
    ]


def timed(work: Callable[[], Any], repeats: int = 3) -> tuple[float, Any]:
    """Seconds of the fastest, and what came of it."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - start)
    return min(times), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it runs")
    parser.add_argument("--whole", action="store_true", help="time the whole loop over scikit-learn: some minutes")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    lines = compare_delong([1000] if asked.quick else [10_000, 100_000, 1_000_000])
    lines += [
        "",
        *compare_bootstrap(*((500, 3, 30, 5) if asked.quick else (19_237, 14, 1000, 1000 if asked.whole else 20))),
    ]
    lines += ["", f"Load of the machine before: {load:.1f} on {os.cpu_count()} processors."]
    print("\n".join(lines))
    if asked.markdown:
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
