"""From the value beside an attribute's key to what is known of the attribute; nothing is guessed or completed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from radprompter.answers.mending import CONFLICT, UNSUPPORTED, fold_key
from radprompter.attributes import Attribute, convert, fold_unit, fold_word
from radprompter.findings import Finding
from radprompter.labels import AttributeStatus, AttributeValue, LabelState

NOT_STATED = frozenset({"", "null", "none", "n/a"})
"""Words for null that models write as text."""

GREATEST = 1e15
"""No number of a report is as great as this one."""

_NUMBER = re.compile(r"(?P<number>[+-]?\d{1,15}(?:[.,]\d{1,15})?)\s*(?P<unit>\D.{0,30})?", re.DOTALL)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # 1.000 is a thousand in German, 1,000 in English

_UNANSWERED: Mapping[LabelState, AttributeStatus] = {LabelState.FAILED: "failed", LabelState.SKIPPED: "skipped"}


class _Value(NamedTuple):
    value: str | float | tuple[str | float, ...]
    unit: str | None = None


def unanswered(finding: Finding, state: LabelState) -> tuple[AttributeValue, ...]:
    """The attributes of a finding about which there is no usable answer."""
    return tuple(AttributeValue(name, _UNANSWERED.get(state, "missing")) for name in finding.attributes)


def read_attributes(
    values: Mapping[str, Any], finding: Finding, state: LabelState, meanings: Mapping[str, LabelState]
) -> tuple[AttributeValue, ...]:
    """What an answer says of each attribute of a finding, in order.

    Parameters
    ----------
    values:
        Folded key -> value of the answer's object for the finding; empty where the answer is a state alone.
    meanings:
        Folded word -> state, as the region spells it: a word for "not mentioned" states nothing.
    """
    return tuple(_read(name, attribute, values, state, meanings) for name, attribute in finding.attributes.items())


def _read(
    name: str, attribute: Attribute, values: Mapping[str, Any], state: LabelState, meanings: Mapping[str, LabelState]
) -> AttributeValue:
    key = fold_key(name)
    value = values.get(key)
    applies = not state.is_label or state in attribute.when
    if value is CONFLICT:
        return AttributeValue(name, "failed")
    if key not in values:
        return AttributeValue(name, "missing" if applies else "not_applicable")
    found = AttributeValue(name, "invalid", written=_as_written(value))
    if not applies:
        return replace(found, status="not_applicable")
    if _states_nothing(value, attribute, meanings):
        return replace(found, status="not_stated")
    read = _read_list(value, attribute) if attribute.kind == "list" else _read_item(value, attribute)
    return found if read is None else replace(found, status="answered", value=read.value, unit=read.unit)


def _states_nothing(value: Any, attribute: Attribute, meanings: Mapping[str, LabelState]) -> bool:
    if value is None or value == []:
        return True
    if isinstance(value, dict):
        return "value" in value and value["value"] is None
    if not isinstance(value, str) or _spelled(value, attribute) is not None:
        return False
    word = fold_word(value)
    return word in NOT_STATED or meanings.get(word) is LabelState.NOT_MENTIONED


def _read_list(value: Any, attribute: Attribute) -> _Value | None:
    """The items of a list, if each is allowed, and all have one unit."""
    items = [_read_item(item, attribute) for item in value] if isinstance(value, list) else []
    found = [item for item in items if item is not None]
    if not items or len(found) < len(items) or len({item.unit for item in found}) > 1:
        return None
    return _Value(tuple(item.value for item in found if not isinstance(item.value, tuple)), found[0].unit)


def _read_item(value: Any, attribute: Attribute) -> _Value | None:
    if attribute.item_kind == "number":
        return _read_number(value, attribute)
    if not isinstance(value, str) or not value.strip():
        return None
    word = _spelled(value, attribute) if attribute.item_kind == "choice" else value.strip()
    return None if word is None else _Value(word)


def _spelled(value: str, attribute: Attribute) -> str | None:
    """The allowed value that a word is, in any language of the region."""
    word = fold_word(value)
    for name, texts in attribute.choices.items():
        if word in {fold_word(text) for text in (name, *texts.values())}:
            return name
    return None


def _read_number(value: Any, attribute: Attribute) -> _Value | None:
    if isinstance(value, dict):
        if not set(value) <= {"value", "unit"} or not isinstance(value.get("unit"), (str, type(None))):
            return None
        number, unit = _split(value.get("value"))
        beside = value.get("unit")
        if unit is not None and beside is not None and fold_unit(unit) != fold_unit(beside):
            return None
        unit = unit if beside is None else beside
    else:
        number, unit = _split(value)
    if number is None or (unit is None) is bool(attribute.units):
        return None  # no number, or one whose unit is absent or not asked for
    if unit is None:
        return _Value(number) if _in_range(number, attribute) else None
    converted = convert(number, unit, attribute)
    return _Value(*converted) if converted is not None and _in_range(converted[0], attribute) else None


def _split(value: Any) -> tuple[float | None, str | None]:
    """A number and the unit written behind it; no number where there is none, or more than one reading."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (float(value), None) if abs(value) < GREATEST else (None, None)
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or _THOUSANDS.fullmatch(found["number"]):
        return None, None
    return float(found["number"].replace(",", ".")), found["unit"]


def _in_range(number: float, attribute: Attribute) -> bool:
    least, most = attribute.minimum, attribute.maximum
    return (least is None or number >= least) and (most is None or number <= most)


def _as_written(value: Any) -> str | None:
    """A value in the words of the answer; ``None`` for null and for what is cut off."""
    if value is None or value is UNSUPPORTED:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and all(isinstance(value.get(key), (int, float, str)) for key in ("value", "unit")):
        return f"{value['value']} {value['unit']}"
    return json.dumps(value, ensure_ascii=False, default=lambda _: None)
