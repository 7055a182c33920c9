"""Files that are whole or absent, and stamps."""

from __future__ import annotations

from pathlib import Path

import pytest

from radprompter.errors import TableError
from radprompter.files import (
    atomic,
    is_up_to_date,
    read_json,
    read_table,
    source_digest,
    stamp_inputs,
    write_json,
    write_stamp,
    write_text,
)
from radprompter.ownership import remove_former


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError), atomic(path) as part:
        part.write_text("half \ud800", encoding="utf-8")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_nan_becomes_null_in_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": float("nan"), "a": 1})
    assert read_json(tmp_path / "a.json") == {"a": 1, "b": None}


def test_a_stage_is_up_to_date_until_a_setting_an_input_or_an_output_changes(tmp_path: Path) -> None:
    source, folder = tmp_path / "in.csv", tmp_path / "stage"
    write_text(source, "a\n1\n")
    write_text(folder / "out.csv", "b\n")
    made_from = stamp_inputs({"limit": 3}, [source])
    assert not is_up_to_date(folder, made_from)
    write_stamp(folder, made_from, ["out.csv"])
    assert is_up_to_date(folder, stamp_inputs({"limit": 3}, [source]))
    assert not is_up_to_date(folder, stamp_inputs({"limit": 4}, [source]))
    write_text(folder / "out.csv", "touched\n")
    assert not is_up_to_date(folder, made_from)
    write_text(folder / "out.csv", "b\n")
    write_text(source, "a\n2\n")
    assert not is_up_to_date(folder, stamp_inputs({"limit": 3}, [source]))
    (folder / "stage.json").write_text("not json")
    assert not is_up_to_date(folder, made_from)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_tables_are_read_as_text_whatever_their_format(tmp_path: Path, suffix: str) -> None:
    import pandas as pd

    frame = pd.DataFrame({"id": ["007", "NA"], "text": ["None", ""]})
    path = tmp_path / f"table{suffix}"
    {".csv": lambda: frame.to_csv(path, index=False), ".parquet": lambda: frame.to_parquet(path),
     ".jsonl": lambda: frame.to_json(path, orient="records", lines=True)}[suffix]()  # fmt: skip
    assert read_table(path, required=["id"]).to_dict("list") == {"id": ["007", "NA"], "text": ["None", ""]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"site,text\n", "no rows"),
        ("a.csv", b"id,text\n1,x\n", "no column 'site'; it has: id, text"),
        ("a.csv", b"site,b\n1,2,3,4\n1,2,3,4,5\n", "not a regular table"),
        ("a.csv", b"site,b\n1,2,3\n4,5,6\n", "not a regular table"),
        ("a.csv", "site\nGröße\n".encode("latin-1"), "not UTF-8"),
        ("a.xls", b"site\n", "expected a file that ends in"),
        ("a.parquet", b"PAR1nonsense", "cannot be read as parquet"),
    ],
)
def test_unusable_tables_say_why(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=message):
        read_table(tmp_path / name, required=["site"])


def test_an_absent_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"none\.csv: no such file"):
        read_table(tmp_path / "none.csv")


def test_the_digest_of_sources_is_of_code_templates_style_sheets_and_tables(tmp_path: Path) -> None:
    digests = {}
    for name in ("code.py", "page.html.jinja", "page.css", "data.csv", "notes.txt"):
        folder = tmp_path / name  # a digest is computed once a process
        folder.mkdir()
        (folder / name).write_text("1")
        digests[name] = source_digest(folder)
    assert len({digests[name] for name in ("code.py", "page.html.jinja", "page.css", "data.csv", "notes.txt")}) == 5


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("study_id,fracture,effusion,fracture\ns1,1,0,0\n")
    with pytest.raises(TableError, match="two columns are called 'fracture'; rename or remove one"):
        read_table(path)
    path.write_text("study_id,fracture,fracture.1,,\ns1,1,0,,\n")  # names of somebody's own, and blank ones
    assert list(read_table(path).columns)[:3] == ["study_id", "fracture", "fracture.1"]


def test_what_a_stage_no_longer_writes_is_removed_and_other_files_stay(tmp_path: Path) -> None:
    names = ["a/labels.csv", "b/labels.csv", "c/labels.csv"]
    for name in (*names, "c/notes.txt"):
        write_text(tmp_path / name, name)
    write_stamp(tmp_path, {}, names)
    remove_former(tmp_path, ["a/labels.csv"])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "a", "a/labels.csv", "c", "c/notes.txt", "stage.json",
    ]  # fmt: skip
