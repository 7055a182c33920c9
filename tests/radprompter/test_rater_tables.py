"""Label tables as raters: who rated what, once they stand side by side."""

from __future__ import annotations

import math

import pytest
from label_tables import label_table

from radprompter.agreement.raters.coefficients import Reason
from radprompter.agreement.raters.panel import join, rate
from radprompter.agreement.raters.results import FIELDS, assess, assess_pairs, rows, summarise
from radprompter.agreement.report import LeftOut
from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, PROJECTIONS, Cell, FindingSpec, LabelSchema, LabelState

STATES = {
    "+": "positive", "-": "negative", "?": "uncertain", ".": "not_mentioned", "!": "failed", "0": "missing",
    "x": "invalid", "s": "skipped",
}  # fmt: skip
FOUR, SILENT_IS_NEGATIVE = PROJECTIONS["four_states"], PROJECTIONS["not_mentioned_is_negative"]


def table(rows: dict[str, str], *names: str, states: tuple[LabelState, ...] = LABELS) -> LabelTable:
    """Reports with one sign a finding."""
    findings = names or ("edema", "mass")
    schema = LabelSchema("some", tuple(FindingSpec(name, states=states) for name in findings))
    cells = [
        Cell(report, name, LabelState(STATES[sign]))
        for report, signs in rows.items()
        for name, sign in zip(findings, signs, strict=True)
    ]
    return LabelTable.from_cells(cells, schema)


def test_a_rating_is_a_label_and_all_else_is_missing() -> None:
    first = table({"a": "+", "b": "-", "c": "?", "d": ".", "e": "+", "f": "+"}, "edema")
    second = table({"a": "+", "b": "!", "c": "0", "d": "x", "e": "s", "f": "."}, "edema")
    ratings = rate([first, second], "edema", projection=FOUR)
    assert ratings.categories == ("negative", "not_mentioned", "uncertain", "positive")
    assert ratings.codes.tolist() == [[3, 3], [0, -1], [2, -1], [1, -1], [3, -1], [3, 1]]


def test_a_projection_decides_the_categories_and_may_mask_a_rating() -> None:
    tables = [table({"a": "+", "b": "?", "c": "."}, "edema"), table({"a": "+", "b": "-", "c": "-"}, "edema")]
    silent = rate(tables, "edema", projection=SILENT_IS_NEGATIVE)
    assert silent.categories == ("negative", "uncertain", "positive")
    assert silent.codes.tolist() == [[2, 2], [1, 0], [0, 0]]
    masked = rate(tables, "edema", projection=PROJECTIONS["uncertain_is_masked"])
    assert masked.categories == ("negative", "positive")
    assert masked.codes.tolist() == [[1, 1], [-1, 0], [0, 0]]


def test_states_that_no_table_allows_are_no_categories_unless_they_are_found() -> None:
    three = (LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN)
    strict = table({"a": "+", "b": "-"}, "edema", states=three)
    assert rate([strict, strict], "edema", projection=FOUR).categories == ("negative", "uncertain", "positive")
    assert len(rate([strict, table({"a": "-", "b": "-"}, "edema")], "edema", projection=FOUR).categories) == 4
    said = table({"a": "+", "b": "."}, "edema", states=three)
    assert len(rate([said, strict], "edema", projection=FOUR).categories) == 4


def test_reports_and_findings_are_joined_by_name_and_those_of_one_table_left_out_and_counted() -> None:
    first = table({"a": "++", "b": "--", "only": "??"})
    second = table({"b": "+-", "c": "-+"}, "mass", "edema")
    third = table({"c": "+?", "a": "-."}, "edema", "fracture")
    panel = join([first, second, third], projection=FOUR, names=("Ann", "Bea", "Cem"))
    assert (panel.report_ids, panel.findings) == (("a", "b", "c"), ("edema", "mass"))
    assert (panel.n_reports_single, panel.left_out) == (1, (LeftOut("Cem", "fracture", "no other table has it"),))
    assert panel.columns == (("edema", "edema", "edema"), ("mass", "mass", None))
    assert panel.ratings("edema").codes.tolist() == [[3, -1, 0], [0, 0, -1], [-1, 3, 3]]
    assert panel.ratings("mass").codes.tolist() == [[0, 3, -1]]
    pooled = panel.pooled()
    assert pooled.codes.tolist() == [[3, -1, 0], [0, 0, -1], [0, 3, -1], [-1, 3, 3]]
    assert pooled.clusters is not None
    assert pooled.clusters.tolist() == [0, 1, 1, 2]


def test_findings_go_by_the_first_tables_names_whatever_the_others_call_them() -> None:
    first = label_table({"a": "+-"}, [FindingSpec("pleural_effusion", "Pleural effusion"), "nodule"])
    second = label_table({"a": "-+"}, ["Pleural Effusion", "lung_lesion"])
    panel = join([first, second], projection=FOUR, renames={"lung_lesion": "nodule"})
    assert panel.findings == ("pleural_effusion", "nodule")
    assert panel.columns == (("pleural_effusion", "Pleural Effusion"), ("nodule", "lung_lesion"))
    assert panel.ratings("nodule").codes.tolist() == [[0, 3]]


def test_a_declared_name_that_another_finding_has_is_refused() -> None:
    first, second = label_table({"a": "+"}, ["mass"]), label_table({"a": "+-"}, ["mass", "lesion"])
    with pytest.raises(SchemaError, match="'mass' is the name of a finding that is declared to be another"):
        join([first, second], projection=FOUR, renames={"mass": "lesion"})


def test_that_there_is_none_is_compared_where_the_raters_have_the_same_other_findings() -> None:
    one = label_table({"a": "+-"}, ["edema", "no_finding"], no_finding="no_finding")
    other = label_table({"a": "+--"}, ["edema", "mass", "no_finding"], no_finding="no_finding")
    assert join([one, one], projection=FOUR).findings == ("edema", "no_finding")
    panel = join([one, other], projection=FOUR)
    assert panel.findings == ("edema",)
    assert [(item.finding, item.reason[:9]) for item in panel.left_out if item.table == "rater 2"] == [
        ("mass", "no other "), ("no_finding", "it says t"),
    ]  # fmt: skip
    declared = join([one, other], projection=FOUR, renames={"no_finding": "no_finding"})
    assert declared.findings == ("edema", "no_finding")


def test_only_the_findings_that_are_named_are_taken() -> None:
    tables = [table({"a": "+-", "b": "--"})] * 2
    assert join(tables, projection=FOUR, findings=["mass"]).findings == ("mass",)
    with pytest.raises(SchemaError, match="share fracture; shared are: edema, mass"):
        join(tables, projection=FOUR, findings=["mass", "fracture"])


def test_pooled_the_cells_of_a_report_are_one_cluster() -> None:
    pooled = join([table({"a": "+-", "b": "-!"}), table({"a": "++", "b": "--"})], projection=FOUR).pooled()
    assert pooled.codes.tolist() == [[3, 3], [0, 3], [0, 0], [-1, 0]]
    assert pooled.clusters is not None
    assert pooled.clusters.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ([], "two label tables or more, found 1"),
        ([table({"z": "++"})], "Ann: has no report id in common"),
        ([table({"a": "++"}, "fracture", "effusion")], "Ann: has no finding in common"),
        ([table({"a": "++"}), table({"z": "++"})], "Cem: has no report id in common"),
        ([table({"a": "++"}), table({"a": "+"}, "fracture")], "Cem: has no finding in common"),
    ],
)
def test_tables_that_share_nothing_are_refused_by_name(others: list[LabelTable], message: str) -> None:
    tables = [table({"a": "++", "b": "--"}), *others]
    with pytest.raises(SchemaError, match=message):
        join(tables, projection=FOUR, names=("Ann", "Bea", "Cem")[: len(tables)])


def test_a_finding_that_is_not_shared_is_refused_with_those_that_are() -> None:
    with pytest.raises(SchemaError, match="'fracture'; shared are: edema, mass"):
        rate([table({"a": "++"}), table({"a": "++"})], "fracture", projection=FOUR)


def test_each_finding_and_all_pooled_have_their_numbers_and_what_is_too_few() -> None:
    first = {f"r{place}": "+-" if place < 6 else "--" for place in range(30)}
    second = {**first, "r5": "--", "r6": "+-", "r7": "!-"}
    panel = join([table(first), table(second)], projection=SILENT_IS_NEGATIVE)
    edema, mass, pooled = assess(panel)
    assert [item.finding for item in (edema, mass, pooled)] == ["edema", "mass", None]
    assert list(edema.coefficients) == ["percent", "gwet", "cohen", "krippendorff"]
    assert dict(edema.n_chosen) == {"negative": 24, "uncertain": 0, "positive": 7}
    assert (edema.n_subjects, edema.few) == (29, ("uncertain",))
    assert edema.coefficients["percent"].value == pytest.approx(27 / 29)
    assert mass.coefficients["gwet"].value == 1.0
    assert mass.coefficients["cohen"].reason is Reason.ONE_CATEGORY
    assert pooled.n_subjects == 59
    assert pooled.coefficients["percent"].value == pytest.approx(57 / 59)
    assert assess(join([table({"a": "+-"}), table({"a": "+-"})], projection=FOUR))[0].few[0] == "subjects"


def test_three_raters_have_fleiss_for_cohen_and_coefficients_may_be_named() -> None:
    panel = join([table({"a": "+-", "b": "--"})] * 3, projection=FOUR)
    assert list(assess(panel)[0].coefficients) == ["percent", "gwet", "fleiss", "krippendorff"]
    named = assess(panel, names=("conger",), weights="quadratic")[0].coefficients
    assert named["conger"].name == "Conger's weighted kappa"


def test_of_three_raters_each_pair_that_shares_something_has_its_numbers() -> None:
    first, second = table({"a": "+-", "b": "--"}), table({"a": "+-", "b": "+-", "c": "--"})
    third = table({"c": "-", "d": "+"}, "mass")
    panel = join([first, second, third], projection=FOUR, names=("Ann", "Bea", "Cem"))
    pairs = assess_pairs(panel)
    assert list(pairs) == [("Ann", "Bea"), ("Bea", "Cem")]
    two = assess(join([first, second], projection=FOUR))[-1]
    assert pairs["Ann", "Bea"].coefficients == two.coefficients
    assert pairs["Bea", "Cem"].n_subjects == 1
    assert panel.pair(0, 2) is None


def test_rows_and_summary_say_what_the_numbers_are_of() -> None:
    panel = join([table({"a": "+-", "b": "--"}), table({"a": "+-", "b": "+-"})], projection=FOUR)
    agreements = assess(panel)
    written = list(rows(agreements))
    assert len(written) == 3 * 4
    assert all(tuple(row) == FIELDS for row in written)
    kappa = next(row for row in written if row["finding"] == "mass" and row["coefficient"] == "cohen")
    assert kappa["reason"] == "one_category" and math.isnan(kappa["value"])
    assert kappa["categories"] == "negative not_mentioned uncertain positive"
    summary = summarise(panel, agreements, {}, confidence=0.95, interval="t")
    assert (summary["projection"], summary["n_reports"]) == ("four_states", 2)
    assert summary["agreements"][-1]["finding"] is None
