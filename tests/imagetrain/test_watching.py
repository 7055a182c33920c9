"""What is told of a training while it goes on."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
from shapes import write_recipe, write_study
from typer.testing import CliRunner

from imagetrain.cli.curves import Terminal, draw_curve
from imagetrain.learning.progress import Pace
from imagetrain.learning.tensorboard import CURVES, TensorBoard
from imagetrain.records import EpochResult
from imagetrain.watching import Several, Watch
from radprompter.cli.app import app


def result(epoch: int, *, loss: float = 0.5, auroc: float = 0.8) -> EpochResult:
    return EpochResult(epoch, 3, loss, 0.6, auroc, 0.7, 4, "last", True, 1e-3, 2.0, 100.0)


class Told(Watch):
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, run: str, text: str) -> None:
        self.notices.append(f"{run}: {text}")

    def note(self) -> str:
        return "a word"


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([0.5], "▁"),
        ([0, 1], "▁█"),
        ([3, 2, 1, 0], "█▆▃▁"),
        ([0, math.nan, 7], "▁·█"),
        ([math.nan], "·"),
        (list(range(40)), "▁▁▂▂▃▃▄▄▅▅▆▆▇▇██"),
    ],
)
def test_a_curve_is_drawn_in_blocks(values: list[float], drawn: str) -> None:
    assert draw_curve(values) == drawn


def test_there_are_no_curves_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.epoch("one", result(1))
    assert terminal.note() == ""
    assert "one  epoch   1/3  loss 0.5000  validation: loss 0.6000  AUROC 0.800 (4 findings" in capsys.readouterr().err


def test_a_whole_recipe_tells_of_each_epoch_and_nothing_beside_json(tmp_path: Path) -> None:
    write_study(tmp_path, n_patients=15)
    for name, flags in (("told", []), ("silent", ["--json"])):
        recipe = write_recipe(tmp_path, out=tmp_path / name, train={"epochs": 2, "runs": {"one": {}}})
        done = CliRunner().invoke(app, ["run", str(recipe), "--set", "evaluate.bootstrap=20", *flags])
        assert (tmp_path / name / "page" / "report.html").is_file(), done.output
        assert done.stderr.count("one  epoch") == (0 if flags else 2)


def test_a_pace_counts_steps_alone() -> None:
    pace = Pace(32)
    assert str(pace) == ""
    pace.n_steps = 10
    pace.started -= 2.0
    pace.end_steps()
    assert pace.images_per_second == pytest.approx(160, rel=0.05)
    assert str(pace).endswith(" images/s")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboard's own
def test_tensorboard_has_each_epoch_once_also_when_a_run_goes_on(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told = Told()
    for epochs in ((1, 2), (2, 3)):  # the second epoch is done anew
        board = TensorBoard(tmp_path, told)
        for epoch in epochs:
            board.epoch("exclusive, fold 1", result(epoch, loss=epoch, auroc=math.nan))
        board.close()
    assert told.notices == []
    (folder,) = tmp_path.iterdir()
    events = EventAccumulator(str(folder)).Reload()
    assert set(events.Tags()["scalars"]) == set(CURVES) - {"validation/auroc"}
    assert [(event.step, event.value) for event in events.Scalars("loss/train")] == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_folder_that_cannot_be_written_is_told_once_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = Told()
    board = TensorBoard(tmp_path / "file" / "below", told)
    watch = Several(told, board)
    watch.epoch("one", result(1))
    watch.epoch("one", result(2))
    (notice,) = told.notices
    assert notice.startswith("one: no curves for TensorBoard in ")
    assert watch.note() == "a word"


def test_without_tensorboard_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    told = Told()
    TensorBoard(tmp_path, told).epoch("one", result(1))
    assert told.notices == [
        f"one: no curves for TensorBoard in {tmp_path}: pip install 'radprompter-imagetrain[track]'"
    ]
