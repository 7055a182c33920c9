"""Long reports: not asked about, or cut at white space where a mark says so, and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_study import ANSWER, study
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.errors import RecipeError
from radprompter.prompting.length import fit
from radprompter.prompting.templates import load_template
from radprompter.prompting.tokens import APPROXIMATE, TokenCounter
from radprompter.recipe import Length
from radprompter.records import TOO_LONG, Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler
from radprompter.run import label_reports

WORDS = TokenCounter("words", False, lambda text: len(text.split()))
ALL = " ".join(f"w{number}" for number in range(1, 41))  # 40 words; the mark is 5 words in English
TWO = {"findings": " ".join(f"f{n}" for n in range(1, 21)), "impression": " ".join(f"i{n}" for n in range(1, 21))}


def words(letter: str, first: int, last: int) -> str:
    return " ".join(f"{letter}{number}" for number in range(first, last + 1))


def cut(sections: dict[str, str], policy: Any, limit: int = 32, language: str = "en") -> Report:
    return fit(Report("a", sections, language), Length(limit_tokens=limit, policy=policy), WORDS)


@pytest.mark.parametrize(
    ("sections", "policy", "expected"),
    [
        ({"report": ALL}, "cut_end", {"report": f"{words('w', 1, 27)}\n[... 13 words omitted ...]"}),
        ({"report": ALL}, "cut_start", {"report": f"[... 13 words omitted ...]\n{words('w', 14, 40)}"}),
        (
            {"report": ALL},
            "cut_middle",
            {"report": f"{words('w', 1, 14)}\n[... 13 words omitted ...]\n{words('w', 28, 40)}"},
        ),
        (TWO, "cut_end", {**TWO, "impression": f"{words('i', 1, 7)}\n[... 13 words omitted ...]"}),
        (TWO, "cut_start", {**TWO, "findings": f"[... 13 words omitted ...]\n{words('f', 14, 20)}"}),
        (
            TWO,
            "cut_middle",
            {"findings": f"{words('f', 1, 14)}\n[... 13 words omitted ...]", "impression": words("i", 8, 20)},
        ),
        (
            {"indication": "Pain.", "findings": ALL, "impression": "Normal."},
            "cut_end",
            {"indication": "Pain.", "findings": f"{words('w', 1, 26)}\n[... 15 words omitted ...]", "impression": ""},
        ),
    ],
)
def test_the_fewest_words_are_left_out_where_the_policy_says(
    sections: dict[str, str], policy: str, expected: dict[str, str]
) -> None:
    found = cut(sections, policy)
    assert dict(found.sections) == expected
    assert WORDS.count(found.text) == 32
    assert found.cut is not None
    assert found.cut.n_words_left_out == 40 + 2 * (len(sections) == 3) - 27
    assert (found.cut.n_tokens - found.cut.n_tokens_read) == found.cut.n_words_left_out


def test_a_report_within_the_limit_is_left_alone_to_the_byte() -> None:
    report = Report("a", {"findings": "  No\tfracture.\n\n", "impression": ""})
    assert fit(report, Length(limit_tokens=32, policy="cut_end"), WORDS) is report
    assert fit(report, None, WORDS) is report


def test_white_space_within_what_is_kept_stays_as_it_was() -> None:
    text = " FINDINGS:\n\n- one\n- two\n" + ALL
    assert cut({"report": text}, "cut_end").text.startswith(" FINDINGS:\n\n- one\n- two\nw1 w2 ")


def test_the_mark_is_in_the_language_of_the_report() -> None:
    assert "\n[... 13 Wörter ausgelassen ...]" in cut({"report": ALL}, "cut_end", language="de").text


@pytest.mark.parametrize(
    ("sections", "policy"),
    [({"report": ALL}, "fail"), ({"report": "x" * 999}, "cut_end"), ({"report": "--- " * 30 + "x" * 999}, "cut_end")],
)
def test_what_cannot_be_cut_fails_and_keeps_its_words(sections: dict[str, str], policy: Any) -> None:
    report = Report("a", sections)
    found = fit(report, Length(limit_tokens=32, policy=policy), APPROXIMATE)
    if policy == "fail":
        found = fit(report, Length(limit_tokens=32, policy=policy), WORDS)
    assert found.unasked == TOO_LONG
    assert found.sections == sections


@given(
    st.lists(st.text(alphabet="ab. \n\t-é", max_size=200), min_size=1, max_size=4),
    st.sampled_from(["cut_end", "cut_start", "cut_middle"]),
    st.integers(32, 60),
)
def test_a_cut_report_fits_and_says_nothing_that_the_report_does_not(texts: list[str], policy: Any, limit: int) -> None:
    report = Report("a", {f"s{number}": text for number, text in enumerate(texts)})
    found = fit(report, Length(limit_tokens=limit, policy=policy), APPROXIMATE)
    if found.cut is None:
        assert found is report
    elif found.unasked is None:
        assert APPROXIMATE.count(found.text) <= limit < APPROXIMATE.count(report.text)
        assert found.text.count(found.cut.mark) == 1
        before = [word for text in report.sections.values() for word in text.split()]
        head, tail = (part.split() for part in "\n".join(found.sections.values()).split(found.cut.mark))
        assert before[: len(head)] == head
        assert before[len(before) - len(tail) :] == tail
        assert len(before) - len(head) - len(tail) == found.cut.n_words_left_out


def test_rules_read_nothing_into_a_mark() -> None:
    labeler = RuleLabeler(load_region("chest"))
    for language, words_kept in (("en", "There is no"), ("de", "Es zeigt sich kein")):
        mark = f"\n[... 13 {'words omitted' if language == 'en' else 'Wörter ausgelassen'} ...]\n"
        pleura = {"en": "Pneumothorax.", "de": "Pneumothorax."}[language]
        decisions = labeler.label(Report("a", {"report": f"{words_kept}{mark}{pleura}"}, language))
        assert decisions is not None
        assert decisions["pneumothorax"].state == "positive"


LONG = "Fracture of the radius. " * 40
TEXTS = {"a": "Fracture.", "b": LONG, "c": "___", "d": LONG + "Effusion."}


def test_a_report_that_is_too_long_fails_unasked_and_is_not_asked_again(tmp_path: Path) -> None:
    recipe = study(tmp_path, {"name": "scripted", "default": ANSWER}, TEXTS, length={"limit_tokens": 60})
    run = label_reports(recipe)
    cells = run.table.frame.set_index("report_id")
    assert set(cells.loc["b", "state"]) == {"failed"}
    assert set(cells.loc["b", "repair"]) == {"too_long; 240 tokens"}
    assert run.summary["failures"] == {"no_text": 1, "too_long": 2}
    assert run.summary["requests"] == {"asked": 1, "from_journal": 0}
    assert run.summary["length"] == {
        "limit_tokens": 60, "policy": "fail", "counter": "approximate: characters / 4",
        "n_cut": 0, "n_too_long": 2, "n_words_left_out": 0, "n_tokens_left_out": 0,
    }  # fmt: skip
    assert label_reports(recipe).summary["up_to_date"]


@pytest.mark.parametrize("plan", ["one_json", "per_finding"])
def test_a_cut_report_is_asked_about_and_every_cell_says_so(plan: str, tmp_path: Path) -> None:
    answer = ANSWER if plan == "one_json" else '{"answer": "present"}'
    length = {"limit_tokens": 60, "policy": "cut_middle"}
    run = label_reports(study(tmp_path, {"name": "scripted", "default": answer}, TEXTS, length=length, plan=plan))
    cells = run.table.frame.set_index("report_id")
    assert set(cells.loc["b", "state"]) <= {"positive", "negative", "not_mentioned"}
    assert set(cells.loc["b", "repair"]) == {"report cut: 53 of 240 tokens read"}
    assert cells.loc["a", "repair"].isna().all()
    manifest = json.loads((tmp_path / "out/label/manifest.json").read_text())
    assert (manifest["length"]["n_cut"], manifest["length"]["n_words_left_out"]) == (2, 252)
    assert manifest["n_failed_requests"] == 0


def test_another_limit_is_another_template_and_asks_about_cut_reports_alone(tmp_path: Path) -> None:
    recipe = study(tmp_path, {"name": "scripted", "default": ANSWER}, TEXTS)
    label_reports(recipe)
    limited = study(
        tmp_path, {"name": "scripted", "default": ANSWER}, TEXTS, length={"limit_tokens": 60, "policy": "cut_end"}
    )
    assert label_reports(limited).summary["requests"] == {"asked": 2, "from_journal": 1}
    hashes = {
        load_template("elbow", length=length).hash
        for length in (
            None,
            Length(limit_tokens=60),
            Length(limit_tokens=61),
            Length(limit_tokens=60, policy="cut_end"),
        )
    }
    assert len(hashes) == 4


def test_both_commands_show_what_is_not_read(tmp_path: Path) -> None:
    study(tmp_path, {"name": "scripted", "default": ANSWER}, TEXTS)
    recipe = str(tmp_path / "recipe.yaml")
    cut_end = ("--set", "label.length={limit_tokens: 60, policy: cut_end}")
    page = tmp_path / "page.html"
    shown = CliRunner().invoke(app, ["render", recipe, "-n", "4", *cut_end], env={"COLUMNS": "200"}).stdout
    assert "cut: 52 of 240 tokens are read, 125 words left out where the mark stands" in shown
    assert "[... 125 words omitted ...]" in shown
    assert "reports cut at the limit of their length: 2 (251 words, 379 tokens left out)" in shown
    CliRunner().invoke(app, ["render", recipe, "-n", "4", "--html", str(page), *cut_end])
    assert "</mark>[... 125 words omitted ...]" in page.read_text()
    assert "<b>2</b><span>reports cut, 251 words left out</span>" in page.read_text()
    labeled = CliRunner().invoke(app, ["label", recipe, *cut_end], env={"COLUMNS": "200"})
    assert "reports cut at the limit of their length: 2 (251 words" in labeled.stdout
    failed = CliRunner().invoke(app, ["label", recipe, "--set", "label.length={limit_tokens: 60}"])
    assert failed.exit_code == 1
    assert "reports too long, not asked about: 2" in failed.stdout


def test_a_server_is_not_asked_to_cut_reports_silently(tmp_path: Path) -> None:
    backend = {"name": "openai", "model": "m", "extra_body": {"truncate_prompt_tokens": 100}}
    with pytest.raises(RecipeError, match=r"truncate_prompt_tokens cuts reports.*use label\.length"):
        study(tmp_path, backend, TEXTS)


@pytest.mark.parametrize("length", [{"limit_tokens": 31}, {"policy": "fail"}, {"limit_tokens": 60, "policy": "cut"}])
def test_a_limit_that_cannot_be_kept_is_refused(length: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"label\.length\."):
        study(tmp_path, {"name": "rules"}, TEXTS, length=length)
