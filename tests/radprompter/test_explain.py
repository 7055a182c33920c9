"""One report explained: what was claimed, what was decided, and what lost and why, as text, page and data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from quiet_tab import open_quietly
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.explaining import Account, account_lines, explain, text_lines
from radprompter.explaining.marking import mark
from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

CHEST = load_region("chest")
LABELER = RuleLabeler(CHEST)

TEXT = """INDICATION: Pneumonia?
FINDINGS: Left effusion. History of pneumothorax. Edema is possible, but no edema at the apices.
IMPRESSION: No consolidation or pneumonia.
ADDENDUM: No effusion on the left."""

ATTACK = "<script>document.title='owned'</script><img src=http://x.invalid/y onerror=alert(1)>"

REPORTS = f"""report_id,indication,findings,impression
<b>a</b>,Effusion?,"No effusion, gap <5 mm. [bold]Edema[/] {ATTACK}",Normal. </p>
b,,___,
case-17,,"Mild edema.",
"""


def told(text: str, *, finding: str | None = None, **sections: str) -> Account:
    return explain(Report("r", {"report": text, **sections}), LABELER, CHEST, finding=finding)


@pytest.mark.parametrize(
    ("finding", "state", "why", "claims"),
    [
        ("pleural_effusion", "negative", "said by the addendum, which replaces what the report says",
         [("effusion", "corrected"), ("effusion", "decides")]),
        ("pneumothorax", "not_mentioned", "named, but nothing is said of the present", [("pneumothorax", "silent")]),
        ("edema", "uncertain", "said by the report", [("Edema", "decides"), ("edema", "weaker")]),
        ("pneumonia", "negative", "said by the report", [("pneumonia", "decides")]),
        ("fracture", "not_mentioned", "nothing that is read names it", []),
        ("no_finding", "not_mentioned", "not so: edema is uncertain", []),
    ],
)  # fmt: skip
def test_every_claim_has_its_fate_and_every_finding_its_reason(
    finding: str, state: str, why: str, claims: list[tuple[str, str]]
) -> None:
    (item,) = (item for item in told(TEXT).findings if item.name == finding)
    assert (item.decision.state, item.why) == (state, why)
    assert [(weighed.words, weighed.outcome) for weighed in item.claims] == claims


def test_a_general_finding_says_which_special_one_implies_it() -> None:
    elbow = load_region("elbow")
    text = "No other fracture. Radial head fracture."
    account = explain(Report("r", {"report": text}), RuleLabeler(elbow), elbow, finding="fracture")
    (item,) = account.findings
    assert (item.decision.state, item.why) == ("positive", "implied: radial_head_fracture is positive")
    assert item.claims[0].why == "lost: radial_head_fracture is positive, and implies it"


@pytest.mark.parametrize(
    ("text", "state", "why", "claim"),
    [
        ("Possible pneumonia.", "not_mentioned", "said by the report; doubt (possible) counts as not mentioned here",
         "decides; doubt (possible) counts as not mentioned here"),
        ("Possible pneumonia. Pneumonia.", "positive", "said by the report",
         "lost: positive goes over not mentioned; doubt (possible) counts as not mentioned here"),
        ("No pneumonia.", "negative", "said by the report", "decides"),
    ],
)  # fmt: skip
def test_a_doubt_that_counts_otherwise_in_a_region_says_so(text: str, state: str, why: str, claim: str) -> None:
    nih = load_region("chest_nih14")
    (item,) = explain(Report("r", {"report": text}), RuleLabeler(nih), nih, finding="pneumonia").findings
    assert (item.decision.state, item.why, item.claims[0].why) == (state, why, claim)


@pytest.mark.parametrize(
    ("region", "text", "finding", "why", "reason", "shown"),
    [
        ("chest", "Small pericardial effusion.", "pleural_effusion", "named, but nothing is claimed of it",
         "a look-alike, which does not mean it", "Small [+1 pericardial effusion]."),
        ("elbow", "No displaced fracture.", "fracture", "named, but nothing is claimed of it",
         "part of what says displacement", "‹No› [−1 displaced fracture]."),
        ("elbow", "No displaced radial head fracture.", "radial_head_fracture", "named, but nothing is claimed of it",
         "only a special form of it is denied or doubted", "‹No› [−1 displaced] ~radial head fracture~."),
        ("elbow", "Radial head fracture.", "fracture", "implied: radial_head_fracture is positive",
         "part of what says radial_head_fracture", "[+1 Radial head fracture]."),
    ],
)  # fmt: skip
def test_words_that_name_a_finding_and_claim_nothing_of_it_say_why(
    region: str, text: str, finding: str, why: str, reason: str, shown: str
) -> None:
    loaded = load_region(region)
    account = explain(Report("r", {"report": text}), RuleLabeler(loaded), loaded)
    (item,) = (item for item in account.findings if item.name == finding)
    assert (item.why, [one.why for one in item.silent]) == (why, [reason])
    assert list(text_lines(account))[1].plain == shown


def test_another_labelers_order_is_explained_as_its_own() -> None:
    labeler = RuleLabeler(CHEST, compat="chexpert")
    report = Report("r", {"impression": "No effusion. Possible effusion. Definite effusion."})
    account = explain(report, labeler, CHEST, finding="pleural_effusion")
    assert account.rules.endswith("+chexpert")
    assert account.findings[0].decision.state == "uncertain"
    assert [one.why for one in account.claims] == [
        "lost: uncertain goes over negative", "decides", "lost: uncertain goes over positive",
    ]  # fmt: skip


def test_modifiers_stand_with_their_category_and_their_words_in_the_report() -> None:
    (claim,) = told("History of pneumothorax.", finding="pneumothorax").claims
    assert claim.chain == ("historical “History of”",)
    assert claim.why == "says nothing of the present: it is history"


def test_a_modifier_that_reaches_a_claim_and_does_not_decide_is_told() -> None:
    (claim,) = told("Previously seen pleural effusion has resolved.", finding="pleural_effusion").claims
    assert claim.chain == ("resolved “has resolved”",)
    assert claim.others == ("historical “Previously seen”",)
    assert told("No effusion.", finding="pleural_effusion").claims[0].others == ()


@pytest.mark.parametrize(
    "text",
    [TEXT, "Heart size is normal and the cardiomediastinal silhouette is unremarkable.", "  No\n\teffusion . ", ATTACK],
)
def test_the_pieces_of_a_report_are_the_report(text: str) -> None:
    (section,) = mark(told(text))
    pieces = [piece.text for block in section.blocks for group in block.groups for piece in group.pieces]
    headings = [block.heading for block in section.blocks]
    assert sum(map(len, headings + pieces)) == len(text)
    joined = "".join(
        block.heading + "".join(p.text for g in block.groups for p in g.pieces) for block in section.blocks
    )
    assert joined == text


def test_claims_that_overlap_share_a_group_and_each_is_numbered_once() -> None:
    account = told("Heart and mediastinum are normal without effusion.")
    groups = [g for s in mark(account) for b in s.blocks for g in b.groups if g.claims]
    numbers = [weighed.number for group in groups for weighed in group.claims]
    assert sorted(numbers) == [weighed.number for weighed in account.claims] == [1, 2, 3]
    assert len(groups) == 2


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    (tmp_path / "reports.csv").write_text(REPORTS)
    answers = {"pleural_effusion": {"state": "positive", "evidence": "gap <5 mm"}, "edema": "nonsense"}
    (tmp_path / "trial.yaml").write_text(
        f"name: Trial <i>\nout: {tmp_path}/out\nlabel:\n"
        f"  reports: {{path: {tmp_path}/reports.csv, "
        "text: {indication: indication, findings: findings, impression: impression}}\n"
        f"  region: chest\n  backend: {{name: scripted, default: '{json.dumps(answers)}'}}\n"
    )
    return str(tmp_path / "trial.yaml")


def call(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert result.exit_code == code, result.output
    return result


def test_the_terminal_shows_mentions_modifiers_and_what_is_not_read(recipe: str) -> None:
    shown = call("explain", recipe, "--report", "<b>a</b>").stdout
    assert "── indication (not read by the rules) ──\nEffusion?\n" in shown
    assert "── findings ──\n‹No› [−1 effusion], gap <5 mm. [bold][+2 Edema][/] <script>" in shown
    assert "pleural_effusion            negative      said by the report\n" in shown
    assert "    −1  “effusion” ← negated “No”  findings: decides\n" in shown
    assert "[+1 …] positive" in shown


def test_headings_inside_a_text_that_are_not_read_are_named_so_without_colours() -> None:
    shown = "\n".join(line.plain for line in text_lines(told(TEXT)))
    assert "(not read) INDICATION: Pneumonia?\nFINDINGS: Left [+1 effusion]" in shown
    assert "(addendum) ADDENDUM: ‹No› [−" in shown


def test_a_report_commands_no_terminal() -> None:
    account = told("No \x1b[2J effusion\x9b31m. Edema\x07.")
    shown = "\n".join(line.plain for line in (*text_lines(account), *account_lines(account)))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert "‹No› \ufffd[2J" in shown


def test_another_labelers_table_is_shown_beside_the_rules(recipe: str) -> None:
    assert "scripted" not in call("explain", recipe, "--report", "case-17").stdout
    call("label", recipe, code=1)
    shown = call("explain", recipe, "--report", "case-17").stdout
    assert "≠ scripted:scripted: positive “gap <5 mm”" in shown
    assert "without a label in the label table: " in shown
    beside = json.loads(call("explain", recipe, "--report", "case-17", "--json").stdout)
    assert beside["findings"]["pleural_effusion"]["beside"] == {"labeler": "scripted:scripted", "state": "positive"}
    assert "edema" in beside["unlabelled_beside"]


def test_a_table_that_the_rules_made_is_not_a_second_opinion(recipe: str) -> None:
    rules = ("--set", "label.backend={name: rules}")
    call("label", recipe, *rules)
    assert (
        json.loads(call("explain", recipe, "--report", "case-17", "--json", *rules).stdout)["findings"]["edema"][
            "beside"
        ]
        is None
    )


def test_the_recipes_rules_are_those_that_explain(recipe: str) -> None:
    own = ("--set", "label.backend={name: rules, compat: chexpert}")
    for arguments in (own, ("--compat", "chexpert")):
        data = json.loads(call("explain", recipe, "--report", "case-17", "--json", *arguments).stdout)
        assert data["rules"].endswith("+chexpert")


def test_one_finding_is_explained_alone(recipe: str) -> None:
    data = json.loads(call("explain", recipe, "--report", "<b>a</b>", "--finding", "edema", "--json").stdout)
    assert list(data["findings"]) == ["edema"]
    (claim,) = data["findings"]["edema"]["claims"]
    findings = next(s["words"] for s in data["sections"] if s["name"] == "findings")
    assert findings[claim["start"] : claim["end"]] == claim["words"] == "Edema"


def test_what_the_recipe_leaves_out_is_shown_as_not_read(recipe: str) -> None:
    shown = call("explain", recipe, "--report", "case-17", "--set", "label.sections=impression").stdout
    assert "── findings (not read by the rules) ──\nMild edema.\n" in shown
    assert "no words to read: the report is skipped, and has no label" in shown


def test_a_limit_of_the_recipe_hides_no_report(recipe: str) -> None:
    assert "Mild [+1 edema]" in call("explain", recipe, "--report", "case-17", "--set", "label.limit=1").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--report", "case-71"), "reports.csv: none of its 3 reports is 'case-71'; near it: case-17"),
        (("--report", "case-17", "--finding", "edma"), "no finding 'edma'; did you mean 'edema'?"),
        (("--report", "case-17", "--set", "label=null"), "no `label` section"),
        (("--report", "case-17", "--set", "label.reports.path=/nowhere.csv"), "/nowhere.csv: no such file"),
    ],
)
def test_a_wrong_question_has_one_clear_answer(recipe: str, arguments: tuple[str, ...], message: str) -> None:
    result = call("explain", recipe, *arguments, code=2)
    assert message in result.stderr
    assert result.stdout == ""


def page_of(recipe: str, report: str) -> str:
    file = Path(recipe).parent / "page.html"
    shown = call("explain", recipe, "--report", report, "--html", str(file)).stdout
    assert shown == f"wrote {file}; it holds the report's text: keep it where the report may be\n"
    return file.read_text(encoding="utf-8")


def test_words_of_a_report_stay_words_on_the_page_which_needs_nothing_else(recipe: str) -> None:
    page = page_of(recipe, "<b>a</b>")
    for live in ("<script", "<img", "<b>a", "Trial <i>", "onerror=alert(1)>"):
        assert live not in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert page.count("</p>") == page.count("<p ") + page.count("<p>")
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|link|img|iframe|object)|url\(|@import", page)


def test_every_mention_leads_to_its_claim_and_back(recipe: str) -> None:
    page = page_of(recipe, "<b>a</b>")
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'href="#([^"]+)"', page)
    assert targets
    assert set(targets) <= set(ids)
    assert {name for name in ids if re.match("claim-|mention-", name)} <= set(targets)


def test_a_page_is_written_only_where_it_is_asked_for(recipe: str) -> None:
    before = sorted(Path(recipe).parent.rglob("*"))
    call("explain", recipe, "--report", "case-17")
    assert sorted(Path(recipe).parent.rglob("*")) == before


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_shows_the_page_and_runs_nothing(browser: Any, recipe: str, width: int, scheme: str) -> None:
    page_of(recipe, "<b>a</b>")
    tab = open_quietly(browser, Path(recipe).parent / "page.html", width, scheme)
    assert tab.title() == "Report <b>a</b> · Trial <i>"
    assert tab.locator(".mention.negative").nth(1).inner_text().startswith("effusion")
    lines = {
        state: tab.evaluate(f"getComputedStyle(document.querySelector('.legend .{state}')).textDecorationStyle")
        for state in ("positive", "negative", "uncertain", "silent")
    }
    assert len(set(lines.values())) == 4  # told apart without colours
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "#claim-1"
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#claim-1"
    tab.close()
