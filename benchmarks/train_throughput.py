"""Images per second from a cache or from files to a trained step, ours beside MONAI, torchvision and timm.

    python benchmarks/train_throughput.py [--sizes 128 512] [--images 1000 20000] [--models resnet18 convnext_atto]
        [--device cpu] [--rounds 3] [--seconds 6] [--workers 2] [--batch-size 32] [--markdown FILE]

Every row feeds the same step (network, BCE, AdamW, averaged weights) with the same geometry and noise, except timm's
own transforms. `loader` is the feed alone, without a network. `of ceiling` is against the same step in the same process
fed by one random batch that is on the device already, whose rate is the first row. `ours, the whole loop` is the loop
of `imagetrain train` itself; its steps and the ceiling's take turns. The other tools have `--workers` processes, ours
has none. Squares and files are written on the spot; the files are in the page cache.

Each measurement is a process of its own, so that its peak is its own; the rows take turns, round after round, and
medians are shown. Memory is the sum of the peaks of all processes, two networks in them; and of that what is no file's:
pages of a memory-mapped cache are given up when something else needs the room. Linux only: memory is what /proc says.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from throughput.material import Setting, write_files, write_squares

CEILING, LOOP = "a random batch, resident", "ours, the whole loop"
ROWS = (
    LOOP,
    "ours, from the cache",
    "MONAI, from our cache",
    "torchvision v2, from our cache",
    "MONAI, from PNG",
    "torchvision v2, from PNG",
    "timm, from PNG",
)


class Measured(NamedTuple):
    """What one process found."""

    loader: float  # images per second; NaN where the loader cannot be told from the loop
    steps: dict[str, tuple[float, float]]  # model -> images per second, and of its ceiling
    peak_mib: float
    anonymous_mib: float
    gpu_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 20_000])
    parser.add_argument("--models", nargs="+", help="default: small ones on a CPU, those of the papers on a GPU")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2, help="of the other tools")
    parser.add_argument("--file-side", type=int, default=1024, help="of the radiograph files, pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6, help="of each measurement")
    parser.add_argument("--folder", type=Path, help="where squares and files are written, and kept")
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(_measure_here(json.loads(asked.alone))))
        return
    asked.models = asked.models or (
        ["resnet18", "convnext_atto"] if asked.device == "cpu" else ["resnet50", "convnext_base"]
    )
    with tempfile.TemporaryDirectory() as temporary:
        lines = []
        for line in _tables(asked, asked.folder or Path(temporary)):  # as they come: the whole takes its time
            lines.append(line)
            print(line, flush=True)
    if asked.markdown:
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _tables(asked: argparse.Namespace, folder: Path) -> Iterator[str]:
    yield f"{_machine(asked.device)}; batch {asked.batch_size}, {asked.workers} workers,"
    yield f"{asked.rounds} rounds of {asked.seconds:g} s."
    for size, n_images in itertools.product(asked.sizes, asked.images):
        setting = Setting(folder, size, n_images, asked.file_side, asked.batch_size, asked.workers, asked.device)
        write_squares(setting)
        write_files(setting)
        found: dict[str, list[Measured]] = {row: [] for row in asked.rows}
        for _, row in itertools.product(range(asked.rounds), asked.rows):
            found[row].append(_measure_apart(row, setting, asked))
        yield from ("", f"### {size} x {size} pixels, {n_images:,} images", "")
        yield from _table(found, asked.models)


def _table(found: dict[str, list[Measured]], models: Sequence[str]) -> Iterator[str]:
    heads = ["images/s", "loader", *(head for model in models for head in (model, "of ceiling"))]
    heads += ["peak MiB", "no file's"] + (["GPU MiB"] if any(one[0].gpu_mib for one in found.values()) else [])
    yield "| " + " | ".join(heads) + " |"
    yield "|---" + "|--:" * (len(heads) - 1) + "|"
    ceilings = [_rate([one.steps[model][1] for row in found.values() for one in row]) for model in models]
    cells = [CEILING, "", *(cell for ceiling in ceilings for cell in (ceiling, "")), *[""] * (len(heads) - 2)]
    yield "| " + " | ".join(cells[: len(heads)]) + " |"
    for row, measured in found.items():
        cells = [row, _rate([one.loader for one in measured])]
        for model in models:
            rates = [one.steps[model] for one in measured]
            cells.append(_rate([rate for rate, _ in rates]))
            cells.append(f"{statistics.median(100 * rate / ceiling for rate, ceiling in rates):.0f} %")
        cells += [f"{max(one.peak_mib for one in measured):,.0f}", f"{max(one.anonymous_mib for one in measured):,.0f}"]
        cells += [f"{max(one.gpu_mib for one in measured):,.0f}"][: len(heads) - len(cells)]
        yield "| " + " | ".join(cells) + " |"


def _rate(rates: Sequence[float]) -> str:
    """The median; no number where none was taken."""
    middle = statistics.median(rates)
    return "" if middle != middle else f"{middle:,.0f}" if middle >= 20 else f"{middle:.1f}"


def _measure_apart(row: str, setting: Setting, asked: argparse.Namespace) -> Measured:
    work = {"row": row, "setting": [str(value) for value in setting], "models": asked.models, "seconds": asked.seconds}
    command = [sys.executable, __file__, "--alone", json.dumps(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{row}: {done.stderr[-2000:]}")
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def _measure_here(work: dict[str, Any]) -> Measured:
    import torch
    from throughput.feeds import FEEDS
    from throughput.steps import rate_of_feed, rate_of_loader, rate_of_loop

    folder, *numbers, device = work["setting"]
    setting, seconds = Setting(Path(folder), *map(int, numbers), device), work["seconds"]
    loader, steps = float("nan"), {}
    if work["row"] == LOOP:
        steps = {model: rate_of_loop(model, setting, seconds=seconds) for model in work["models"]}
    else:
        for model in work["models"]:
            steps[model] = rate_of_feed(FEEDS[work["row"]](setting), model, setting, seconds=seconds)
        feed = FEEDS[work["row"]](setting)  # its workers live until the memory has been read
        loader = rate_of_loader(feed, setting, seconds=seconds)
    gpu = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else 0.0
    return Measured(loader, steps, *_memory(), gpu)


def _memory() -> tuple[float, float]:
    """MiB of this process and its workers: sum of the peaks, and what is in memory now and no file's."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    peak = anonymous = 0
    for process in (str(os.getpid()), *children):
        status = Path(f"/proc/{process}/status").read_text()
        peak += int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0])
        shares = Path(f"/proc/{process}/smaps_rollup").read_text()
        anonymous += int(re.findall(r"Pss_Anon:\s*(\d+) kB", shares)[0])
        anonymous += int(re.findall(r"Pss_Shmem:\s*(\d+) kB", shares)[0])
    return peak / 1024, anonymous / 1024


def _machine(device: str) -> str:
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    name = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, {name[0] if name else 'unknown'}; load {os.getloadavg()[0]:.1f} at the start"


if __name__ == "__main__":
    main()
