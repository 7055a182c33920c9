"""The rules in two modes against two references of real reports, on one page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from page_outline import Outline, Tables
from quiet_tab import open_quietly

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "rules_agreement.py"


@pytest.mark.browser
def test_both_modes_stand_against_both_references_on_one_page(shared: Path, browser: Any, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(page)
    assert len(outline.ids) == len(set(outline.ids))
    compared = [rows[1:] for caption, rows in Tables(page).tables if caption == "Tables"]
    assert [[row[0] for row in rows] for rows in compared] == [
        ["annotated_200.csv", "rules", "rules_chexpert"],
        ["nlm_gold14.csv", "rules", "rules_chexpert"],
    ]
    assert [rows[0][2] for rows in compared] == [
        "positive, negative, uncertain, not mentioned",
        "positive, negative",
    ]
    refused = [rows for caption, rows in Tables(page).tables if caption.startswith("Refused")]
    assert len(refused) == 1 and "macro" in str(refused[0])
    open_quietly(browser, tmp_path / "page.html", 375, "light").close()
