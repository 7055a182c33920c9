"""The benchmark of training runs, and has ours and the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "train_throughput.py"
TINY = "--sizes 32 --images 24 --models test_resnet --rounds 1 --seconds 0.05 --workers 0 --file-side 48 --batch-size 4"


def run(rows: list[str], folder: Path) -> list[list[str]]:
    """The cells of the table's rows."""
    written = folder / "table.md"
    command = [sys.executable, str(SCRIPT), *TINY.split(), "--rows", *rows, "--folder", str(folder)]
    done = subprocess.run([*command, "--markdown", str(written)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = [line for line in written.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_a_small_benchmark_has_the_ceiling_the_loop_and_what_was_asked_for(tmp_path: Path) -> None:
    heads, _, ceiling, loop, ours = run(["ours, the whole loop", "ours, from the cache"], tmp_path)
    assert heads == ["images/s", "loader", "test_resnet", "of ceiling", "peak MiB", "no file's"]
    assert [row[0] for row in (ceiling, loop, ours)] == [
        "a random batch, resident",
        "ours, the whole loop",
        "ours, from the cache",
    ]
    assert all(float(row[2].replace(",", "")) > 0 for row in (ceiling, loop, ours))
    assert loop[3].endswith(" %")
    assert loop[1] == ""
    assert float(ours[1].replace(",", "")) > float(ours[2].replace(",", ""))


def test_the_other_tools_give_batches_like_ours(tmp_path: Path) -> None:
    probe = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from throughput.feeds import FEEDS\n"
        "from throughput.material import Setting, write_files, write_squares\n"
        "setting = Setting(Path(sys.argv[2]), 32, 12, 48, 4, 0, 'cpu')\n"
        "write_files(setting); write_squares(setting)\n"
        "for name, feed in FEEDS.items():\n"
        "    batch = next(feed(setting))\n"
        "    assert tuple(batch.shape) == (4, 1, 32, 32), (name, batch.shape)\n"
        "    assert str(batch.dtype) == 'torch.float32', name\n"
        "    assert -1.2 < float(batch.min()) < 0.2 < float(batch.max()) < 1.2, (name, batch.min(), batch.max())\n"
    )
    command = [sys.executable, "-c", probe, str(SCRIPT.parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
