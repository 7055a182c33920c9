"""Whether runs may be compared: the same studies, labels and findings, none of them trained on, numbers alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from imagetrain.records import EXTERNAL, TEST, TRAIN, VALIDATION, Predictions
from radprompter.errors import DefinitionError, InputError

TESTED, TAUGHT = (TEST, EXTERNAL), (TRAIN, VALIDATION)
OF_NO_CONCERN = frozenset({"permutations", "recalibrate", "subgroups"})
"""Options that change no number of a comparison."""

OF_SCORES = "labels of the tables of scores"
"""The source of labels that nobody says more of: they are held against others by what they are."""

SHOWN = 3


class Contestant(NamedTuple):
    """A run that is compared.

    Parameters
    ----------
    name:
        Unlike that of any other.
    evaluation:
        What it was evaluated with; contestants of one evaluation were found to fit each other there.
    predictions:
        With the labels that it is tested against.
    identity:
        What its evaluation says of itself; None of a table of scores, which says nothing.
    about:
        What may differ: model, training labels, settings.
    """

    name: str
    evaluation: str
    predictions: Predictions
    identity: Mapping[str, Any] | None
    about: Mapping[str, Any]

    @property
    def says_projection(self) -> bool:
        """Whether it is known how its labels became 1, 0 or not known."""
        return self.identity is not None and self.identity["projection"]["source"] != OF_SCORES


class Restricted(NamedTuple):
    """What contestants have in common, and how much of each was left out."""

    contestants: list[Contestant]
    n_studies: int
    findings: tuple[str, ...]
    left_out: dict[str, dict[str, Any]]  # name -> n_studies, findings


def check_comparable(contestants: Sequence[Contestant]) -> None:
    """See that the numbers of all contestants mean the same.

    Raises
    ------
    DefinitionError
        If they do not; the message has every field that differs, with both values.
    """
    first, *others = contestants
    found = []
    for other in others:
        if other.evaluation == first.evaluation:
            continue
        reasons = [*_studies(first, other), *_findings(first, other), *_leaks(first, other)]
        reasons += [*_patients(first, other), *_labels(first, other), *_declared(first, other)]
        if reasons:
            found.append(f"{first.name} and {other.name} may not be compared:")
            found += [f"  {reason}" for reason in reasons]
    if found:
        raise DefinitionError("\n".join(found))


def restrict(contestants: Sequence[Contestant]) -> Restricted:
    """Each contestant with the tested studies and the findings that all have.

    Raises
    ------
    InputError
        If they have nothing in common.
    """
    first = contestants[0].predictions
    everybody = [set(_tested(one.predictions)) for one in contestants]
    studies = set.intersection(*everybody)
    findings = tuple(name for name in first.findings if all(name in one.predictions.findings for one in contestants))
    if not studies or not findings:
        lacking = "tested study" if not studies else "finding"
        raise InputError(f"{', '.join(one.name for one in contestants)} have no {lacking} in common")
    kept, left_out = [], {}
    for one, tested in zip(contestants, everybody, strict=True):
        run = one.predictions
        rows = [i for i, part in enumerate(run.parts) if part not in TESTED or run.study_ids[i] in studies]
        columns = [run.findings.index(name) for name in findings]
        run = run.take(rows)
        run = replace(run, findings=findings, logits=run.logits[:, columns], targets=run.targets[:, columns])
        kept.append(one._replace(predictions=run, identity=_of_findings(one.identity, findings)))
        dropped = [name for name in one.predictions.findings if name not in findings]
        left_out[one.name] = {"n_studies": len(tested) - len(studies), "findings": dropped}
    return Restricted(kept, len(studies), findings, left_out)


def align(contestants: Sequence[Contestant]) -> dict[str, Predictions]:
    """Name -> predictions whose tested studies are in the parts and at the sites that the first contestant has."""
    first = contestants[0].predictions
    place = {first.study_ids[i]: (first.parts[i], first.sites[i]) for i in _tested(first).values()}
    aligned = {}
    for one in contestants:
        run = one.predictions
        places = [
            place[study] if part in TESTED else (part, site)
            for study, part, site in zip(run.study_ids, run.parts, run.sites, strict=True)
        ]
        columns = [run.findings.index(name) for name in first.findings]
        aligned[one.name] = replace(
            run,
            parts=tuple(part for part, _ in places),
            sites=tuple(site for _, site in places),
            findings=first.findings,
            logits=run.logits[:, columns],
            targets=run.targets[:, columns],
        )
    return aligned


def what_differs(contestants: Sequence[Contestant]) -> dict[str, dict[str, Any]]:
    """What may differ and does: setting -> its value by contestant."""
    flat = {one.name: dict(flatten(one.about)) | _taught(one.predictions) for one in contestants}
    names = dict.fromkeys(key for values in flat.values() for key in values)
    rows = {key: {name: values.get(key) for name, values in flat.items()} for key in names}
    return {key: row for key, row in rows.items() if any(value != next(iter(row.values())) for value in row.values())}


def flatten(values: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    """Leaves of nested mappings by their dotted names."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{above}{key}.")
        else:
            yield above + key, value


def _of_findings(identity: Mapping[str, Any] | None, findings: Collection[str]) -> Mapping[str, Any] | None:
    """An identity without what it says of a schema as a whole, and of other findings."""
    if identity is None:
        return None
    projection = {key: value for key, value in identity["projection"].items() if not key.startswith("label_schema")}
    for key, value in projection.items():
        if key in ("not_mentioned", "findings") and isinstance(value, Mapping):
            projection[key] = {name: said for name, said in value.items() if name in findings}
    return dict(identity) | {"projection": projection}


def _tested(run: Predictions) -> dict[str, int]:
    """Tested study -> its row."""
    return {study: i for i, (study, part) in enumerate(zip(run.study_ids, run.parts, strict=True)) if part in TESTED}


def _taught(run: Predictions) -> dict[str, Any]:
    return {f"{part} studies": len(set(run.part(part).study_ids)) for part in TAUGHT}


def _studies(a: Contestant, b: Contestant) -> Iterable[str]:
    ours, theirs = set(_tested(a.predictions)), set(_tested(b.predictions))
    if ours != theirs:
        alone = [
            f"{len(only)} only in {one.name} ({_some(only)})" for one, only in ((a, ours - theirs), (b, theirs - ours))
        ]
        yield f"tested studies: {len(ours)} against {len(theirs)}; {'; '.join(alone)}"


def _findings(a: Contestant, b: Contestant) -> Iterable[str]:
    ours, theirs = set(a.predictions.findings), set(b.predictions.findings)
    if ours != theirs:
        yield f"findings: only in {a.name}: {_some(ours - theirs)}; only in {b.name}: {_some(theirs - ours)}"


def _leaks(a: Contestant, b: Contestant) -> Iterable[str]:
    """Studies and patients that one of them learned from or chose thresholds on, while the other is tested on them."""
    for one, other in ((a, b), (b, a)):
        learned, tested = one.predictions, other.predictions
        rows = [i for i, part in enumerate(learned.parts) if part in TAUGHT]
        for unit, ids, theirs in (
            ("studies", learned.study_ids, tested.study_ids),
            ("patients", learned.patient_ids, tested.patient_ids),
        ):
            own = {ids[i] for i in _tested(learned).values()}  # with folds each study is tested by a network of its own
            leaked = ({ids[i] for i in rows} - own) & {theirs[i] for i in _tested(tested).values()}
            if leaked:
                yield (
                    f"split: {len(leaked)} {unit} that {other.name} is tested on are in training or validation of "
                    f"{one.name} ({_some(leaked)})"
                )
                break


def _patients(a: Contestant, b: Contestant) -> Iterable[str]:
    ours, theirs = _tested(a.predictions), _tested(b.predictions)
    moved = [
        s for s in ours if s in theirs and a.predictions.patient_ids[ours[s]] != b.predictions.patient_ids[theirs[s]]
    ]
    if moved:
        named = a.predictions.patient_ids[ours[moved[0]]], b.predictions.patient_ids[theirs[moved[0]]]
        yield f"patients: {len(moved)} studies differ, such as {moved[0]!r}: {named[0]!r} against {named[1]!r}"


def _labels(a: Contestant, b: Contestant) -> Iterable[str]:
    ours, theirs = _tested(a.predictions), _tested(b.predictions)
    common = [study for study in ours if study in theirs]
    for f, finding in enumerate(a.predictions.findings):
        if finding not in b.predictions.findings:
            continue
        first = a.predictions.targets[[ours[study] for study in common], f]
        column = b.predictions.findings.index(finding)
        second = b.predictions.targets[[theirs[study] for study in common], column]
        differing = np.flatnonzero((first != second) & ~(np.isnan(first) & np.isnan(second)))
        if differing.size:
            at = int(differing[0])
            yield (
                f"labels of {finding}: {differing.size} of {len(common)} studies differ, such as {common[at]!r}: "
                f"{_label(first[at])} against {_label(second[at])}"
            )


def _declared(a: Contestant, b: Contestant) -> Iterable[str]:
    """Projection, options and format of the two evaluations."""
    if a.identity is None or b.identity is None:
        return
    both_say = a.says_projection and b.says_projection
    for field in ("format", *(("projection",) if both_say else ()), "options"):
        ours, theirs = (dict(flatten({field: one.identity.get(field)})) for one in (a, b) if one.identity)
        for key in dict.fromkeys([*ours, *theirs]):
            name = key.removeprefix("options.")
            if ours.get(key) != theirs.get(key) and name not in OF_NO_CONCERN:
                yield f"{key}: {_shown(ours.get(key))} against {_shown(theirs.get(key))}"


def _label(value: float) -> str:
    return "not known" if np.isnan(value) else f"{value:g}"


def _shown(value: Any) -> str:
    return "not said" if value is None else str(value)


def _some(names: Collection[str]) -> str:
    chosen = sorted(names)
    more = f" and {len(chosen) - SHOWN} more" if len(chosen) > SHOWN else ""
    return ", ".join(chosen[:SHOWN]) + more if chosen else "none"
