"""From a completion to one state per finding; what is no allowed answer is `missing`, `invalid` or `failed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from radprompter.answers.attributes import read_attributes, unanswered
from radprompter.answers.evidence import is_quoted
from radprompter.answers.mending import CONFLICT, UNSUPPORTED, fold, fold_key
from radprompter.answers.repair import Parsed, parse_answer
from radprompter.findings import Finding
from radprompter.labels import LABELS, Cell, LabelState
from radprompter.records import NO_TEXT, Completion, Reading, Report
from radprompter.region import Region

BESIDE_FINDINGS = frozenset({"reasoning", "rationale", "explanation"})
"""Keys that an answer may have beside its findings."""

ANSWER = "answer"
"""The key of an answer about one finding."""


_ABSENT: Final = object()  # unlike null, which a region may have a meaning for


def read(completion: Completion, report: Report, region: Region, labeler: str, *, states_only: bool = False) -> Reading:
    """One cell for every finding that was asked about, in the order of the schema.

    A value is a spelling or alias of the region (compared without case and outer white space, never by likeness) or
    the name of a state, alone or as the `state` of an object with `evidence` (words of the report, which are looked
    up), `rule` (what decided; kept with the labeler) and the attributes of the finding. With `states_only` attributes
    were not asked.
    """
    names = completion.findings or region.schema.names
    if completion.failure is not None:
        state = LabelState.SKIPPED if completion.failure == NO_TEXT else LabelState.FAILED
        return _unread(names, state, completion.failure, report, region, labeler, states_only)
    keys = {ANSWER: fold_key(names[0])} if completion.findings else {fold_key(name): fold_key(name) for name in names}
    parsed = parse_answer(completion.answer, keys)
    if parsed.failure is not None:
        reason = _joined(*parsed.edits, parsed.failure)
        return _unread(names, LabelState.FAILED, reason, report, region, labeler, states_only)
    if completion.findings and region.findings[names[0]].is_typed:
        parsed = _with_its_attributes(parsed, region.findings[names[0]])
    extra = set(parsed.values) - set(keys) - BESIDE_FINDINGS
    parsed = replace(parsed, values={keys[key]: value for key, value in parsed.values.items() if key in keys})
    edits = (*parsed.edits, f"{len(extra)} findings beside the schema") if extra else parsed.edits
    cells = (_cell(name, parsed, report, region, labeler, edits) for name in names)
    return Reading(report.id, tuple(replace(cell, attributes=()) if states_only else cell for cell in cells))


def _unread(
    names: Sequence[str],
    state: LabelState,
    reason: str | None,
    report: Report,
    region: Region,
    labeler: str,
    states_only: bool,
) -> Reading:
    cells = tuple(
        Cell(
            report.id,
            name,
            state,
            repair=reason,
            labeler=labeler,
            attributes=() if states_only else unanswered(region.findings[name], state),
        )
        for name in names
    )
    return Reading(report.id, cells)


def _with_its_attributes(parsed: Parsed, finding: Finding) -> Parsed:
    """An answer about one finding, whose attributes stand beside its state, as the object that stands for it else."""
    own = {"evidence", *map(fold_key, finding.attributes)} & set(parsed.values)
    answer = parsed.values.get(ANSWER, _ABSENT)
    if not own or isinstance(answer, dict):
        return parsed
    whole = {key: parsed.values[key] for key in own} | ({} if answer is _ABSENT else {"state": answer})
    rest = {key: value for key, value in parsed.values.items() if key not in own}
    return replace(parsed, values={**rest, ANSWER: whole})


def _cell(name: str, parsed: Parsed, report: Report, region: Region, labeler: str, edits: tuple[str, ...]) -> Cell:
    value = parsed.values.get(fold_key(name), _ABSENT)
    whole: Mapping[str, Any] = value if isinstance(value, dict) else {}
    evidence, rule = _quote(whole.get("evidence")), _text(whole.get("rule"))
    state, problem = _state(whole.get("state", _ABSENT) if isinstance(value, dict) else value, name, region)
    return Cell(
        report.id,
        name,
        state,
        evidence=evidence,
        evidence_found=None if evidence is None else is_quoted(evidence, report.text),
        repair=_joined(*edits, problem),
        labeler=labeler if rule is None else f"{labeler}/{rule}",
        attributes=read_attributes(whole, region.findings[name], state, region.meanings),
    )


def _state(value: Any, finding: str, region: Region) -> tuple[LabelState, str | None]:
    """The state that a value means for a finding, and why there is none."""
    if value is CONFLICT:
        return LabelState.FAILED, "conflict: given twice with different values"
    if value is UNSUPPORTED:
        return LabelState.INVALID, "the value is cut off or absent"
    word = _spelled(value)
    if value is _ABSENT or (value is None and word not in region.meanings):
        return LabelState.MISSING, None
    state = None if word is None else region.meanings.get(word, LabelState(word) if word in LABELS else None)
    if state is None:
        return LabelState.INVALID, f"not an allowed value: {str(value)[:40]!r}"
    if state not in region.allowed(finding):
        return LabelState.INVALID, f"{state} is not allowed for this finding"
    return state, None


def _spelled(value: Any) -> str | None:
    """A JSON value as a folded word; ``None`` for what is no word: fractions, lists and objects."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return fold(str(value)) if isinstance(value, (str, int)) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _quote(value: Any) -> str | None:
    """The words that an answer quotes; none where it has null for them, or the word."""
    text = _text(value)
    return None if text is not None and fold(text) in ("null", "n/a") else text


def _joined(*notes: str | None) -> str | None:
    return "; ".join(note for note in notes if note) or None
