"""Options and arguments that the subcommands of both command lines share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class CompatName(StrEnum):
    """A labeler whose order and quirks the rules can reproduce."""

    CHEXPERT = "chexpert"


RecipePath = Annotated[
    Path, typer.Argument(help="Recipe file, or the name of a shipped one (recipes/quickstart.yaml).")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="Override a key of the recipe; repeatable.")
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write there instead of the recipe's folder.")
]
CompatOption = Annotated[
    CompatName | None, typer.Option("--compat", help="Rules in the order, and with the quirks, of another labeler.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one machine-readable line.")]
