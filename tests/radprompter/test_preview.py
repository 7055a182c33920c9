"""What a person sees before anything is sent: the page, the marked report, and what it would cost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from quiet_tab import open_quietly
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.errors import RecipeError
from radprompter.prompting import STRATEGIES, load_template
from radprompter.prompting.preview import Part, divide
from radprompter.prompting.prices import PRICES, cost, find_price
from radprompter.records import Message, Report
from radprompter.region import region_names
from radprompter.typed_yaml import read_yaml

ATTACK = "<script>document.title='owned'</script><img src=http://x.invalid/y onerror=alert(1)>"
REPORTS = f"""report_id,findings,impression
<b>a</b>,"No fracture, gap <5 mm. {ATTACK}",Normal. </pre>
b,,
c,"Radial head fracture.",
"""

RECIPE = """
name: Trial <i>
out: {folder}/out
label:
  reports: {{path: {folder}/reports.csv}}
  region: elbow
  backend: {{name: openai, model: gpt-4o, remote: allow}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    (tmp_path / "reports.csv").write_text(REPORTS)
    (tmp_path / "trial.yaml").write_text(RECIPE.format(folder=tmp_path))
    return str(tmp_path / "trial.yaml")


def render(recipe: str, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["render", recipe, *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def page_of(recipe: str, *arguments: str) -> str:
    file = Path(recipe).parent / "page.html"
    render(recipe, "-n", "3", "--html", str(file), *arguments)
    return file.read_text(encoding="utf-8")


RULES = ("--set", "label.backend={name: rules}")


@pytest.mark.parametrize("arguments", [(), RULES, ("--set", "label.strategy=chain_of_thought")])
def test_words_of_a_report_stay_words_on_the_page(recipe: str, arguments: tuple[str, ...]) -> None:
    page = page_of(recipe, *arguments)
    for live in ("<script", "<img", "<b>a", "Trial <i>", "http://x.invalid/y onerror=alert(1)>"):
        assert live not in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert page.count("</pre>") == page.count("<pre>")


def test_the_page_needs_nothing_else(recipe: str) -> None:
    page = page_of(recipe)
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|link|img|iframe|object)|url\(|@import", page)
    assert "prefers-color-scheme: dark" in page


def test_the_page_and_the_terminal_say_the_same_numbers(recipe: str) -> None:
    page, shown = page_of(recipe), render(recipe)
    summary = json.loads(render(recipe, "--json"))
    for key in ("n_requests", "prompt_tokens", "max_completion_tokens"):
        assert f"<b>{summary[key]:,}</b>" in page
        assert f"{summary[key]:,} " in shown
    money = re.search(r"about (\$[\d.]+) for the prompts, at most (\$[\d.]+)", shown)
    assert money is not None
    assert all(amount in page for amount in money.groups())
    assert float(money.group(2)[1:]) == pytest.approx(summary["cost_usd"]["at_most"], rel=0.05)


def test_the_report_is_marked_inside_its_message(recipe: str) -> None:
    page = page_of(recipe)
    assert "<mark>Radial head fracture.</mark>" in page
    assert "FINDINGS:\n<mark>No fracture, gap &lt;5 mm. ‹script" in page
    assert "no text in the chosen sections" in page.lower()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("region", region_names())
def test_the_pieces_of_a_message_are_the_message(region: str, strategy: str) -> None:
    report = Report("a", {"findings": "Normal. <x>\n", "impression": "Normal. <x>"})
    for turn in load_template(region, strategy=strategy).render(report).turns:
        for message in turn.messages:
            pieces = divide(message, report)
            assert "".join(piece.text for piece in pieces) == message.content
            marked = [piece.text for piece in pieces if piece.of_report]
            assert marked == (["Normal. ‹x>"] * 2 if "<report>" in message.content and message.role == "user" else [])


def test_a_notebook_shows_a_prompt_as_text_and_as_a_page() -> None:
    preview = load_template("elbow", strategy="chain_of_thought").preview(
        Report("a", {"findings": f"Normal. {ATTACK}"})
    )
    text = repr(preview)
    assert text.startswith("Elbow, chain of thought: about ")
    assert "── request 2, user ──\nNow give the values" in text
    page = preview._repr_html_()
    assert page.startswith('<iframe sandbox srcdoc="&lt;!doctype html&gt;')
    assert page.count("<") == 2  # the frame alone: all else is escaped


def test_a_system_text_is_never_marked() -> None:
    message = Message("system", "Normal findings.")
    assert divide(message, Report("a", {"findings": "Normal"})) == [Part("Normal findings.", False)]


def test_a_cost_is_tokens_times_price() -> None:
    price = find_price("gpt-4o")
    assert price is not None
    found = cost(price, 120_000_000, 25_000_000)  # 100,000 reports of 1,200 + 250 tokens
    assert (found.prompt_usd, found.at_most_usd) == (300.0, 550.0)


def test_every_shipped_price_says_when_and_where_it_was_found() -> None:
    for model in read_yaml(PRICES).data:
        price = find_price(model)
        assert price is not None
        assert price.source.startswith("https://")
        assert price.date.year >= 2026
        assert price.input <= price.output


def test_an_unknown_model_has_no_cost_and_the_command_says_so(recipe: str) -> None:
    other = ("--set", "label.backend.model=gpt-4o-next")
    assert "no cost: the price file has no price for model 'gpt-4o-next'" in render(recipe, *other)
    assert json.loads(render(recipe, "--json", *other))["cost_usd"] is None
    assert "No cost: the price file has no price" in page_of(recipe, *other)


def test_a_price_file_of_ones_own_is_used(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("mine: {input: 1000, output: 0, date: 2026-01-02, source: invoice}\n")
    mine = ("--prices", str(tmp_path / "prices.yaml"), "--set", "label.backend.model=mine")
    summary = json.loads(render(recipe, "--json", *mine))
    assert summary["cost_usd"]["prompts"] == pytest.approx(summary["prompt_tokens"] / 1000)
    assert "(1000 and 0 USD per million tokens, invoice, 2026-01-02)" in render(recipe, *mine)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m: {input: -1, output: 1, date: 2026-01-02, source: x}", "m.input"),
        ("m: {input: 1, date: 2026-01-02, source: x}", "m.output: required, but absent"),
        ("m: 3", "m: "),
    ],
)
def test_a_wrong_price_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(RecipeError, match=re.escape(message)):
        find_price("m", tmp_path / "prices.yaml")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_shows_the_page_and_runs_nothing(browser: Any, recipe: str, width: int, scheme: str) -> None:
    page_of(recipe)
    tab = open_quietly(browser, Path(recipe).parent / "page.html", width, scheme)
    assert tab.title() == "Trial <i> · prompts"
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    assert tab.locator("mark").all_inner_texts()[-1] == "Radial head fracture."
    assert tab.locator("details[open].system").count() == 1
    tab.close()
