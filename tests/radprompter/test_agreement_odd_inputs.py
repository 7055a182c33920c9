"""Odd files and options of `agree`, `raters` and `sample`: one message that says what, where and how to mend it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result
from label_tables import label_table
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.reading.finding import list_faults
from radprompter.store import write_labels

TRUTH = "report_id,edema,mass,site,patient_id\nr1,1,0,n,p1\nr2,0,1,n,p1\nr3,-1,,s,p2\nr4,1,0,s,p3\n"
WORDS = "There is an effusion on the left, and the heart is larger than it was in the last study."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in with two tables of the same four reports."""
    monkeypatch.chdir(tmp_path)
    Path("labels.csv").write_text(TRUTH.replace("r2,0", "r2,1"))
    Path("truth.csv").write_text(TRUTH)
    return tmp_path


def call(command: str, code: int = 0) -> Result:
    result = CliRunner(env={"COLUMNS": "300"}).invoke(app, command.split())
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("command", ["agree labels.csv odd.csv", "raters labels.csv odd.csv"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TRUTH.replace(",", ";"), "semicolons stand between its cells, and commas are expected; save it with commas"),
        (TRUTH.replace(",", "\t"), "tabs stand between its cells, and commas are expected; save it with commas"),
        (TRUTH.replace(",", ";").replace(";1;", ";1,0;"), "semicolons stand between its cells"),
        (f'r1,"{WORDS}"\nr2,"{WORDS}"\n', f"it has: r1, ({len(WORDS)} characters)"),
    ],
)
def test_tables_that_are_separated_otherwise_or_have_no_header_say_so(command: str, content: str, message: str) -> None:
    Path("odd.csv").write_text(content)
    shown = call(command, code=2).output
    assert message in shown
    assert WORDS not in shown


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("agree labels.csv folder.csv", "folder.csv: is a folder; name the table in it"),
        ("sample draw folder.csv --out o", "folder.csv: is a folder; name the labels.parquet in it"),
        ("agree labels.csv other.parquet", "other.parquet: this is not a label table"),
        ("sample draw other.parquet --out o", "other.parquet: this is not a label table"),
        ("sample draw labels.parquet --out truth.csv", "--out truth.csv: is a file; name a folder"),
        ("sample read absent", "absent: no such file or folder"),
        ("agree labels.csv truth.csv --out truth.csv", "--out truth.csv: truth.csv is a file; name a folder"),
        ("agree labels.csv truth.csv --out truth.csv/x", "--out truth.csv/x: truth.csv is a file; name a folder"),
        ("agree labels.csv truth.csv --rounds 1000000000", "rounds: input should be less than or equal to 100000"),
        ("agree labels.csv truth.csv --also x=apart.csv", "x has ids such as 'q1', truth.csv such as 'r1'"),
        ("agree labels.csv truth.csv --beside folder.csv", "folder.csv: is a folder; name the agreement.json in it"),
        ("agree labels.csv truth.csv --reports truth.csv --by length", "truth.csv: --by length: no column of texts"),
        ("agree labels.csv truth.csv --reports two.csv", "two.csv: report 'r1' stands in rows that differ in 'patient"),
        ("raters labels.csv truth.csv --match oedema=edema", "no table has a finding 'oedema'; near it: edema"),
        ("raters labels.csv truth.csv --match edema=oedema", "no table has a finding 'oedema'; near it: edema"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_way_out(command: str, message: str) -> None:
    Path("folder.csv").mkdir()
    pd.DataFrame({"a": [1]}).to_parquet("other.parquet")
    Path("apart.csv").write_text(TRUTH.replace("\nr", "\nq"))
    Path("two.csv").write_text("report_id,patient_id\nr1,p1\nr1,p2\n")
    before = sorted(Path().iterdir())
    assert message in call(command, code=2).output
    assert sorted(Path().iterdir()) == before


def test_a_weight_that_is_a_text_is_not_quoted() -> None:
    Path("weighted.csv").write_text("report_id,edema,weight\n" + "".join(f'r{n},1,"{WORDS}"\n' for n in range(1, 5)))
    shown = call("agree labels.csv weighted.csv", code=2).output
    assert f"report 'r1': expected a number above 0, found {len(WORDS)} characters" in shown
    assert WORDS[:12] not in shown


@pytest.mark.parametrize("name", ["basis", "labelers", "definitions", "numbers"])
def test_an_earlier_agreement_that_was_changed_is_refused(name: str) -> None:
    call("agree labels.csv truth.csv --rounds 5 --out o")
    content = json.loads(Path("o/agreement.json").read_text())
    Path("lacking.json").write_text(json.dumps({key: value for key, value in content.items() if key != name}))
    Path("other.json").write_text(json.dumps({**content, name: None if name == "labelers" else []}))
    for changed in ("lacking.json", "other.json"):
        shown = call(f"agree labels.csv truth.csv --rounds 5 --beside {changed}", code=2).output
        assert f"{changed}: was changed after it was written" in shown


def test_an_agreement_leaves_nothing_of_another_in_its_folder_and_replaces_no_file_of_somebody_else() -> None:
    call("agree labels.csv truth.csv --also b=truth.csv --rounds 5 --out o --page")
    call("agree labels.csv truth.csv --also b=truth.csv --rounds 5 --out o")
    assert {"page.html", "differences.csv"} <= {path.name for path in Path("o").iterdir()}
    call("agree labels.csv truth.csv --rounds 5 --out o --overwrite")
    own = {"agreement.json", "agreement.csv", "confusions.csv", "tables.md"}
    assert {path.name for path in Path("o").iterdir()} == own
    Path("mine").mkdir()
    Path("mine/tables.md").write_text("mine")
    shown = call("agree labels.csv truth.csv --rounds 5 --out mine", code=2).output
    assert "mine/tables.md: exists with other content" in shown
    assert [path.read_text() for path in Path("mine").iterdir()] == ["mine"]


@pytest.mark.parametrize("manifest", ["{", "[1]", '{"n_reports": 4, "schema": null}'])
def test_a_damaged_manifest_beside_labels_costs_nothing_but_the_costs(manifest: str) -> None:
    rows = {f"r{number}": "+-" for number in range(1, 5)}
    write_labels(Path("run/label"), label_table(rows, ["edema", "mass"]))
    Path("run/label/manifest.json").write_text(manifest)
    assert (
        "run against truth.csv: 4 reports, 2 findings"
        in call("agree run/label/labels.parquet truth.csv --rounds 0").output
    )


def test_without_resamples_no_interval_is_announced() -> None:
    assert "intervals" not in call("agree labels.csv truth.csv --rounds 0").output


def test_of_many_rows_that_are_wrong_the_first_are_named_and_the_others_counted() -> None:
    assert list_faults(["row 2", "row 3"]) == "row 2\nrow 3"
    named = list_faults([f"row {number}" for number in range(5_000)]).splitlines()
    assert named[19:] == ["row 19", "and 4,980 more rows"]
