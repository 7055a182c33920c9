"""A whole agreement: what it compares, what it refuses, and that its parts are of the same reports."""

from __future__ import annotations

import pytest
from label_tables import label_table

from radprompter.agreement.agreeing import Reference, agree, with_least_support
from radprompter.agreement.definitions import DEFINITIONS, find_definition
from radprompter.agreement.matching.groups import Facts
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.errors import InputError, SchemaError
from radprompter.labels import LABELS

TRUTH = label_table({"a": "+-", "b": "-+", "c": "?.", "d": "+."}, ["edema", "mass"])
FOUND = label_table({"a": "+-", "b": "++", "c": "-.", "d": "!."}, ["edema", "mass"])
FEW = Bootstrap(rounds=20)


def test_the_headline_is_reported_by_finding_and_every_other_definition_over_all() -> None:
    agreement = agree({"rules": FOUND}, TRUTH, bootstrap=FEW)
    headline = [one for one in agreement.numbers if one.definition == "uncertain_is_negative"]
    assert {one.finding for one in headline} == {"", "edema", "mass"}
    sensitivity = next(one for one in headline if (one.finding, one.measure) == ("edema", "sensitivity"))
    assert (sensitivity.value, sensitivity.support) == (0.5, 2)  # a cell without a label finds nothing
    assert {one.name for one in agreement.overview} == DEFINITIONS.keys() - {
        "uncertain_is_negative", "cell_accuracy",
    }  # fmt: skip
    assert {one.finding for one in agreement.numbers if one.definition == "macro"} == {""}


def test_a_definition_that_misleads_is_listed_in_the_overview_and_refused_where_it_is_asked_for() -> None:
    binary = label_table({"a": "+-", "b": "-+"}, ["edema", "mass"], states=LABELS[:2])
    agreement = agree({"rules": FOUND}, Reference("truth", binary), bootstrap=FEW)
    assert agreement.refused["macro"] == (
        "it keeps uncertain apart from positive and negative, and the reference cannot say uncertain"
    )
    assert "macro" not in {one.name for one in agreement.overview}
    with pytest.raises(SchemaError) as caught:
        agree({"rules": FOUND}, Reference("truth", binary), definitions=[DEFINITIONS["macro"]])
    assert str(caught.value) == (
        "macro: it keeps uncertain apart from positive and negative, and the reference cannot say uncertain. "
        "Definitions that fit these tables: uncertain_is_negative, uncertain_is_positive, definite_reference, "
        "definite_answer, positive, positive_pooled. truth says: positive, negative; if it could say more and only "
        "never does, declare that by --reference-states"
    )


def test_a_labeler_that_cannot_say_a_state_is_named_and_nothing_is_to_be_declared_of_the_reference() -> None:
    binary = label_table({"a": "+-", "b": "-+"}, ["edema", "mass"], states=LABELS[:2])
    with pytest.raises(SchemaError) as caught:
        agree({"rules": FOUND, "student": binary}, TRUTH, definitions=[DEFINITIONS["macro"]])
    assert str(caught.value).startswith("macro: it keeps uncertain apart from positive and negative, and student ")
    assert "--reference-states" not in str(caught.value)


def test_patients_are_resampled_where_they_are_known() -> None:
    patients = {"a": "1", "b": "1", "c": "2", "d": "2"}
    by_file = Reference("truth", TRUTH, Facts({"patient_id": patients}))
    assert agree({"rules": FOUND}, TRUTH, bootstrap=FEW).unit == "report"
    known = agree({"rules": FOUND}, by_file, bootstrap=FEW)
    assert (known.unit, known.cells.n_units) == ("patient", 2)
    named = agree({"rules": FOUND}, TRUTH, bootstrap=FEW, patient="who", facts=Facts({"who": patients}))
    assert (named.unit, named.cells.n_units) == ("patient", 2)
    assert agree({"rules": FOUND}, by_file, bootstrap=FEW, patient="none").unit == "report"
    with pytest.raises(InputError, match="--patient name: no such column; columns that are no findings: patient_id"):
        agree({"rules": FOUND}, by_file, patient="name")


def test_weights_of_the_reference_count_and_must_be_numbers() -> None:
    weighted = Reference("truth", TRUTH, Facts({"weight": {"a": "3", "b": "1", "c": "1", "d": "1"}}))
    agreement = agree({"rules": FOUND}, weighted, bootstrap=FEW)
    sensitivity = next(
        one for one in agreement.numbers if (one.finding, one.measure) == ("edema", "sensitivity") and not one.task
    )
    assert sensitivity.value == 0.75
    bad = Reference("truth", TRUTH, Facts({"weight": {"a": "0"}}))
    with pytest.raises(InputError, match="truth: column 'weight', report 'a': expected a number above 0, found '0'"):
        agree({"rules": FOUND}, bad)


def test_groups_have_the_numbers_of_their_reports_alone() -> None:
    facts = Facts({"site": {"a": "x", "b": "y", "c": "y", "d": "y"}})
    agreement = agree({"rules": FOUND}, TRUTH, by=["site"], facts=facts, bootstrap=FEW)
    assert [(one.name, one.n_reports) for one in agreement.groups] == [("site=x", 1), ("site=y", 3)]
    alone = label_table({"a": "+-"}, ["edema", "mass"])
    expected = agree({"rules": FOUND}, alone, bootstrap=FEW).measured.numbers
    assert [one._replace(group="") for one in agreement.groups[0].measured.numbers] == list(expected)


def test_a_labelers_numbers_do_not_depend_on_who_else_is_compared() -> None:
    alone = agree({"rules": FOUND}, TRUTH, bootstrap=FEW).numbers
    both = agree({"other": TRUTH, "rules": FOUND}, TRUTH, bootstrap=FEW).numbers
    rules = [one for one in both if one.labeler == "rules"]
    for field in ("value", "mean", "low", "high"):
        assert [getattr(one, field) for one in rules] == pytest.approx([getattr(one, field) for one in alone])
    assert {one.value for one in both if one.labeler == "other" and one.measure == "same"} == {1}


def test_another_support_rule_is_part_of_the_name_where_it_has_a_meaning() -> None:
    macro = with_least_support(find_definition("macro"), 10)
    assert (macro.name, macro.least_support) == ("macro_least_10", 10)
    assert macro.hash != find_definition("macro").hash
    for name in ("cell_accuracy", "micro", "chexbert"):
        assert with_least_support(find_definition(name), 10) == find_definition(name)
