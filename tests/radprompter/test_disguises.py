"""Reports that show a reader other words than they hold are counted, and labeled by what the reader sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from label_study import write_recipe, write_reports
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.disguises import is_disguised
from radprompter.store import read_labels


@pytest.mark.parametrize(
    ("text", "disguised"),
    [
        ("No effusion.", False),
        ("Kein Erguß, Größe 5 µm, 37 °C, „frei“ – unauffällig.", False),
        ("\ufeffNo effusion.", False),
        ("No\u00a0effusion, e\ufb00usion, E\u0301dema.", False),
        ("TNFα and β-blocker, μm, Δp", False),
        ("No effu\u200bsion.", True),
        ("No \u202enoisuffe\u202c.", True),
        ("No effu\u00adsion.", True),
        ("N\u043e effusion.", True),
        ("\u0415ffusion.", True),
        ("\u039do effusion.", True),
        ("Выпота нет. No effusion.", False),
        ("", False),
    ],
)
def test_hidden_characters_and_words_of_two_alphabets_are_disguises(text: str, disguised: bool) -> None:
    assert is_disguised(text) is disguised


def test_a_run_counts_them_and_reads_what_is_seen(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", {"a": "Fracture.", "b": "N\u043e fracture.", "c": "Frac\u200bture."})
    result = CliRunner().invoke(app, ["label", str(write_recipe(tmp_path, {"name": "rules"}))], env={"COLUMNS": "200"})
    assert "reports with hidden characters, or words of two alphabets: 2" in " ".join(result.output.split())
    labels = tmp_path / "out" / "label"
    assert json.loads((labels / "manifest.json").read_text())["n_disguised"] == 2
    assert read_labels(labels / "labels.parquet").wide()["fracture"].tolist() == ["positive", "negative", "positive"]
