"""`radprompter schema`: the JSON Schema of a recipe, region, lexicon or examples file, for editors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from radprompter.terminal import DONE, guarded


class FileKind(StrEnum):
    """Kinds of YAML files that a person writes."""

    RECIPE = "recipe"
    REGION = "region"
    LEXICON = "lexicon"
    EXAMPLES = "examples"


@guarded
def schema(
    of: Annotated[FileKind, typer.Argument(metavar="recipe|region|lexicon|examples", help="Kind of file.")],
) -> int:
    """Print the JSON Schema of recipe, region, lexicon or examples files."""
    from radprompter.schemas import SCHEMAS, schema_text

    typer.echo(schema_text(SCHEMAS[of]()), nl=False)
    return DONE
