"""Groups of reports, and what labels cost."""

from __future__ import annotations

import pytest
from label_tables import label_table

from radprompter.agreement.costs import cost
from radprompter.agreement.matching.groups import Facts, group
from radprompter.agreement.matching.joining import match
from radprompter.agreement.measuring.cells import Cells
from radprompter.errors import InputError


def cells_of(*reports: str) -> Cells:
    table = label_table(dict.fromkeys(reports, "+"), ["edema"])
    return match({"rules": table}, table)[0]


def test_every_value_is_a_group_and_what_is_not_said_is_unknown() -> None:
    facts = Facts({"site": {"a": "south", "b": "north", "c": "", "d": "south"}})
    groups = group(cells_of("a", "b", "c", "d", "e"), ["site"], facts)
    assert [(item.name, item.rows.tolist()) for item in groups] == [
        ("site=north", [1]), ("site=south", [0, 3]), ("site=unknown", [2, 4]),
    ]  # fmt: skip


def test_several_columns_give_groups_of_their_own() -> None:
    facts = Facts({"site": {"a": "x", "b": "y"}, "sex": {"a": "f", "b": "f"}})
    assert [item.name for item in group(cells_of("a", "b"), ["sex", "site", "sex"], facts)] == [
        "sex=f", "site=x", "site=y",
    ]  # fmt: skip


def test_lengths_are_cut_into_thirds_in_the_order_of_length_and_id() -> None:
    reports = [f"r{number:03}" for number in range(500)]
    lengths = {report: 40 + number % 7 for number, report in enumerate(reversed(reports))}
    groups = group(cells_of(*reports), ["length"], Facts(lengths=lengths))
    assert [(item.name, item.rows.size) for item in groups] == [
        ("length=short", 167), ("length=medium", 167), ("length=long", 166),
    ]  # fmt: skip
    assert [item.says for item in groups] == ["40 to 42 words", "42 to 44 words", "44 to 46 words"]
    ordered = sorted(reports, key=lambda report: (lengths[report], report))
    assert {reports[row] for row in groups[0].rows} == set(ordered[:167])


def test_a_report_of_unknown_length_is_in_no_third() -> None:
    groups = group(cells_of("a", "b", "c", "d"), ["length"], Facts(lengths={"a": 3, "b": 1, "c": 3}, counted="tokens"))
    assert [(item.name, item.rows.tolist(), item.says) for item in groups] == [
        ("length=short", [1], "1 tokens"), ("length=medium", [0], "3 tokens"), ("length=long", [2], "3 tokens"),
        ("length=unknown", [3], "not among the reports"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("sites", "--by sites: no such column; did you mean 'site'\\? .*: site, id"),
        ("length", "the reports' texts are not at hand; name them by --recipe or --reports"),
        ("id", "--by id: 41 values, and at most 40 groups can be read"),
        ("indication", "--by indication: its values have up to 61 characters, and names of groups at most 60"),
    ],
)
def test_groups_that_cannot_be_made_say_why(by: str, message: str) -> None:
    reports = [f"r{number}" for number in range(41)]
    facts = Facts(
        {
            "site": dict.fromkeys(reports, "x"),
            "id": {report: report for report in reports},
            "indication": dict.fromkeys(reports, "w" * 61),
        }
    )
    with pytest.raises(InputError, match=message):
        group(cells_of(*reports), [by], facts)


MANIFEST = {
    "n_reports": 500, "n_failed": 3, "failures": {"timeout": 2, "no_text": 1}, "seconds": 60.0, "spent_usd": 0.5,
    "tokens": {"prompt": 1000, "completion": 200, "cached": 0}, "n_answered_before": 0,
}  # fmt: skip


def test_a_cost_is_what_one_run_took_for_all_its_reports() -> None:
    found = cost("gpt", MANIFEST)
    assert (found.minutes_per_1000, found.usd) == (2.0, 0.5)
    assert (found.prompt_tokens, found.completion_tokens, found.n_failed) == (1000, 200, 3)
    assert found.failures == {"timeout": 2, "no_text": 1}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n_answered_before": 120}, "no time: the run that wrote the labels found 120 answers of earlier runs"),
        ({"n_answered_before": None}, "no time: the manifest does not say whether answers of earlier runs were used"),
    ],
)
def test_the_time_of_a_run_that_was_resumed_is_not_what_the_labels_took(change: dict[str, object], says: str) -> None:
    found = cost("gpt", MANIFEST | change)
    assert (found.minutes_per_1000, found.usd, found.says) == (None, None, says)
    assert found.prompt_tokens == 1000


def test_a_backend_without_tokens_has_none_rather_than_zero() -> None:
    found = cost("rules", MANIFEST | {"tokens": {"prompt": 0, "completion": 0}, "spent_usd": None})
    assert (found.prompt_tokens, found.completion_tokens, found.usd) == (None, None, None)
