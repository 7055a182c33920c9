"""Tables of reports in, label files out: what is read, what is refused and with which words."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radprompter.errors import RecipeError, TableError
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState
from radprompter.recipe import Reports
from radprompter.records import Report
from radprompter.store import csv_text, neutralise, read_labels, read_reports, restore, write_labels

HEADER = "report_id,findings,impression\n"


def reading(path: Path, content: str | bytes, **settings: object) -> list[Report]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_reports(Reports.model_validate({"path": path, **settings})))


def test_a_csv_gives_its_reports_in_order_with_sections(tmp_path: Path) -> None:
    content = HEADER + 'b,"Heart, normal.\nLungs ""clear"".",ok\n\na,x,\n'
    assert reading(tmp_path / "r.csv", content) == [
        Report("b", {"findings": 'Heart, normal.\nLungs "clear".', "impression": "ok"}),
        Report("a", {"findings": "x", "impression": ""}),
    ]


def test_one_column_may_hold_the_whole_report(tmp_path: Path) -> None:
    reports = reading(tmp_path / "r.csv", "id,text\n1,Erguss.\n", id="id", text="text", language="de")
    assert reports == [Report("1", {"report": "Erguss."}, "de")]


@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet"])
def test_jsonl_and_parquet_give_the_same_reports_as_csv(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"report_id": [7, 8], "findings": ["ä\nb", "c"], "impression": [None, "d"]})
    path = tmp_path / name
    if path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    assert list(read_reports(Reports(path=path))) == [
        Report("7", {"findings": "ä\nb", "impression": ""}),
        Report("8", {"findings": "c", "impression": "d"}),
    ]


def test_a_column_may_give_the_language(tmp_path: Path) -> None:
    content = "report_id,text,lang\n1,x,en\n2,y, DE \n"
    reports = reading(tmp_path / "r.csv", content, text="text", language_column="lang")
    assert [report.language for report in reports] == ["en", "de"]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert reading(tmp_path / "r.csv", b"\xef\xbb\xbfreport_id,text\n1,x\n", text="text")[0].id == "1"


def test_a_cell_of_a_million_characters_is_read(tmp_path: Path) -> None:
    (report,) = reading(tmp_path / "r.csv", "report_id,text\n1," + "x" * 1_000_000 + "\n", text="text")
    assert len(report.text) == 1_000_000


def test_rows_that_repeat_an_id_and_its_text_give_one_report(tmp_path: Path) -> None:
    assert len(reading(tmp_path / "r.csv", HEADER + "1,x,y\n1,x,y\n2,x,y\n")) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"r\.csv: the file is empty"),
        (HEADER, r"r\.csv: has a header but no rows"),
        (HEADER + "1,x,y\n2,z,z\n1,x,other\n", r"id '1' stands on line 2 and again, with another text, on line 4"),
        (HEADER + '1,"x\ny",z\n1,a,b\n', r"on line 2 and again, with another text, on line 4"),
        (
            "report_id,finding,impression\n1,x,y\n",
            r"r\.csv: no column 'findings'; did you mean 'finding'\?.* report_id",
        ),
        (HEADER + "1,x,y\n2,x\n", r"r\.csv:3: expected 3 cells, as in the header, found 2"),
        (HEADER + '1,"x\ny",z,w\n', r"r\.csv:2: expected 3 cells, as in the header, found 4"),
        (HEADER + '1,x,"never closed\n', r"r\.csv:2: not regular CSV"),
        (HEADER + " ,x,y\n", r"r\.csv:2: the id \(column 'report_id'\) is empty"),
        (HEADER.encode() + b"1,x,y\n2,\xfc,y\n", r"r\.csv:3: not UTF-8 text"),
        ("x".encode("utf-16"), r"r\.csv:1: not UTF-8 text"),
        ("report_id,findings,findings,impression\n1,x,y,z\n", r"columns that stand twice: 'findings'"),
    ],
)
def test_a_bad_table_is_one_clear_error(content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=message):
        reading(tmp_path / "r.csv", content)


@pytest.mark.parametrize(
    ("name", "content", "settings", "message"),
    [
        ("r.jsonl", '{"report_id": 1, "text": "x"}\n[1]\n', {"text": "text"}, r":2: expected a JSON object"),
        ("r.jsonl", '{"report_id": 1, "text": "\\ud800"}\n', {"text": "text"}, r":1: not valid JSON"),
        ("r.jsonl", '{"report_id": 1}\n', {"text": "text"}, r":1: no column 'text'"),
        ("r.parquet", "no parquet", {}, r"cannot be read as Parquet"),
        ("r.xlsx", "x", {}, r"expected a file that ends in \.csv"),
        (
            "r.csv",
            "report_id,text,l\n1,x,fr\n",
            {"text": "text", "language_column": "l"},
            r":2: 'l': expected en or de",
        ),
    ],
)
def test_other_bad_tables_too(name: str, content: str, settings: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=message):
        reading(tmp_path / name, content, **settings)


def test_an_absent_table_and_an_unknown_language_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no such file"):
        list(read_reports(Reports(path=tmp_path / "r.csv")))
    with pytest.raises(RecipeError, match="unknown language 'fr'"):
        list(read_reports(Reports(path=tmp_path / "r.csv", language="fr")))


def test_an_error_does_not_quote_the_words_of_a_report(tmp_path: Path) -> None:
    secret = "Mr. Miller has a fracture of the scaphoid bone"
    with pytest.raises(TableError) as caught:
        reading(tmp_path / "r.csv", f'"{secret}",x,y\n1,x,y\n')
    assert secret not in str(caught.value)


SCHEMA = LabelSchema("two", (FindingSpec("fracture"), FindingSpec("effusion")))
ROWS = {
    "=1+1": ("positive", "uncertain"),
    "b": ("negative", "not_mentioned"),
    "c": ("positive", "missing"),
    "d": ("failed", "failed"),
    "e": ("skipped", "skipped"),
}


def table() -> LabelTable:
    cells = [
        Cell(report_id, finding, LabelState(state), repair="timeout" if state == "failed" else None)
        for report_id, states in ROWS.items()
        for finding, state in zip(SCHEMA.names, states, strict=True)
    ]
    return LabelTable.from_cells(cells, SCHEMA)


def test_labels_csv_has_the_codes_of_complete_reports_and_failures_csv_the_others(tmp_path: Path) -> None:
    write_labels(tmp_path, table())
    assert (tmp_path / "labels.csv").read_text() == "report_id,fracture,effusion\n'=1+1,1,-1\nb,0,\n"
    assert (tmp_path / "failures.csv").read_text() == (
        "report_id,findings,reason\nc,effusion,missing\nd,fracture effusion,failed: timeout\n"
        "e,fracture effusion,skipped\n"
    )


def test_labels_parquet_comes_back_whole_and_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    write_labels(tmp_path / "a", table())
    write_labels(tmp_path / "b", table())
    pd.testing.assert_frame_equal(read_labels(tmp_path / "a" / "labels.parquet").frame, table().frame)
    for name in ("labels.parquet", "labels.csv", "failures.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_file_that_is_no_label_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        read_labels(tmp_path / "x.parquet")
    (tmp_path / "x.parquet").write_text("x")
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        read_labels(tmp_path / "x.parquet")
    pq.write_table(table().to_arrow().replace_schema_metadata(None), tmp_path / "y.parquet")
    with pytest.raises(Exception, match="not a label table"):
        read_labels(tmp_path / "y.parquet")


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1", "-2+3", "@x", "\tx", "\rx", "'=x", "\x00"])
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(cell: str) -> None:
    assert neutralise(cell) == "'" + cell
    assert restore(neutralise(cell)) == cell


@given(st.text(alphabet="'=+-@\t\r ab"))
def test_neutralising_is_undone_exactly(cell: str) -> None:
    assert restore(neutralise(cell)) == cell


def test_the_limit_of_the_csv_module_is_left_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    reading(tmp_path / "r.csv", HEADER + "1,x,y\n")
    assert csv.field_size_limit() == before


def test_the_rows_of_one_report_are_read_alone(tmp_path: Path) -> None:
    schema = LabelSchema("two", (FindingSpec("edema"), FindingSpec("mass")))
    cells = [Cell(report, name, LabelState.NEGATIVE) for report in "abc" for name in schema.names]
    write_labels(tmp_path, LabelTable.from_cells(cells, schema))
    table = read_labels(tmp_path / "labels.parquet", only="b")
    assert (table.report_ids, table.schema) == (("b",), schema)
    assert read_labels(tmp_path / "labels.parquet", only="z").report_ids == ()


def test_a_csv_text_reads_as_what_was_written_and_runs_nothing() -> None:
    rows = [("=1", "a\rb", 'say "x",\n'), (1, None, "-")]
    text = csv_text(("id", "words", "more"), rows)
    assert "\r\n" not in text
    header, *read = csv.reader(text.splitlines(keepends=True))
    assert header == ["id", "words", "more"]
    assert [[restore(cell) for cell in row] for row in read] == [["=1", "a\rb", 'say "x",\n'], ["1", "", "-"]]
    assert text.splitlines()[-1] == "1,,'-"
