"""What a system text says besides the region: who the model is told to be, and examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radprompter.errors import TemplateError
from radprompter.prompting.examples import Example, find_examples, load_examples, view_examples
from radprompter.prompting.personas import DEFAULT_PERSONA, write_persona
from radprompter.prompting.sandbox import Sandbox
from radprompter.prompting.strategies import FEW_SHOT, REASONS_APART, REASONS_BEFORE, reasoned_schema
from radprompter.prompting.views import view_region
from radprompter.recipe import PlanName
from radprompter.region import Region


@dataclass(frozen=True, slots=True)
class Wording:
    """What is chosen, and what templates see of it and of the region."""

    persona: str
    examples: tuple[Example, ...]
    values: Mapping[str, Any]


def choose_wording(
    region: Region,
    language: str,
    sandbox: Sandbox,
    schema: Mapping[str, Any],
    *,
    strategy: str,
    plan: PlanName,
    persona: str,
    examples: Path | str | None,
) -> Wording:
    """The wording for a region; examples answer as the strategy and the plan ask, by the answer's `schema`.

    Raises
    ------
    TemplateError
        If there is no such persona or examples file, or the strategy shows no examples.
    RecipeError
        If the examples file is wrong.
    """
    worked = _choose_examples(region, language, strategy, examples)
    form = (reasoned_schema(schema) if strategy == REASONS_BEFORE else schema) if plan == "one_json" else None
    reasons = strategy == REASONS_APART or (strategy == REASONS_BEFORE and form is None)
    values = {**view_region(region, language), "examples": ()}
    values["persona"] = write_persona(persona, language, sandbox, values)
    values["examples"] = view_examples(worked, region, language, schema=form, reasons=reasons)
    return Wording(persona, worked, values)


def _choose_examples(region: Region, language: str, strategy: str, name: Path | str | None) -> tuple[Example, ...]:
    if name is None and strategy != FEW_SHOT:
        return ()
    if strategy == "zero_shot":
        raise TemplateError("strategy 'zero_shot' shows no examples; use 'few_shot', or take the examples away")
    return load_examples(find_examples(region, language, None if name is None else Path(name)), region)


def check_wording(wording: Wording, system: str, region: Region) -> None:
    """Refuse choices that a region's own system text leaves out, and that would change nothing.

    Raises
    ------
    TemplateError
        If the persona or an example does not stand in it.
    """
    if wording.persona != DEFAULT_PERSONA and wording.values["persona"] not in system:
        raise TemplateError(
            f"region {region.name!r}: its system text leaves the persona out; write {{{{ persona }}}} in the "
            "block `role`, or take label.persona away"
        )
    shown = (section.text for example in wording.values["examples"] for section in example.report.sections)
    if any(words not in system for words in shown):
        raise TemplateError(
            f"region {region.name!r}: its system text leaves examples out; keep the block `examples`, or take them away"
        )
