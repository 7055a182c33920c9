"""Label files that are written while a run goes on: the same bytes however, all of them or none, in little memory."""

from __future__ import annotations

import csv
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radprompter.errors import SchemaError, WriteError
from radprompter.label_table import LabelTable
from radprompter.labels import AttributeValue, Cell, FindingSpec, LabelSchema, LabelState
from radprompter.store import LabelFiles, label_files, read_labels, write_labels

SCHEMA = LabelSchema("two", (FindingSpec("fracture"), FindingSpec("effusion")))
FILES = ("labels.parquet", "labels.csv", "failures.csv")
SIDE = (AttributeValue("side", "answered", "left", None, "=left"), AttributeValue("joints", "answered", ("a", 2.0)))


def report(report_id: str, *states: str, attributes: tuple[AttributeValue, ...] = ()) -> list[Cell]:
    return [
        Cell(report_id, name, LabelState(state), evidence="words", evidence_found=True, attributes=attributes)
        for name, state in zip(SCHEMA.names, states, strict=False)
    ]


REPORTS = (
    report("r2", "positive", "not_mentioned"),
    report("=1+1", "negative", "uncertain"),
    report("r3", "failed", "failed"),
    report("r4", "skipped", "skipped"),
    report("r5", "positive", "missing"),
    report("r6", "invalid", "skipped"),
)


def write(folder: Path, reports: Sequence[Sequence[Cell]]) -> LabelFiles:
    with LabelFiles(folder, SCHEMA) as files:
        for cells in reports:
            files.add(cells)
        files.finish()
    return files


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@st.composite
def some_reports(draw: st.DrawFn) -> list[list[Cell]]:
    text, share = st.text(max_size=4), st.none() | st.floats(0, 1)
    value = st.none() | text | st.floats(allow_nan=False) | st.just(("a", 1.5))
    attribute = st.builds(AttributeValue, text, st.sampled_from(["answered", "invalid"]), value, written=text)
    attributes = st.lists(attribute, max_size=2).map(tuple)
    evidence = {"evidence": st.none() | text, "evidence_found": st.sampled_from([None, True, False])}
    return [
        [
            draw(
                st.builds(
                    Cell, st.just(report_id), st.just(name), st.sampled_from(LabelState), share, share, share,
                    **evidence, repair=st.none() | text, labeler=text, attributes=attributes,
                )
            )
            for name in SCHEMA.names
        ]
        for report_id in draw(st.lists(st.text(min_size=1, max_size=4), unique=True, max_size=6))
    ]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(some_reports())
def test_reports_one_by_one_give_the_files_of_a_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports: list[list[Cell]]
) -> None:
    monkeypatch.setattr(label_files, "GROUP_REPORTS", 2)
    table = LabelTable.from_cells([cell for cells in reports for cell in cells], SCHEMA)
    files = write(tmp_path / "a", [cells[::-1] for cells in reports])
    parquet = tmp_path / "a" / "labels.parquet"
    pd.testing.assert_frame_equal(read_labels(parquet).frame, table.frame)
    assert pq.read_table(parquet).equals(table.to_arrow(), check_metadata=True)
    assert pq.read_metadata(parquet).num_row_groups == (len(reports) + 1) // 2
    assert list(table.cells()) == [cell for cells in reports for cell in cells]
    write_labels(tmp_path / "b", table)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    wide = table.wide()
    assert (files.n_reports, files.counts) == (len(reports), table.counts())
    assert files.n_failed == wide.isin(["missing", "invalid", "failed"]).any(axis=1).sum()
    assert files.n_skipped == (wide == "skipped").any(axis=1).sum()
    with (tmp_path / "a" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row[1:] for row in csv.reader(file)][1:]
    codes = [["" if pd.isna(code) else str(code) for code in row] for row in table.codes().to_numpy(dtype=object)]
    assert rows == codes


def test_the_files_say_what_each_report_has(tmp_path: Path) -> None:
    files = write(tmp_path, REPORTS)
    assert contents(tmp_path).keys() == set(FILES)
    assert (tmp_path / "labels.csv").read_text() == "report_id,fracture,effusion\nr2,1,\n'=1+1,0,-1\n"
    assert (tmp_path / "failures.csv").read_text() == (
        "report_id,findings,reason\nr3,fracture effusion,failed\nr4,fracture effusion,skipped\n"
        "r5,effusion,missing\nr6,fracture effusion,invalid | skipped\n"
    )
    assert read_labels(tmp_path / "labels.parquet").report_ids == ("r2", "=1+1", "r3", "r4", "r5", "r6")
    assert (files.n_reports, files.n_failed, files.n_skipped) == (6, 3, 2)
    assert files.counts["effusion"] == {
        "positive": 0, "negative": 0, "uncertain": 1, "not_mentioned": 1, "missing": 1, "invalid": 0, "failed": 1,
        "skipped": 2,
    }  # fmt: skip


def test_attributes_are_written_where_any_were_asked_and_go_with_the_run_that_asked_none(tmp_path: Path) -> None:
    with LabelFiles(tmp_path, SCHEMA) as files:
        files.add(report("r1", "positive", "negative", attributes=SIDE))
        assert files.finish() == (*FILES, "attributes.csv")
    lines = (tmp_path / "attributes.csv").read_text().splitlines()
    assert lines[:3] == [
        "report_id,finding,attribute,value,unit,status,written",
        "r1,fracture,side,left,,answered,'=left",
        "r1,fracture,joints,a; 2.0,,answered,",
    ]
    with LabelFiles(tmp_path, SCHEMA) as files:
        files.add(REPORTS[0])
        assert files.finish() == FILES
    assert contents(tmp_path).keys() == set(FILES)


def test_a_line_end_of_any_kind_within_an_id_splits_no_row(tmp_path: Path) -> None:
    ids = ["a\rb", "a\nb", "a\r\nb", "ends\r\n"]
    write(tmp_path, [report(report_id, "positive", "negative") for report_id in ids])
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1:] == [[report_id, "1", "0"] for report_id in ids]


def test_a_run_of_no_reports_leaves_tables_without_rows(tmp_path: Path) -> None:
    write(tmp_path, [])
    assert len(read_labels(tmp_path / "labels.parquet")) == 0
    assert (tmp_path / "labels.csv").read_text() == "report_id,fracture,effusion\n"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([], "expected the cells of one report, found those of 0"),
        (report("r7", "positive"), "report 'r7' lacks a finding of 'two' or has one twice"),
        (2 * report("r7", "positive"), "report 'r7' lacks a finding of 'two' or has one twice"),
        ([*report("r7", "positive", "negative"), *report("r7", "positive")], "'r7' lacks a finding"),
        ([*report("r7", "positive"), Cell("r7", "mass", LabelState.POSITIVE)], "'two' does not have: mass"),
        ([*report("r7", "positive"), *report("r8", "positive", "negative")[1:]], "those of 2: r7, r8"),
        (REPORTS[0], "report 'r2' was added before"),
    ],
)
def test_cells_that_are_no_report_of_the_schema_are_refused(cells: list[Cell], message: str, tmp_path: Path) -> None:
    with LabelFiles(tmp_path, SCHEMA) as files:
        files.add(REPORTS[0])
        with pytest.raises(SchemaError, match=re.escape(message)):
            files.add(cells)
    assert not contents(tmp_path)


def test_a_run_that_fails_or_does_not_finish_leaves_the_old_files(tmp_path: Path) -> None:
    write(tmp_path, [report("r1", "positive", "negative", attributes=SIDE)])
    old = contents(tmp_path)
    with LabelFiles(tmp_path, SCHEMA) as files:
        files.add(REPORTS[0])
    with pytest.raises(SchemaError), LabelFiles(tmp_path, SCHEMA) as files:
        files.add([*REPORTS[0], Cell("r2", "mass", LabelState.POSITIVE)])
    assert contents(tmp_path) == old


def python(script: str, *arguments: str, n_bytes: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script of the names in this file; no file of it may pass `n_bytes`."""
    cap = resource.RLIM_INFINITY if n_bytes is None else n_bytes
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", f"from test_label_files import *\n{script}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (cap, resource.RLIM_INFINITY)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
             "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def many(number: int, words: str = "words") -> Iterator[list[Cell]]:
    for i in range(number):
        cells = report(f"report{i:06d}", "positive" if i % 9 else "failed", "uncertain")
        yield [replace(cell, evidence=words.format(i)) for cell in cells]


def test_a_killed_run_leaves_the_old_files_and_the_next_one_clears_up(tmp_path: Path) -> None:
    write(tmp_path, REPORTS)
    old = contents(tmp_path)
    script = """
        with LabelFiles(Path(sys.argv[1]), SCHEMA) as files:
            for cells in many(5000):
                files.add(cells)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert python(dedent(script), str(tmp_path)).returncode == -signal.SIGKILL
    left = contents(tmp_path)
    assert len(left) == len(old) + 4
    assert {name: left[name] for name in old} == old
    (tmp_path / "notes.part").write_text("of somebody else")
    write(tmp_path, REPORTS)
    assert contents(tmp_path) == {**old, "notes.part": b"of somebody else"}


@pytest.mark.parametrize(
    ("n_bytes", "name", "words"),
    [(40_000, "labels.csv", "words"), (200_000, "labels.parquet", "{}" + "".join(map(chr, range(256, 1000))))],
)
def test_a_full_disk_is_one_error_and_the_old_files_stay(n_bytes: int, name: str, words: str, tmp_path: Path) -> None:
    write(tmp_path, REPORTS)
    old = contents(tmp_path)
    script = """
        try:
            write(Path(sys.argv[1]), many(6000, sys.argv[2]))
        except WriteError as error:
            print(error)
    """
    done = python(dedent(script), str(tmp_path), words, n_bytes=n_bytes)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{name}: cannot be written (File too large); the old file is unchanged" in done.stdout
    assert contents(tmp_path) == old


def test_a_place_that_is_no_folder_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "label").write_text("a file")
    with pytest.raises(WriteError, match=r"cannot be written \((File exists|Not a directory)\)"):
        LabelFiles(tmp_path / "label", SCHEMA).__enter__()


def test_five_times_the_reports_take_no_more_memory(tmp_path: Path) -> None:
    script = """
        with LabelFiles(Path(sys.argv[1]), SCHEMA) as files:
            for number in range(int(sys.argv[2])):
                files.add(report(f"report{number:06d}", "positive", "negative"))
            files.finish()
        print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
    """
    few, many = (int(python(dedent(script), str(tmp_path), number).stdout) for number in ("20000", "100000"))
    assert many - few < 30 * 1024  # KiB
    assert read_labels(tmp_path / "labels.parquet").counts()["fracture"]["positive"] == 100_000
