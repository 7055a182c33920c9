"""Tables of different schemas side by side: which findings and reports are the same, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_tables import label_table

from radprompter.agreement.matching.joining import Sampling, match
from radprompter.agreement.matching.wide import take_apart
from radprompter.errors import InputError, SchemaError, TableError
from radprompter.files import read_table
from radprompter.labels import FindingSpec, LabelState
from radprompter.region import load_region
from radprompter.store import write_labels

OURS = label_table({"a": "+-", "b": "?.", "c": "!-"}, ["edema", "mass"])


def frame(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_cells_are_those_of_the_reports_that_all_tables_have_in_the_order_of_the_reference() -> None:
    truth = label_table({"c": "+-", "z": "--", "a": "-!"}, ["edema", "mass"])
    cells, matching = match({"rules": OURS}, truth, name="truth")
    assert cells.report_ids == ("c", "a")
    assert cells.reference.tolist() == [[0, 1], [1, -1]]  # a failed cell of the reference is no label
    assert cells.labels.tolist() == [[[4, 1], [0, 1]]]  # one of the labeler is counted as none
    assert matching.n_reports_only == {"rules": 1, "truth": 1}
    assert (cells.weights.tolist(), cells.units.tolist()) == ([1, 1], [0, 1])


@pytest.mark.parametrize(
    ("ours", "theirs", "how"),
    [
        (FindingSpec("edema"), FindingSpec("edema"), "same name"),
        (FindingSpec("pleural_effusion"), FindingSpec("Pleural Effusion"), "same name"),
        (FindingSpec("edema", title="Pulmonary edema"), FindingSpec("pulmonary-edema"), "alias"),
        (FindingSpec("edema", aliases=("Lungenödem",)), FindingSpec("LUNGENÖDEM"), "alias"),
        (FindingSpec("effusion", title="Pleural effusion"), FindingSpec("fluid", title="pleural effusion"), "alias"),
    ],
)
def test_a_finding_is_known_by_its_name_title_or_alias(ours: FindingSpec, theirs: FindingSpec, how: str) -> None:
    cells, matching = match({"rules": label_table({"a": "+"}, [ours])}, label_table({"a": "+"}, [theirs]))
    assert cells.findings == (theirs.name,)
    assert [(item.columns["rules"], item.how) for item in matching.findings] == [(ours.name, how)]


def test_a_declared_pair_goes_before_names_and_may_differ_by_table() -> None:
    other = label_table({"a": "-", "b": "+"}, ["effusion"])
    first = label_table({"a": "+", "b": "+"}, ["pleural_effusion"])
    truth = label_table({"a": "+", "b": "-"}, ["fluid"])
    renames = {"pleural_effusion": "fluid", "effusion": "fluid"}
    cells, matching = match({"one": first, "two": other}, truth, name="truth", renames=renames)
    assert cells.labels.tolist() == [[[0], [0]], [[1], [0]]]
    assert matching.findings[0].columns == {"one": "pleural_effusion", "two": "effusion", "truth": "fluid"}
    assert matching.findings[0].how == "declared"


def test_what_is_not_compared_is_listed_with_the_reason_and_names_near_it() -> None:
    ours = label_table({"a": "++"}, ["edema", "pleural_effusion"])
    _, matching = match({"rules": ours}, label_table({"a": "++"}, ["edema", "effusion"]), name="truth")
    assert [(item.table, item.finding, item.reason) for item in matching.left_out] == [
        ("truth", "effusion", "rules has no such finding; near it: pleural_effusion"),
        ("rules", "pleural_effusion", "truth has no such finding; near it: effusion"),
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "renames", "message"),
    [
        ([FindingSpec("a", aliases=("x",)), FindingSpec("b", aliases=("x",))], ["x"], {},
         "'a' and 'b' of rules could each be 'x' of truth; .* --match a=x"),
        (["a", "b"], ["x"], {"a": "x", "b": "x"}, "'a' and 'b' of rules could each be 'x' of truth"),
        (["big_heart"], ["Big Heart", "big-heart"], {},
         "'big_heart' of rules could be 'Big Heart' or 'big-heart' of truth"),
        (["a"], ["b"], {}, "rules and truth have no finding in common"),
        (["edema"], ["edema"], {"edemas": "edema"}, "no finding 'edemas' in rules; near it: edema"),
        (["edema"], ["oedema"], {"edema": "odema"}, "no finding 'odema' in truth; near it: oedema"),
    ],
)  # fmt: skip
def test_findings_that_could_be_two_are_refused(
    ours: list[FindingSpec | str], theirs: list[str], renames: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        match(
            {"rules": label_table({"r": "+" * len(ours)}, ours)},
            label_table({"r": "+" * len(theirs)}, theirs),
            name="truth",
            renames=renames,
        )


def test_tables_without_a_report_in_common_say_what_their_ids_look_like() -> None:
    with pytest.raises(SchemaError, match=r"no report id in common; rules has ids such as 'a', truth such as '001'"):
        match({"rules": OURS}, label_table({"001": "+-"}, ["edema", "mass"]), name="truth")


def test_tables_need_names_of_their_own() -> None:
    with pytest.raises(InputError, match="each table needs a name of its own; these are: truth, truth"):
        match({"truth": OURS}, OURS, name="truth")


def test_no_finding_is_left_out_where_it_means_another_thing_unless_it_is_declared() -> None:
    ours = label_table({"a": "++."}, ["edema", "mass", "no_finding"], no_finding="no_finding")
    theirs = label_table({"a": "+."}, ["edema", "no_finding"])
    cells, matching = match({"rules": ours}, theirs, name="truth")
    assert (cells.findings, cells.no_finding) == (("edema",), None)
    assert matching.left_out[-1].reason == (
        "it says that there is no other finding, and only rules has mass; "
        "--match no_finding=no_finding compares it anyway"
    )
    cells, matching = match({"rules": ours}, theirs, name="truth", renames={"no_finding": "no_finding"})
    assert (cells.findings, cells.no_finding) == (("edema", "no_finding"), 1)
    same, _ = match({"rules": ours}, ours, name="truth")
    assert same.no_finding == 2


def test_patients_weights_and_strata_are_those_of_the_reports() -> None:
    truth = label_table({"a": "+-", "b": "--", "c": "--"}, ["edema", "mass"])
    sampling = Sampling({"a": "p", "b": "", "c": "p"}, {"a": 2.0, "b": 3.5}, {"a": "rare", "b": "rest", "c": "rare"})
    cells, _ = match({"rules": OURS}, truth, sampling=sampling)
    assert cells.units.tolist() == [0, 1, 0]  # a report without a patient is one by itself
    assert cells.weights.tolist() == [2, 3.5, 1]
    assert cells.strata.tolist() == [0, 1, 0]


def test_a_csv_says_which_columns_are_findings_which_could_be_and_which_are_none() -> None:
    table = frame(
        report_id=["a", "b"],
        Edema=["1", "0"],
        tumour_mass=["positive", ""],
        site=["north", "south"],
        weight=["1", "1"],
        note=["", ""],
    )
    wide = take_apart(table, [OURS.schema], name="truth.csv")
    assert wide.table.schema.names == ("Edema",)
    assert wide.table.wide()["Edema"].tolist() == ["positive", "negative"]
    assert [(item.finding, item.reason) for item in wide.left_out] == [
        ("tumour_mass", "no finding of the labels has this name; near it: mass (--match mass=tumour_mass)")
    ]
    assert wide.columns == {
        "site": {"a": "north", "b": "south"}, "weight": {"a": "1", "b": "1"}, "note": {"a": "", "b": ""},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "declared", "said"),
    [
        (["1", "0"], (), "positive negative"),
        (["1", ""], (), "positive not_mentioned"),
        (["1", "-1"], (), "positive negative uncertain not_mentioned"),
        (["0", "0"], (), "positive negative"),
        (["1", "0"], ("positive", "negative", "uncertain"), "positive negative uncertain"),
    ],
)
def test_a_csv_can_say_what_it_says_unless_it_is_declared(
    cells: list[str], declared: tuple[str, ...], said: str
) -> None:
    states = [LabelState(state) for state in declared]
    wide = take_apart(frame(report_id=["a", "b"], edema=cells), [OURS.schema], name="truth.csv", states=states)
    assert " ".join(wide.table.schema["edema"].states) == said


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": ["a"], "edema": ["1"]}, "no column 'report_id' or 'study_id'; name the column .* by --id; it has: id"),
        ({"report_id": ["a", "a"], "edema": ["1", "1"]}, "id 'a' stands in more than one row"),
        ({"report_id": ["a", " "], "edema": ["1", "1"]}, "the id .* of line 3 is empty"),
        ({"report_id": ["a", "b"], "edema": ["1", "may be"]}, "column 'edema', report 'b': expected .* 1 of its 2"),
        ({"report_id": ["a"], "tumor": ["1"], "x": ["y"]}, "columns of states: tumor; .* --match edema=tumor"),
    ],
)
def test_an_unusable_csv_is_refused_without_its_words(table: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        take_apart(pd.DataFrame(table), [OURS.schema], name="truth.csv")
    assert "may be" not in str(caught.value)


def test_rows_that_nobody_may_have_read_must_be_declared() -> None:
    schema = label_table({"a": "+++"}, ["edema", "mass", "hernia"]).schema
    table = frame(report_id=["a", "b"], edema=["1", ""], mass=["0", ""], hernia=["0", ""])
    with pytest.raises(TableError, match=r"1 of 2 rows are empty in all findings.*--blank no_label.*not_mentioned"):
        take_apart(table, [schema], name="truth.csv")
    read = take_apart(table, [schema], name="truth.csv", blank="no_label")
    assert read.table.wide().loc["b"].tolist() == ["missing"] * 3
    assert read.table.schema["edema"].states == (LabelState.POSITIVE, LabelState.NEGATIVE)
    silent = take_apart(table, [schema], name="truth.csv", blank="not_mentioned")
    assert silent.table.wide().loc["b"].tolist() == ["not_mentioned"] * 3


def test_the_codes_of_an_index_are_told_from_reports_that_nobody_indexed(shared: Path) -> None:
    table = read_table(shared / "data/iu_reports/mesh_gold.csv")
    chest = load_region("chest").schema
    with pytest.raises(TableError, match="78 of 2,376 rows are empty in all findings"):
        take_apart(table, [chest], name="mesh_gold.csv")
    wide = take_apart(table, [chest], name="mesh_gold.csv", blank="no_label")
    assert (wide.table.wide() == "missing").to_numpy().sum() == 78 * 13


def test_names_of_another_schema_are_declared_once(shared: Path) -> None:
    table = read_table(shared / "data/iu_reports/nlm_gold14.csv")
    chest = load_region("chest").schema
    wide = take_apart(table, [chest], name="nlm", id_column="filename", renames={"pleural_effusion": "Effusion"})
    assert wide.table.schema.names == (
        "Atelectasis", "Cardiomegaly", "Effusion", "Pneumonia", "Pneumothorax", "Consolidation", "Edema",
    )  # fmt: skip
    assert "normal" in {item.finding for item in wide.left_out}


def test_a_column_that_is_asked_for_is_said_of_the_report_and_a_finding_stays_one() -> None:
    table = frame(report_id=["a", "b"], edema=["1", "0"], urgent=["1", "0"])
    wide = take_apart(table, [OURS.schema], name="truth.csv", about_reports=["urgent", "edema"])
    assert wide.table.schema.names == ("edema",)
    assert wide.columns == {"edema": {"a": "1", "b": "0"}, "urgent": {"a": "1", "b": "0"}}
    assert wide.left_out == ()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(alphabet="ab1=+-@' ", min_size=1, max_size=4).filter(lambda text: text.strip() == text),
        st.text(alphabet="+-?.", min_size=2, max_size=2),
        min_size=1,
        max_size=6,
    )
)
def test_the_csv_of_a_run_says_what_its_parquet_says(tmp_path: Path, rows: dict[str, str]) -> None:
    table = label_table(rows, ["edema", "mass"])
    write_labels(tmp_path, table)
    wide = take_apart(read_table(tmp_path / "labels.csv"), [table.schema], name="labels.csv")
    cells, matching = match({"parquet": table}, wide.table, name="csv")
    assert cells.report_ids == tuple(rows)
    assert (cells.reference == cells.labels[0]).all()
    assert set(matching.n_reports_only.values()) == {0}
