"""Every entry of every shipped lexicon does what it promises, in its own example sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from radprompter.region import LANGUAGES, load_region
from radprompter.rules.examples import language_problems, region_problems
from radprompter.shipped import shipped

LEXICONS = sorted(shipped("templates").glob("*/lexicon.??.yaml"))


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_entry_of_a_language_does_what_its_example_says(code: str) -> None:
    assert language_problems(code) == []


@pytest.mark.parametrize("path", LEXICONS, ids=lambda path: f"{path.parent.name}-{path.suffixes[0][1:]}")
def test_every_entry_of_a_region_does_what_its_example_says(path: Path) -> None:
    assert region_problems(load_region(path.parent.name), path.suffixes[0][1:]) == []
