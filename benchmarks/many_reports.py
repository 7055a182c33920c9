"""A whole labeling run over many reports: does its memory stay flat, and how much does it write how fast?

    python benchmarks/many_reports.py [--sizes 20000 200000] [--backends scripted rules]

Each run is a process of its own that labels a made-up table with the chest region: from an empty journal, and again
after its outputs are gone, when every answer comes from the journal. `peak` is the largest resident memory of the
process (VmHWM), of which importing all that it needs takes a good part; `CPU` is of the whole process.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

SENTENCES = (
    "The heart size is normal.",
    "No pleural effusion or pneumothorax.",
    "There is a small left pleural effusion.",
    "Possible right lower lobe pneumonia.",
    "Mild cardiomegaly is seen.",
    "No acute bony abnormality.",
    "An endotracheal tube ends above the carina.",
    "Linear opacity at the left base, likely atelectasis.",
)


def write_table(path: Path, n: int) -> None:
    """A table of different reports, of about 170 characters each."""
    rng = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        file.write("report_id,text\n")
        for number in range(n):
            file.write(f'r{number:07},"Study {number}. {" ".join(rng.sample(SENTENCES, 5))}"\n')


def write_recipe(path: Path, backend: str) -> None:
    """A recipe for the table beside it."""
    from radprompter.region import load_region

    settings: dict[str, object] = {"name": backend}
    if backend == "scripted":
        region = load_region("chest")
        answer = {name: region.spelling[region.allowed(name)[0]] for name in region.findings}
        settings["default"] = json.dumps(answer)
    reports = {"path": str(path.parent / "reports.csv"), "text": "text"}
    label = {"reports": reports, "region": "chest", "backend": settings}
    path.write_text(yaml.safe_dump({"name": "many", "out": str(path.parent / "out"), "label": label}), encoding="utf-8")


def label(recipe: Path) -> None:
    """Label the reports of a recipe in this process, and print what it took as one line of JSON."""
    from radprompter.recipe import load_recipe
    from radprompter.run import label_reports

    started = time.perf_counter()
    summary = label_reports(load_recipe(recipe)).summary
    seconds = time.perf_counter() - started
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak_mb": peak / 1024,
        "asked": summary["requests"]["asked"], "n": summary["n_reports"],
    }))  # fmt: skip


def measure(backend: str, n: int, table: Table) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "reports.csv", n)
        write_recipe(folder / "recipe.yaml", backend)
        labels = folder / "out" / "label"
        for state in ("empty", "full"):
            done = subprocess.run(
                [sys.executable, __file__, "--label", str(folder / "recipe.yaml")],
                capture_output=True,
                text=True,
                check=True,
            )
            took = json.loads(done.stdout)
            assert took["n"] == n
            assert took["asked"] == (n if state == "empty" else 0)
            table.add_row(
                backend,
                f"{n:,}",
                state,
                f"{took['seconds']:,.1f}",
                f"{took['cpu']:,.1f}",
                f"{n / took['seconds']:,.0f}",
                f"{took['peak_mb']:,.0f}",
                f"{(labels / 'journal.sqlite').stat().st_size / 1e6:,.0f}",
                f"{(labels / 'labels.parquet').stat().st_size / 1e6:,.1f}",
            )
            (labels / "stage.json").unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--backends", nargs="+", default=["scripted", "rules"])
    parser.add_argument("--label", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.label is not None:
        label(options.label)
        return
    table = Table("backend", "reports", "journal", "s", "CPU s", "reports/s", "peak MB", "journal MB", "labels MB")
    for backend in options.backends:
        for n in options.sizes:
            measure(backend, n, table)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
