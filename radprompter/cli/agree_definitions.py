"""The definitions that `radprompter agree` knows, each in words."""

from __future__ import annotations

from radprompter.cli.agree_words import HEADS
from radprompter.terminal import console, print_json


def show_definitions(*, as_json: bool) -> None:
    """Print the registry of definitions."""
    from rich.table import Table
    from rich.text import Text

    from radprompter.agreement.definitions import DEFINITIONS

    if as_json:
        print_json(
            {
                one.name: {"says": one.says, "source": one.source, "hash": one.hash, "meaning": one.meaning}
                for one in DEFINITIONS.values()
            }
        )
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("definition", no_wrap=True)
    table.add_column("measures")
    table.add_column("what it says")
    for one in DEFINITIONS.values():
        says = f"{one.says} ({one.source})" if one.source else one.says
        table.add_row(one.name, Text(", ".join(HEADS[name] for name in one.measures)), Text(says))
    console().print(table)
