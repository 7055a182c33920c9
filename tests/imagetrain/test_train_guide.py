"""The guide to training says what recipes understand: its snippets are parts of one, and its keys exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagetrain.recipe import StudyRecipe

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "train.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
WHOLE = {
    "name": "guide",
    "out": "runs/guide",
    "data": {"labels": "labels.parquet", "studies": {"path": "studies.csv"}, "images": {"path": "images.csv"}},
    "train": {"runs": {"one": {}}},
}


def joined(below: Any, above: Any) -> Any:
    """One document over another."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: joined(below.get(key), value) for key, value in above.items()}


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) > 8


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.split()[1].strip(":"))
def test_a_snippet_is_part_of_a_recipe(snippet: str) -> None:
    StudyRecipe.model_validate(joined(WHOLE, yaml.safe_load(snippet)))


def test_every_key_of_training_is_in_the_guide() -> None:
    from imagetrain.recipe import TrainRecipe

    unexplained = {"runs", "epochs", "batch_size", "seed", "device", "model"}
    missing = [name for name in TrainRecipe.model_fields if name not in unexplained and f"{name}" not in GUIDE]
    assert not missing
