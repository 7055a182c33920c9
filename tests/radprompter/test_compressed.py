"""Compressed tables: read as what they hold, refused when damaged, and no bomb fills the memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from radprompter import compressed
from radprompter.errors import TableError
from radprompter.files import read_table
from radprompter.recipe import Reports
from radprompter.records import Report
from radprompter.store import read_reports, report_table

CSV = b'report_id,text\n1,"Heart,\nnormal."\n2,\xc3\xa4\n'
JSONL = b'{"report_id": 1, "text": "Heart,\\nnormal."}\n\n{"report_id": 2, "text": "\\u00e4"}\n'
REPORTS = [Report("1", {"report": "Heart,\nnormal."}), Report("2", {"report": "ä"})]


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, "zstd", asbytes=True))


PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd}


def reading(path: Path, content: bytes) -> list[Report]:
    path.write_bytes(content)
    return list(read_reports(Reports(path=path, text="text")))


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize(("kind", "content"), [(".csv", CSV), (".jsonl", JSONL)])
def test_a_compressed_table_gives_what_is_in_it(kind: str, content: bytes, packed: str, tmp_path: Path) -> None:
    path = tmp_path / f"r.x{kind}{packed}"
    assert reading(path, PACK[packed](content)) == REPORTS
    assert read_table(path, required=["text"]).astype(str).to_dict("list") == {
        "report_id": ["1", "2"], "text": ["Heart,\nnormal.", "ä"],
    }  # fmt: skip


@pytest.mark.parametrize("packed", PACK)
def test_archives_after_one_another_are_one_table(packed: str, tmp_path: Path) -> None:
    parts = PACK[packed](CSV[:20]) + PACK[packed](CSV[20:])
    assert reading(tmp_path / f"r.csv{packed}", parts) == REPORTS


LONG = CSV + b"".join(b"r%d,word %d\n" % (number, number * 7919) for number in range(20_000))


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize(
    "damage",
    [lambda file: file[:-1], lambda file: file[: len(file) // 2], lambda file: file[:5], lambda _: CSV,
     lambda file: file + b"left over"],
    ids=["last byte", "half", "header", "not compressed", "more than the archive"],
)  # fmt: skip
def test_a_damaged_archive_is_one_clear_error(damage: Callable[[bytes], bytes], packed: str, tmp_path: Path) -> None:
    path = tmp_path / f"r.csv{packed}"
    expected = rf"r\.csv\{packed}: damaged, cut off or not {packed[1:]}, seen after [\d,]+ bytes"
    with pytest.raises(TableError, match=expected):
        reading(path, damage(PACK[packed](LONG)))
    with pytest.raises(TableError, match=expected):
        read_table(path)


def test_nothing_is_read_of_an_archive_whose_end_tells_that_it_is_damaged(tmp_path: Path) -> None:
    packed = gzip.compress(LONG)
    middle = len(packed) // 2
    path = tmp_path / "r.csv.gz"
    path.write_bytes(packed[:middle] + bytes([packed[middle] ^ 255]) + packed[middle + 1 :])
    with pytest.raises(TableError, match=r"damaged, cut off or not gz, seen after [\d,]+ bytes"):
        next(read_reports(Reports(path=path, text="text")))


@pytest.mark.parametrize("packed", PACK)
def test_lines_are_counted_in_what_was_compressed(packed: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=rf"r\.csv\{packed}:5: not UTF-8 text"):
        reading(tmp_path / f"r.csv{packed}", PACK[packed](CSV + b"3,\xfc\n"))
    with pytest.raises(TableError, match=r"'1' stands on line 2 and again, with another text, on line 5"):
        reading(tmp_path / f"r.csv{packed}", PACK[packed](CSV + b"1,other\n"))
    with pytest.raises(TableError, match="the file is empty"):
        reading(tmp_path / f"r.csv{packed}", PACK[packed](b""))


@pytest.mark.parametrize("name", ["r.parquet.gz", "r.gz", "r.csv.bz2", "csv"])
def test_other_endings_are_refused_with_those_that_are_known(name: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"ends in \.csv, \.csv\.gz, \.csv\.zst, \.jsonl, .*, \.parquet"):
        reading(tmp_path / name, gzip.compress(CSV))
    with pytest.raises(TableError, match=r"ends in \.csv, \.csv\.gz"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz"])
def test_a_file_that_cannot_be_opened_is_one_error(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    opened = compressed.open_expanded(tmp_path / name)
    with pytest.raises(TableError, match=rf"{name}: cannot be read \(Is a directory\)"):
        opened.__enter__()


@pytest.mark.parametrize("packed", PACK)
def test_what_expands_beyond_all_tables_is_refused(
    packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "FREE_BYTES", 2**20)
    path = tmp_path / f"r.jsonl{packed}"
    with pytest.raises(TableError, match=r"expands to more than 1,\d+,\d+ bytes, over 200 times its size"):
        reading(path, PACK[packed](JSONL + 4 * 2**20 * b"\n"))
    with pytest.raises(TableError, match="expands to more than"):
        read_table(path)
    assert reading(path, PACK[packed](JSONL + 2**19 * b"\n")) == REPORTS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", CSV + b"3," + 2**20 * b"x" + b"\n", "r.csv:5: a line of more than 1 MiB is no report"),
        ("r.csv", CSV + b'3,"' + 2**17 * b"words and\n", "r.csv:5: a row of more than 1 MiB begins there; is a quote"),
        ("r.jsonl", JSONL + b'{"text": "' + 2**20 * b"x", "r.jsonl:4: a line of more than 1 MiB is no report"),
    ],
)
def test_a_row_that_is_no_report_is_refused_with_its_line(
    name: str, content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_table, "MAX_ROW_BYTES", 2**20)
    with pytest.raises(TableError, match=message):
        reading(tmp_path / name, content)


def test_a_long_cell_of_parquet_is_refused_with_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_table, "MAX_ROW_BYTES", 2**20)
    frame = pd.DataFrame({"report_id": ["1", "2"], "text": ["x", "x" * (2**20 + 1)], "other": ["x" * 2**21, "x"]})
    frame.to_parquet(tmp_path / "r.parquet")
    with pytest.raises(TableError, match=r"r\.parquet:2: a cell of more than 1 MiB"):
        list(read_reports(Reports(path=tmp_path / "r.parquet", text="text")))


def test_a_gigabyte_on_one_line_fills_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl.zst"
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        for _ in range(1000):
            file.write(2**20 * b"0")
    assert path.stat().st_size < 2**20
    probe = (
        "import pathlib, re, sys\nfrom radprompter.errors import TableError\nfrom radprompter.recipe import Reports\n"
        "from radprompter.store import read_reports\n"
        "try:\n    next(read_reports(Reports(path=sys.argv[1])))\nexcept TableError as error:\n    print(error)\n"
        "print(re.search(r'VmHWM:\\s*(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", probe, str(path)], capture_output=True, text=True, check=True, timeout=300
    )
    said, peak_kib = done.stdout.splitlines()
    assert said.endswith("r.jsonl.zst:1: a line of more than 64 MiB is no report")
    assert int(peak_kib) < 400 * 1024
