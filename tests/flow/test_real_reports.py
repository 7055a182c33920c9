"""Real chest reports: all of them by rules, some through a real vLLM server whose answers are noise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_model import MODEL
from typer.testing import CliRunner

from radprompter.cli.app import app

RECIPE = Path(__file__).parents[2] / "recipes" / "label" / "rules.yaml"


def label(shared: Path, out: Path, *settings: str) -> dict[str, object]:
    reports = f"label.reports.path={shared}/data/iu_reports/reports.csv"
    arguments = ["label", str(RECIPE), "--json", "--out", str(out), "--set", reports]
    result = CliRunner().invoke(app, [*arguments, *(part for setting in settings for part in ("--set", setting))])
    assert result.exit_code in (0, 1), result.output
    summary: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return summary


def test_every_real_report_is_labelled_by_rules_or_has_no_text(shared: Path, tmp_path: Path) -> None:
    summary = label(shared, tmp_path)
    assert (summary["n_reports"], summary["n_skipped"], summary["n_failed"]) == (2376, 28, 0)
    assert (tmp_path / "label" / "labels.csv").read_text().count("\n") == 1 + 2376 - 28
    arguments = ["agree", str(tmp_path / "label" / "labels.parquet"), "--json"]
    reference = shared / "data" / "iu_reports" / "annotated_200.csv"
    agreement = json.loads(CliRunner().invoke(app, [*arguments, str(reference)]).stdout)
    assert agreement["n_reports"] == 200
    assert agreement["values"][tmp_path.name]["cell_accuracy"]["same"] >= 0.95


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["zero_shot", "chain_of_thought"])
def test_noise_from_a_real_server_is_stored_as_what_it_is(
    shared: Path, tmp_path: Path, server: str, strategy: str
) -> None:
    backend = {"name": "openai", "model": MODEL, "base_url": server, "temperature": 1.0}
    # a random model seldom ends its free reasoning by itself; none of these characters is in an answer
    backend["extra_body"] = {"stop": [".", ";", "!", "?"], "include_stop_str_in_output": True}
    settings = ("label.limit=12", f"label.strategy={strategy}", f"label.backend={json.dumps(backend)}")
    summary = label(shared, tmp_path, *settings)
    states = summary["states"]
    assert isinstance(states, dict)
    assert summary["n_reports"] == 12
    assert sum(states.values()) == 12 * 14
    assert summary["requests"] == {"asked": 11, "from_journal": 0}  # two of the twelve have the same words
    again = label(shared, tmp_path, *settings)
    assert again["states"] == states
