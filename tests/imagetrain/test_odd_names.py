"""Findings and sites by any name: what a terminal would take for a style, or a spreadsheet for a formula."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from imagetrain.cli.app import app

FINDING, SITE, REFERENCE = "=1+[/b]", "@[/i]", "-[/u]"


def write_table(path: Path, seed: int) -> Path:
    """Scores of one finding, inside and outside."""
    labels = np.arange(120) % 3 == 0
    scores = np.random.default_rng(seed).normal(size=120) + labels
    rows = [["study_id", "site", "part", FINDING, f"{FINDING}_logit"]]
    rows += [
        [f"s{i}", SITE if i % 2 else "alpha", "external" if i % 2 else "test" if i % 4 else "validation", int(y), x]
        for i, (y, x) in enumerate(zip(labels, scores.tolist(), strict=True))
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_any_name_is_printed_as_it_is_and_no_table_has_a_formula(tmp_path: Path):
    paths = [str(write_table(tmp_path / f"{name}.csv", seed)) for seed, name in enumerate(("a", "b"))]
    few = ["--set", "evaluate.bootstrap=20", "--set", "evaluate.permutations=0"]
    few += ["--set", f'evaluate.references={{"{REFERENCE}": {{path: {paths[1]}}}}}']
    shown = CliRunner().invoke(app, ["evaluate", *paths, "--out", str(tmp_path / "out"), *few])
    assert shown.exit_code == 0, shown.output
    assert SITE in shown.output and FINDING in shown.output and REFERENCE in shown.output
    compared = CliRunner().invoke(app, ["compare", *paths])
    assert compared.exit_code == 0 and SITE in compared.output and FINDING in compared.output
    tables = list((tmp_path / "out/evaluate").glob("*.csv"))
    cells = {
        cell
        for table in tables
        for row in csv.reader(table.read_text().splitlines())
        for cell in row
        if not cell.removeprefix("-")[:1].isdigit()
    }
    assert len(tables) == 10 and {f"'{FINDING}", f"'{REFERENCE}"} <= cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
