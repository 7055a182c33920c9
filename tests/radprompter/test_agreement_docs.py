"""The guide of agreement says what the registry of definitions says."""

from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from radprompter.agreement.definitions import DEFINITIONS
from radprompter.cli.agree_words import HEADS
from radprompter.cli.app import app

OPTIONS = {name for parameter in get_command(app).commands["agree"].params for name in parameter.opts}
GUIDE = Path(__file__).parents[2] / "docs" / "agreement.md"


def test_the_guide_knows_every_option() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert {name for name in OPTIONS if name.startswith("--") and name not in text} <= {"--json", "--help"}


def test_the_guide_lists_every_definition_as_the_registry_has_it() -> None:
    section = GUIDE.read_text(encoding="utf-8").split("### Definitions")[1].split("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", section, re.MULTILINE)
    assert rows == [
        (
            one.name,
            ", ".join(HEADS[name] for name in one.measures),
            f"{one.says} ({one.source})" if one.source else one.says,
        )
        for one in DEFINITIONS.values()
    ]
