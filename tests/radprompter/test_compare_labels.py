"""Two label tables of the same reports: what they agree on, and the order in which a person should look at the rest."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from label_study import write_recipe, write_reports
from typer.testing import CliRunner

from radprompter.agreement.disagreement import KINDS, Comparison, compare
from radprompter.cli.app import app
from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, Cell, FindingSpec, LabelSchema, LabelState
from radprompter.store import restore, write_labels

TWO = LabelSchema("two", (FindingSpec("edema"), FindingSpec("mass")))
STATES = {"+": "positive", "-": "negative", "?": "uncertain", ".": "not_mentioned", "!": "failed", "0": "missing"}


def table(rows: dict[str, str], schema: LabelSchema = TWO, **more: Any) -> LabelTable:
    """Reports with one sign a finding."""
    cells = [
        Cell(report, name, LabelState(STATES[sign]), **more)
        for report, signs in rows.items()
        for name, sign in zip(schema.names, signs, strict=True)
    ]
    return LabelTable.from_cells(cells, schema)


def queue(comparison: Comparison) -> list[str]:
    return [f"{item.report_id} {item.finding}" for item in comparison.disagreements]


def test_the_worst_kind_of_disagreement_comes_first_whichever_table_says_which() -> None:
    first = {"a": "..", "b": "+.", "c": "?.", "d": "-.", "e": "?.", "f": "+.", "g": "-.", "h": "+."}
    second = {"a": "-.", "b": "?.", "c": "-.", "d": "+.", "e": "..", "f": "..", "g": "-.", "h": "-."}
    comparison = compare(table(first), table(second))
    assert queue(comparison) == [f"{report} edema" for report in "dhfbcea"]
    assert [item.severity for item in comparison.disagreements] == [1.0, 1.0, 0.8, 0.5, 0.4, 0.3, 0.1]
    assert queue(compare(table(second), table(first))) == queue(comparison)


def test_every_pair_of_different_labels_has_a_weight_of_its_own() -> None:
    pairs = {frozenset((one, other)) for one in LABELS for other in LABELS if one is not other}
    assert {frozenset(kind) for kind in KINDS} == pairs
    assert len(set(KINDS.values())) == len(KINDS)


def test_of_equal_kinds_the_finding_that_is_positive_in_fewer_reports_comes_first_then_the_order_of_the_reports() -> (
    None
):
    first = {"a": "++", "b": "+-", "c": "+-", "d": "+-"}
    second = {"a": "--", "b": "--", "c": "--", "d": "+-"}
    assert queue(compare(table(first), table(second))) == ["a mass", "a edema", "b edema", "c edema"]


def test_labelers_that_are_sure_come_before_those_that_hesitate() -> None:
    def soft(report: str, p: float | None) -> list[Cell]:
        rest = None if p is None else (1 - p) / 2
        return [
            Cell(report, "edema", LabelState.POSITIVE, p_positive=p, p_negative=rest, p_uncertain=rest),
            Cell(report, "mass", LabelState.NEGATIVE),
        ]

    first = LabelTable.from_cells([*soft("a", 0.5), *soft("b", 0.9), *soft("c", None), *soft("d", 0.9)], TWO)
    second = table({"a": "--", "b": "--", "c": "--", "d": ".-"})
    comparison = compare(first, second)
    assert queue(comparison) == ["c edema", "b edema", "d edema", "a edema"]
    assert [round(item.severity, 3) for item in comparison.disagreements] == [1.0, 0.9, 0.72, 0.5]
    assert [item.p for item in comparison.disagreements] == [None, 0.9, 0.9, 0.5]
    assert {item.other_p for item in comparison.disagreements} == {None}


def test_the_probability_of_not_mentioned_is_what_the_three_leave_of_one() -> None:
    cells = [
        Cell("a", "edema", LabelState.NOT_MENTIONED, p_positive=0.1, p_negative=0.1, p_uncertain=None),
        Cell("a", "mass", LabelState.NEGATIVE),
    ]
    (item,) = compare(LabelTable.from_cells(cells, TWO), table({"a": "+-"})).disagreements
    assert item.p == pytest.approx(0.8)
    assert item.severity == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("first", "second", "lacks"), [("!", "+", (1, 0, 0)), ("-", "0", (0, 1, 0)), ("!", "0", (0, 0, 1))]
)
def test_a_cell_without_a_label_is_counted_and_no_disagreement(
    first: str, second: str, lacks: tuple[int, int, int]
) -> None:
    comparison = compare(table({"a": f"{first}+"}), table({"a": f"{second}+"}))
    edema = comparison.findings[0]
    assert (edema.n_first_lacks, edema.n_second_lacks, edema.n_both_lack) == lacks
    assert (comparison.disagreements, comparison.n, comparison.n_same, comparison.n_unlabelled) == ((), 1, 1, 1)


def test_reports_and_findings_that_one_table_lacks_are_named_and_not_compared() -> None:
    other = LabelSchema("other", (FindingSpec("mass"), FindingSpec("fracture")))
    comparison = compare(table({"a": "+-", "b": "+-"}), table({"b": "+-", "z": "++", "y": "++"}, other))
    assert (comparison.n_reports, comparison.n_reports_first_only, comparison.n_reports_second_only) == (1, 1, 2)
    assert (comparison.findings_first_only, comparison.findings_second_only) == (("edema",), ("fracture",))
    assert queue(comparison) == ["b mass"]


def test_rows_are_the_first_table_and_columns_the_second() -> None:
    comparison = compare(table({"a": "+.", "b": "+.", "c": "-."}), table({"a": "-.", "b": "-.", "c": "+."}))
    assert comparison.findings[0].count(LabelState.POSITIVE, LabelState.NEGATIVE) == 2
    assert comparison.findings[0].count(LabelState.NEGATIVE, LabelState.POSITIVE) == 1
    assert comparison.confusion.sum() == 6


@pytest.mark.parametrize(
    ("second", "missing"),
    [(table({"z": "+-"}), "report id"), (table({"a": "+"}, LabelSchema("x", (FindingSpec("x"),))), "finding")],
)
def test_tables_that_share_nothing_are_refused(second: LabelTable, missing: str) -> None:
    with pytest.raises(SchemaError, match=f"the two label tables have no {missing} in common"):
        compare(table({"a": "+-"}), second)


def test_by_report_those_with_most_that_is_worst_come_first() -> None:
    first = {"a": "+.", "b": "++", "c": "-.", "d": ".."}
    second = {"a": "-.", "b": "?.", "c": "..", "d": ".."}
    reports = compare(table(first), table(second)).by_report()
    assert [(report.report_id, round(report.severity, 3)) for report in reports] == [("b", 1.3), ("a", 1.0), ("c", 0.1)]
    assert [item.finding for item in reports[0].disagreements] == ["mass", "edema"]


def call(*arguments: Any, code: int = 0) -> Any:
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


TEXTS = {
    "a": "Fracture of the radius. No effusion.",
    "b": "Possible fracture. =1+1 effusion.",
    "c": "___",
    "=d": "-Fracture- is seen.",
}
ANSWERS = {
    "a": {
        "fracture": {"state": "present", "evidence": "Fracture"},
        "effusion": "present",
        "no_finding": "not mentioned",
    },
    "b": {
        "fracture": "possible",
        "effusion": {"state": "absent", "evidence": "=1+1 effusion."},
        "no_finding": "not mentioned",
    },
    "=d": {"fracture": "perhaps", "effusion": "not mentioned", "no_finding": "present"},
}


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    """The same reports labeled by rules, and by a model whose answers are given."""
    write_reports(tmp_path / "reports.csv", TEXTS)
    answers = {report: json.dumps(answer) for report, answer in ANSWERS.items()}
    recipe = write_recipe(tmp_path, {"name": "rules"})
    call("label", recipe, "--out", tmp_path / "rules")
    recipe = write_recipe(tmp_path, {"name": "scripted", "answers": answers})
    call("label", recipe, "--out", tmp_path / "model", code=1)
    return tmp_path / "rules/label/labels.parquet", tmp_path / "model/label/labels.parquet"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rules_and_a_model_make_a_review_queue(tables: tuple[Path, Path], tmp_path: Path) -> None:
    shown = call("compare", *tables, "--queue", tmp_path / "queue.csv").stdout
    rows = rows_of(tmp_path / "queue.csv")
    assert [(row["rank"], restore(row["report_id"]), row["finding"]) for row in rows] == [
        ("1", "a", "effusion"), ("2", "b", "effusion"), ("3", "=d", "no_finding"),
    ]  # fmt: skip
    assert (rows[0]["state"], rows[0]["other_state"], rows[0]["evidence"]) == ("negative", "positive", "No effusion.")
    assert rows[0]["labeler"].endswith("/mention:effusion/negated:No")
    assert rows[0]["other_labeler"] == "scripted:scripted"
    assert f"wrote {tmp_path}/queue.csv: 3 disagreements; it holds words of the reports" in shown
    assert "1.00  a  effusion: negative against positive" in shown
    assert "cells that a table has no label for, which are no disagreement: 4" in shown


def test_no_cell_of_the_queue_is_run_as_a_formula(tables: tuple[Path, Path], tmp_path: Path) -> None:
    call("compare", *tables, "--queue", tmp_path / "queue.csv")
    cells = [cell for row in rows_of(tmp_path / "queue.csv") for cell in row.values()]
    assert "'=d" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


def test_the_terminal_and_the_json_line_show_no_words_of_a_report(tables: tuple[Path, Path]) -> None:
    for arguments in ((), ("--json",), ("--by", "report"), ("--by", "report", "--json")):
        shown = call("compare", *tables, *arguments).stdout
        assert "No effusion" not in shown and "1+1" not in shown


def test_a_comparison_is_one_json_line_for_programs(tables: tuple[Path, Path], tmp_path: Path) -> None:
    summary = json.loads(call("compare", *tables, "--queue", tmp_path / "q.csv", "--json").stdout)
    assert (summary["n_reports"], summary["n_disagreements"], summary["n_unlabelled"]) == (4, 3, 4)
    assert summary["n_same"] + summary["n_disagreements"] == summary["n_cells"]
    assert summary["findings"]["effusion"]["confusion"][1][0] == 1
    assert summary["queue"] == f"{tmp_path}/q.csv"


def test_by_report_all_cells_of_a_report_have_its_rank(tables: tuple[Path, Path], tmp_path: Path) -> None:
    shown = call("compare", *tables, "--by", "report", "--queue", tmp_path / "queue.csv").stdout
    assert "3 reports with disagreements; most and worst first:" in shown
    assert [row["rank"] for row in rows_of(tmp_path / "queue.csv")] == ["1", "2", "3"]


def test_a_queue_that_somebody_wrote_into_is_not_lost_unasked(tables: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    call("compare", *tables, "--queue", path)
    written = path.read_bytes()
    call("compare", *tables, "--queue", path)
    path.write_bytes(written + b"reviewed\n")
    assert "exists with other content, perhaps a review" in call("compare", *tables, "--queue", path, code=2).stderr
    assert path.read_bytes() == written + b"reviewed\n"
    call("compare", *tables, "--queue", path, "--overwrite")
    assert path.read_bytes() == written


def test_a_table_agrees_with_itself(tables: tuple[Path, Path], tmp_path: Path) -> None:
    assert "no disagreement" in call("compare", tables[0], tables[0], "--queue", tmp_path / "q.csv").stdout
    assert rows_of(tmp_path / "q.csv") == []


def test_the_second_opinion_may_be_a_csv_with_one_column_a_finding(tmp_path: Path) -> None:
    write_labels(tmp_path, table({"a": "+-", "b": "-."}))
    (tmp_path / "person.csv").write_text("report_id,mass\na,positive\nb,\n")
    summary = json.loads(call("compare", tmp_path / "labels.parquet", tmp_path / "person.csv", "--json").stdout)
    assert (summary["n_disagreements"], summary["findings_first_only"]) == (1, ["edema"])


def test_a_table_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    assert "no such file" in call("compare", tmp_path / "no.parquet", tmp_path / "no.parquet", code=2).stderr
