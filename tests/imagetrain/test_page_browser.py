"""The page in a real browser: quiet, no wider than the window, open to everybody, and nothing hidden on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from quiet_tab import open_quietly
from reference.whole_report import PICTURES, older_report, small_report, whole_report

from imagetrain.exports.files import LINKS
from imagetrain.page.render import render

pytestmark = pytest.mark.browser
WINDOWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "whole": render(whole_report(), pictures=PICTURES, links=LINKS),
        "small": render(small_report()),
        "older": render(older_report()),
    }
    for name, page in made.items():
        (folder / f"{name}.html").write_text(page)
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture(scope="module")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    [source] = Path(package.__file__).parent.rglob("axe.min.js")
    return source.read_text()


@pytest.fixture
def unguarded(browser: Any) -> Iterator[Any]:
    """Opens a file in a window that lets tests run scripts in spite of the page's policy."""
    contexts = []

    def open_in(path: Path, width: int, scheme: str) -> Any:
        size = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True))
        tab = contexts[-1].new_page()
        tab.goto(f"file://{path}")
        return tab

    yield open_in
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [*(("whole", *window) for window in WINDOWS), ("small", 390, "light"), ("older", 390, "light")],
)
def test_it_says_nothing_asks_for_nothing_and_is_no_wider_than_the_window(browser, pages, name, width, scheme):
    tab = open_quietly(browser, pages[name], width, scheme)
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    tab.evaluate(OPEN_ALL)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.close()


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("whole", 1280, "light"), ("whole", 390, "dark"), ("small", 1280, "dark")]
)
def test_axe_finds_no_fault_with_everything_shown(unguarded, axe, pages, name, width, scheme):
    tab = unguarded(pages[name], width, scheme)
    tab.evaluate(OPEN_ALL)
    tab.evaluate(axe)
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 20
    assert [(one["impact"], one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


def test_axe_would_find_a_fault(unguarded, axe, pages):
    tab = unguarded(pages["small"], 1280, "light")
    tab.evaluate("document.querySelector('p.explain').style.color = '#ddd'")
    tab.evaluate(axe)
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [one["id"] for one in found["violations"]] == ["color-contrast"]


@pytest.mark.parametrize("width", [1280, 390])
def test_no_words_of_a_drawing_leave_it(browser, pages, width):
    tab = open_quietly(browser, pages["whole"], width, "light")
    tab.evaluate(OPEN_ALL)
    outside = tab.evaluate(
        """[...document.querySelectorAll('svg.panel')].flatMap(svg => {
          const edge = svg.getBoundingClientRect();
          return [...svg.querySelectorAll('text')].filter(text => {
            const box = text.getBoundingClientRect();
            return box.left < edge.left - 2 || box.right > edge.right + 2 || box.bottom > edge.bottom + 2;
          }).map(text => svg.getAttribute('aria-label').slice(0, 40) + ': ' + text.textContent);
        })"""
    )
    assert outside == []
    tab.close()


def test_the_forest_has_room_for_its_words(browser, pages):
    tab = open_quietly(browser, pages["whole"], 1280, "light")
    over = tab.evaluate(
        """[...document.querySelectorAll('.forest .values')].filter(
             one => one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > 1280).length"""
    )
    tracks = tab.evaluate("[...document.querySelectorAll('svg.track')].map(s => s.getBoundingClientRect().width)")
    assert over == 0 and min(tracks) > 150
    tab.close()


def test_paper_hides_nothing(browser, pages):
    tab = open_quietly(browser, pages["whole"], 1280, "dark")
    folded = "[...document.querySelectorAll('details:not([open])')].filter(one => one.offsetHeight < 60).length"
    closed = tab.evaluate("document.querySelectorAll('details:not([open])').length")
    assert tab.evaluate(folded) == closed > 3
    tab.emulate_media(media="print")
    assert tab.evaluate(folded) == 0
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.close()


def test_the_keyboard_reaches_the_results_first_and_every_wide_table(browser, pages):
    tab = open_quietly(browser, pages["whole"], 390, "light")
    tab.keyboard.press("Tab")
    first = "document.activeElement.textContent"
    assert tab.evaluate(first) == "Skip to the results"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    unnamed = "[...document.querySelectorAll('.scroll')].filter(one => one.tabIndex || !one.ariaLabel).length"
    assert tab.evaluate(unnamed) == 0
    tab.close()
