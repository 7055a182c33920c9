"""`radprompter raters`: files in, one row a finding out, and files that are none refused."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState
from radprompter.store import write_labels

READ = "report_id,site,words,edema,mass\n"


@pytest.fixture
def readers(tmp_path: Path) -> list[str]:
    """Two readers of 30 reports who differ in two cells of edema and none of mass."""
    first = [f"r{place},north,free words {place},{int(place < 8)},0" for place in range(30)]
    second = [*first[:7], "r7,north,free words 7,0,0", "r8,north,free words 8,-1,0", *first[9:]]
    for name, rows in (("ann", first), ("bea", second)):
        (tmp_path / f"{name}.csv").write_text(READ + "\n".join(rows) + "\n", encoding="utf-8")
    return [str(tmp_path / "ann.csv"), str(tmp_path / "bea.csv")]


def invoke(*words: Any) -> Result:
    return CliRunner().invoke(app, ["raters", *map(str, words)], env={"COLUMNS": "100"})


def coefficients(result: Result, place: int = 0) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)["agreements"][place]["coefficients"]
    return found


def test_two_readers_are_shown_finding_by_finding_in_a_hundred_columns(readers: list[str]) -> None:
    result = invoke(*readers)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "2 raters, 30 reports, 2 findings"
    edema, mass, pooled = lines[2:5]
    assert edema.split()[:3] == ["edema", "30", "0.933"]
    assert edema.rstrip().endswith("n.m. unc")
    assert "1.000 (–)" in mass
    assert pooled.startswith("all, pooled  60  0.967")
    assert max(map(len, lines)) <= 100
    assert "free words" not in result.output
    assert "all ratings are in one category, so chance alone agrees always: 0 / 0 (mass)" in result.output


def test_a_score_interval_needs_no_excuse_where_nobody_differs(readers: list[str]) -> None:
    output = invoke(*readers, "--interval", "score", "--coefficient", "gwet").output
    assert "1.000 (0.878 to 1.000)" in output
    assert "variance" not in output


def test_one_finding_is_said_once(readers: list[str]) -> None:
    output = invoke(*readers, "--finding", "mass").output
    assert output.startswith("2 raters, 30 reports, 1 finding\n")
    assert output.count("(mass)") == 2
    assert "all, pooled" not in output


def test_the_numbers_are_written_as_a_table_or_as_json(readers: list[str], tmp_path: Path) -> None:
    out = tmp_path / "agreement"
    for suffix in (".csv", ".json"):
        assert invoke(*readers, "--out", out.with_suffix(suffix)).exit_code == 0
    rows = list(csv.DictReader(out.with_suffix(".csv").read_text().splitlines()))
    assert [row["finding"] for row in rows[::4]] == ["edema", "mass", "all findings"]
    summary = json.loads(out.with_suffix(".json").read_text())
    gwet = summary["agreements"][0]["coefficients"]["gwet"]
    assert float(rows[1]["value"]) == gwet["value"]
    assert rows[6]["coefficient"] == "cohen" and rows[6]["value"] == "" and rows[6]["reason"] == "one_category"
    assert summary["agreements"][1]["coefficients"]["cohen"]["value"] is None


def test_a_file_with_other_content_is_kept_unless_it_may_be_replaced(readers: list[str], tmp_path: Path) -> None:
    out = tmp_path / "agreement.csv"
    out.write_text("mine")
    refused = invoke(*readers, "--out", out)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output
    assert out.read_text() == "mine"
    assert invoke(*readers, "--out", out, "--overwrite").exit_code == 0
    assert invoke(*readers, "--out", out).exit_code == 0


def test_projection_weights_coefficients_and_findings_may_be_chosen(readers: list[str]) -> None:
    words = ("--projection", "uncertain_is_negative", "--weights", "linear", "--coefficient", "gwet", "--json")
    found = coefficients(invoke(*readers, *words, "--finding", "edema"))
    assert list(found) == ["gwet"]
    assert found["gwet"]["name"] == "AC1"  # of two categories, all weights are those of the identity
    assert found["gwet"]["pa"] == pytest.approx(29 / 30)
    masked = invoke(*readers, "--projection", "uncertain_is_masked", "--json")
    assert coefficients(masked)["gwet"]["n_left_out"] == 1


def test_a_label_table_may_stand_beside_readers_and_says_what_the_findings_are(
    readers: list[str], tmp_path: Path
) -> None:
    schema = LabelSchema("lungs", (FindingSpec("edema"), FindingSpec("fracture")))
    states = [LabelState.FAILED, *[LabelState.NEGATIVE] * 29]
    cells = [Cell(f"r{place}", name, state) for place, state in enumerate(states) for name in schema.names]
    write_labels(tmp_path, LabelTable.from_cells(cells, schema))
    summary = json.loads(invoke(tmp_path / "labels.parquet", *readers, "--json").output)
    assert [item["finding"] for item in summary["agreements"]] == ["edema", "mass", None]
    assert [item["coefficients"]["fleiss"]["n_raters"] for item in summary["agreements"]] == [3, 2, 3]
    assert [(item["finding"], item["reason"]) for item in summary["left_out"]] == [
        ("fracture", "no other table has it")
    ]


def test_three_raters_are_shown_in_pairs_too(readers: list[str], tmp_path: Path) -> None:
    third = tmp_path / "cem.csv"
    third.write_text(Path(readers[0]).read_text())
    out = tmp_path / "all.csv"
    output = invoke(*readers, third, "--out", out).output
    assert "1 and 2  60  0.967" in output
    assert "1 and 3  60  1.000" in output
    assert f"2: {readers[1]}" in output.replace("\n", " ")
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["raters"] for row in rows[::4]] == ["all"] * 3 + [
        f"{one} and {other}" for one, other in itertools.combinations([*readers, str(third)], 2)
    ]
    assert [item["raters"] for item in json.loads(invoke(*readers, third, "--json").output)["pairs"]][2] == [
        readers[1], str(third),
    ]  # fmt: skip


def test_findings_may_be_declared_the_same_and_ids_stand_in_any_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("uid,Pleural Effusion,oedema\n1,1,0\n2,0,0\n")
    (tmp_path / "b.csv").write_text("report_id,pleural_effusion,edema\n1,1,1\n2,0,0\n")
    words = (tmp_path / "a.csv", tmp_path / "b.csv", "--id", "uid", "--json")
    alone = json.loads(invoke(*words).output)
    assert list(alone["columns"]) == ["Pleural Effusion"]
    assert alone["left_out"][0]["reason"] == "no other table has it; near it: edema (--match oedema=edema)"
    summary = json.loads(invoke(*words, "--match", "edema=oedema").output)
    assert summary["columns"] == {
        "Pleural Effusion": ["Pleural Effusion", "pleural_effusion"],
        "oedema": ["oedema", "edema"],
    }


def test_a_row_that_nobody_filled_in_may_be_said_to_have_no_label(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("report_id,a,b,c\nr1,1,0,0\nr2,,,\n")
    (tmp_path / "b.csv").write_text("report_id,a,b,c\nr1,1,0,0\nr2,0,0,0\n")
    words = (tmp_path / "a.csv", tmp_path / "b.csv")
    assert "--blank no_label" in invoke(*words).output
    for blank, n_left_out in (("no_label", 1), ("not_mentioned", 0)):
        found = coefficients(invoke(*words, "--blank", blank, "--json"))
        assert found["gwet"]["n_left_out"] == n_left_out


def test_weights_of_a_drawn_sample_are_said_not_to_be_used(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("report_id,weight,sampling_stratum,edema\nr1,1.0,a,1\nr2,7.5,b,0\n")
    (tmp_path / "b.csv").write_text("report_id,weight,edema\nr1,1.0,1\nr2,1.0,0\n")
    words = (tmp_path / "a.csv", tmp_path / "b.csv")
    assert "1 finding\n" in invoke(*words).output
    assert "unequal chances" in invoke(*words).output
    assert json.loads(invoke(*words, "--json").output)["weights_not_used"] == [str(tmp_path / "a.csv")]


def test_ids_that_a_table_neutralised_are_those_of_the_other(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("report_id,edema\n'-1,1\n'-2,0\n")
    (tmp_path / "b.csv").write_text("study_id,edema\n-1,1\n-2,0\n")
    assert json.loads(invoke(tmp_path / "a.csv", tmp_path / "b.csv", "--json").output)["n_reports"] == 2


@pytest.mark.parametrize(
    ("second", "words", "message"),
    [
        (READ + "r1,n,w,1,0\nr1,n,w,0,0\n", (), "bea.csv: id 'r1' stands in more than one row"),
        (READ + "z1,n,w,1,0\n", (), "ann.csv: has no report id in common"),
        ("report_id,oedema\nr1,1\n", (), "ann.csv: has no finding in common"),
        ("report_id,words\nr1,all is well\n", (), "bea.csv: no column holds labels"),
        (
            READ + "r1,n,w,1,0\nr2,n,w,perhaps,0\nr3,n,w,1,0\n",
            (),
            "bea.csv: column 'edema', report 'r2': expected positive",
        ),
        ("", (), "bea.csv: the file is empty"),
        (READ + "r1,n,w,1,0\n", ("--finding", "fracture"), "no two tables share fracture; shared are: edema, mass"),
        (READ + "r1,n,w,1,0\n", ("--id", "uid"), "no table has a column 'uid'"),
        (READ + "r1,n,w,1,0\n", ("--match", "edema"), "--match 'edema': expected NAME=COLUMN"),
        (READ + "r1,n,w,1,0\n", ("--projection", "both"), "--projection 'both': expected one of four_states"),
        (READ + "r1,n,w,1,0\n", ("--coefficient", "kappa"), "coefficient 'kappa': expected one of percent"),
        (READ + "r1,n,w,1,0\n", ("--weights", "cubic"), "weights 'cubic': expected one of identity"),
        (READ + "r1,n,w,1,0\n", ("--confidence", "95"), "between 0 and 1"),
        (READ + "r1,n,w,1,0\n", ("--out", "numbers.txt"), "ends in .csv or .json"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_message(
    readers: list[str], second: str, words: tuple[str, ...], message: str
) -> None:
    Path(readers[1]).write_text(second, encoding="utf-8")
    result = invoke(*readers, *words)
    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")
    assert "all is well" not in result.output


def test_one_table_and_the_same_table_twice_are_refused(readers: list[str]) -> None:
    assert "two label tables or more, found 1" in invoke(readers[0]).output
    assert "named twice" in invoke(readers[0], readers[0]).output


def test_a_parquet_file_that_is_no_label_table_is_named(readers: list[str], tmp_path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"report_id": ["r1"], "edema": [1]}).to_parquet(tmp_path / "other.parquet")
    result = invoke(tmp_path / "other.parquet", *readers)
    assert result.exit_code == 2
    assert "other.parquet: this is not a label table" in result.output.replace("\n", " ")
