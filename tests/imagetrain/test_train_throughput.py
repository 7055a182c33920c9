"""The benchmark of training runs, and has ours and the others."""

from __future__ import annotations

import gc
import math
from pathlib import Path

import pytest
from benchmarked import BENCHMARKS, run_script

TINY = "--sizes 32 --images 24 --models test_resnet --rounds 1 --seconds 0.05 --workers 0 --file-side 48 --batch-size 4"


def test_a_small_benchmark_has_the_ceiling_and_what_was_asked_for(tmp_path: Path) -> None:
    rows = ["--rows", "ours, from the cache", "--folder", tmp_path, "--markdown", tmp_path / "table.md"]
    printed = run_script("train_throughput.py", *TINY.split(), *rows)
    assert (tmp_path / "table.md").read_text() == printed
    table = [line for line in printed.splitlines() if line.startswith("|")]
    heads, _, ceiling, ours = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
    assert heads == ["images/s", "loader", "test_resnet", "of ceiling", "peak MiB", "no file's"]
    assert [row[0] for row in (ceiling, ours)] == ["a random batch, resident", "ours, from the cache"]
    assert all(float(row[2].replace(",", "")) > 0 for row in (ceiling, ours))
    assert ours[3].endswith(" %")
    assert float(ours[1].replace(",", "")) > float(ours[2].replace(",", ""))


@pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader:UserWarning")  # MONAI's, without a GPU
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # timm leaves its files open
def test_the_whole_loop_is_measured_and_the_other_tools_give_batches_like_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from throughput.feeds import FEEDS
    from throughput.material import Setting, write_files, write_squares
    from throughput.steps import rate_of_loop

    setting = Setting(tmp_path, 32, 12, 48, 4, 0, "cpu")
    write_files(setting)
    write_squares(setting)
    rate, of_ceiling = rate_of_loop("test_resnet", setting, seconds=0.05)
    assert 0 < rate < math.inf
    assert 0 < of_ceiling < math.inf
    assert len(FEEDS) > 4
    for name, feed in FEEDS.items():
        batch = next(feed(setting))
        assert tuple(batch.shape) == (4, 1, 32, 32), (name, batch.shape)
        assert str(batch.dtype) == "torch.float32", name
        assert -1.2 < float(batch.min()) < 0.2 < float(batch.max()) < 1.2, (name, batch.min(), batch.max())
    gc.collect()
