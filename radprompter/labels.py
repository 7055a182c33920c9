"""Label states, schemas and tables: the contract between both packages.

A *state* is what a labeler says about one finding in one report. Four states are labels; the other four say why
there is none. A *schema* is an ordered list of findings, each with the states it may take. A *projection* maps the
four states onto fewer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Literal

from radprompter.errors import SchemaError

Hedge = Literal["probable", "alternative", "possible", "borderline"]
"""Kinds of doubt: likely; one of two things; may or could be; in between, such as a borderline size."""


class LabelState(StrEnum):
    """What is known of one finding in one report."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNCERTAIN = "uncertain"
    NOT_MENTIONED = "not_mentioned"
    MISSING = "missing"  # the answer lacks the finding
    INVALID = "invalid"  # the answer gives a value that the region does not allow
    FAILED = "failed"  # there is no usable answer
    SKIPPED = "skipped"  # the report has no text

    @property
    def is_label(self) -> bool:
        """Whether the state is an answer rather than the lack of one."""
        return self in LABELS


LABELS = (LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN, LabelState.NOT_MENTIONED)

CHEXPERT_CODES: Mapping[LabelState, int | None] = {
    LabelState.POSITIVE: 1,
    LabelState.NEGATIVE: 0,
    LabelState.UNCERTAIN: -1,
    LabelState.NOT_MENTIONED: None,
}
"""The codes of the CheXpert label files; ``None`` is a blank cell."""


@dataclass(frozen=True, slots=True)
class FindingSpec:
    """One finding of a schema and the states it may take."""

    name: str
    title: str = ""
    states: tuple[LabelState, ...] = LABELS
    aliases: tuple[str, ...] = ()
    laterality: bool = False  # the name says left or right, so a mirrored image has another label


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """An ordered set of findings.

    Raises
    ------
    SchemaError
        If there is no finding, a name repeats, or `no_finding` is not one of the names.
    """

    name: str
    findings: tuple[FindingSpec, ...]
    no_finding: str | None = None  # the finding that says that there is none, as CheXpert's "No Finding"

    def __post_init__(self) -> None:
        names = self.names
        if not names:
            raise SchemaError(f"schema {self.name!r} has no findings")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise SchemaError(f"schema {self.name!r} names these findings more than once: {', '.join(repeated)}")
        if self.no_finding is not None and self.no_finding not in names:
            raise SchemaError(
                f"schema {self.name!r}: no_finding is {self.no_finding!r}, which is not one of its findings"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the findings, in order."""
        return tuple(finding.name for finding in self.findings)

    def __getitem__(self, name: str) -> FindingSpec:
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise SchemaError(f"schema {self.name!r} has no finding {name!r}; it has: {', '.join(self.names)}")

    def select(self, names: Iterable[str], *, name: str) -> LabelSchema:
        """The schema of some of the findings, in the given order."""
        findings = tuple(self[finding] for finding in names)
        no_finding = self.no_finding if any(f.name == self.no_finding for f in findings) else None
        return LabelSchema(name, findings, no_finding)

    def to_json(self) -> str:
        """Canonical JSON: the same schema gives the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> LabelSchema:
        """Inverse of `to_json`."""
        data = json.loads(text)
        findings = tuple(
            FindingSpec(
                name=item["name"],
                title=item["title"],
                states=tuple(LabelState(state) for state in item["states"]),
                aliases=tuple(item["aliases"]),
                laterality=item["laterality"],
            )
            for item in data["findings"]
        )
        return cls(data["name"], findings, data["no_finding"])

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


AttributeStatus = Literal["answered", "not_stated", "not_applicable", "invalid", "missing", "failed", "skipped"]
"""What is known of an attribute: only `answered` has a value. The last four are as in `LabelState`; `not_stated` is
null in the answer, and `not_applicable` belongs to states in which the attribute is not asked."""


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """What an answer says of one attribute of a finding."""

    name: str
    status: AttributeStatus
    value: str | float | tuple[str | float, ...] | None = None  # as the region spells it, in the first unit
    unit: str | None = None
    written: str | None = None  # what the answer has, whatever the status


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of a label table: the state of one finding in one report, and where it came from."""

    report_id: str
    finding: str
    state: LabelState
    p_positive: float | None = None  # probabilities are None unless they were measured
    p_negative: float | None = None
    p_uncertain: float | None = None
    evidence: str | None = None  # words of the report
    evidence_found: bool | None = None  # whether those words are in the report
    repair: str | None = None  # how the answer was mended, or why there is none
    labeler: str = ""
    attributes: tuple[AttributeValue, ...] = ()  # empty where none are asked


CELL_FIELDS = tuple(field.name for field in fields(Cell))


@dataclass(frozen=True, slots=True)
class Projection:
    """A map of the four label states onto fewer; ``None`` masks a cell."""

    name: str
    states: Mapping[LabelState, LabelState | None]


def _projection(name: str, *, uncertain: LabelState | None, not_mentioned: LabelState | None) -> Projection:
    return Projection(
        name,
        {
            LabelState.POSITIVE: LabelState.POSITIVE,
            LabelState.NEGATIVE: LabelState.NEGATIVE,
            LabelState.UNCERTAIN: uncertain,
            LabelState.NOT_MENTIONED: not_mentioned,
        },
    )


PROJECTIONS: Mapping[str, Projection] = {
    projection.name: projection
    for projection in (
        _projection("four_states", uncertain=LabelState.UNCERTAIN, not_mentioned=LabelState.NOT_MENTIONED),
        _projection("not_mentioned_is_negative", uncertain=LabelState.UNCERTAIN, not_mentioned=LabelState.NEGATIVE),
        _projection("uncertain_is_positive", uncertain=LabelState.POSITIVE, not_mentioned=LabelState.NEGATIVE),
        _projection("uncertain_is_negative", uncertain=LabelState.NEGATIVE, not_mentioned=LabelState.NEGATIVE),
        _projection("uncertain_is_masked", uncertain=None, not_mentioned=LabelState.NEGATIVE),
    )
}
