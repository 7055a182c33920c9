"""Two modes of the rules against a reading of real reports, on one page."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from page_outline import Outline, Tables
from quiet_tab import open_quietly
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.pages.formats import decimal, limits, signed

RECIPE = Path(__file__).parents[2] / "recipes" / "label" / "rules.yaml"


def call(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code in (0, 1), done.output
    return done.stdout


@pytest.fixture(scope="module")
def texts(shared: Path) -> list[str]:
    """Sentences of the reports that the reading has, long enough to be nobody else's."""
    reference = pd.read_csv(shared / "data/iu_reports/annotated_200.csv")
    reports = pd.read_csv(shared / "data/iu_reports/reports.csv", keep_default_na=False)
    read = reports[reports["report_id"].isin(reference["report_id"])]
    words = "\n".join([*read["findings"], *read["impression"]])
    return [one.strip() for one in words.replace("\n", ".").split(".") if len(one.strip()) > 30]


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agreement of both modes with the reading, and the page without text."""
    made = tmp_path_factory.mktemp("real")
    reports, reference = (shared / "data/iu_reports" / name for name in ("reports.csv", "annotated_200.csv"))
    pd.read_csv(reports, dtype=str, keep_default_na=False).merge(
        pd.read_csv(reference, dtype=str)[["report_id"]], on="report_id"
    ).to_csv(made / "reports.csv", index=False)
    for name, more in (("rules", ()), ("chexpert", ("--set", "label.backend.compat=chexpert"))):
        call("label", RECIPE, "--set", f"label.reports.path={made}/reports.csv", "--out", made / name, *more)
    agreed(made, reference, "without")
    agreed(made, reference, "with_text", "--show-text")
    return made


def agreed(made: Path, reference: Path, out: str, *more: str) -> None:
    labels, also = made / "rules/label/labels.parquet", f"chexpert={made}/chexpert/label/labels.parquet"
    options = ("--reports", made / "reports.csv", "--by", "length", "--rounds", 200, "--page", "--out", made / out)
    call("agree", labels, reference, "--also", also, *options, *more)


def test_each_number_of_the_page_is_that_of_the_table_of_numbers(folder: Path) -> None:
    rows = list(csv.DictReader((folder / "without" / "agreement.csv").read_text().splitlines()))
    shown = Tables((folder / "without" / "page.html").read_text())
    found = next(rows for caption, rows in shown.tables if caption.startswith("uncertain is negative: "))
    measures = ("f1", "accuracy", "sensitivity", "specificity", "ppv", "npv")
    by_key = {
        (row["finding"].replace("_", " ") or "all findings", row["labeler"], row["measure"]): row
        for row in rows
        if row["definition"] == "uncertain_is_negative" and not row["group"] and not row["task"]
    }
    assert len(found) == 1 + 2 * 15
    for finding, labeler, n, support, *texts in found[1:]:
        for measure, text in zip(measures, texts, strict=True):
            row = by_key[finding, labeler, measure]
            assert (float(n.replace(",", "")), float(support)) == (float(row["n"]), float(row["support"]))
            value, mean, low, high = (float(row[key]) for key in ("value", "mean", "low", "high"))
            assert text.startswith(f"{decimal(value)} {decimal(mean)} {limits(low, high)}")
    heat = shown.find("Differences, F1, uncertain is negative")
    for finding, text in heat:
        first, second = (float(by_key[finding, name, "f1"]["value"]) for name in ("rules", "chexpert"))
        assert text.split()[0] == signed(first - second)
    assert any(text.endswith("*") for _, text in heat)


def test_the_page_without_text_has_no_sentence_and_no_id_of_a_report(folder: Path, texts: list[str]) -> None:
    page = (folder / "without" / "page.html").read_text()
    assert len(texts) > 500
    assert [one for one in texts if one in page] == [] and "CXR" not in page


def test_the_page_with_text_marks_the_words_that_the_rules_go_by(folder: Path) -> None:
    path = folder / "with_text" / "page.html"
    page = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert page.count('<article class="report">') == 50 and "Contains patient text" in page
    assert page.count("<mark") > 100 and "its words are not in the text" not in page
    outline = Outline()
    outline.feed(page)
    assert outline.open == [] and {one[1:] for one in outline.targets} <= set(outline.ids)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (375, "light")])
def test_a_browser_shows_the_real_page_quietly(browser: object, folder: Path, width: int, scheme: str) -> None:
    tab = open_quietly(browser, folder / "with_text" / "page.html", width, scheme)
    assert tab.locator("article.report").count() == 50
    tab.close()
