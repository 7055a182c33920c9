"""The finished agreement: labelers against a reference, with everything that its numbers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.numbers import Measured, Number
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.labels import LabelState


@dataclass(frozen=True, slots=True)
class MatchedFinding:
    """One finding of the comparison: its column in each table, and why they are the same finding."""

    name: str  # as in the reference
    columns: Mapping[str, str]  # table -> its own name of the finding
    how: Literal["same name", "alias", "declared"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A finding of a table that is not compared, and why."""

    table: str
    finding: str
    reason: str


@dataclass(frozen=True, slots=True)
class Matching:
    """How tables of different schemas were made comparable.

    `states` are the labels that each table can have, `no_finding_states` those of the finding that says that there is
    none, where it is compared; `n_reports_only` counts the reports of each table that not all tables have, and
    `metadata` names the columns of the reference that are no findings.
    """

    findings: tuple[MatchedFinding, ...]
    left_out: tuple[LeftOut, ...]
    states: Mapping[str, tuple[LabelState, ...]]
    n_reports_only: Mapping[str, int]
    no_finding_states: Mapping[str, tuple[LabelState, ...]] = field(default_factory=dict)
    metadata: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Reports that have something in common, such as ``site=north`` or ``length=short``."""

    name: str
    n_reports: int
    says: str  # such as "up to 41 words"
    measured: Measured


@dataclass(frozen=True, slots=True)
class Cost:
    """What a labeler's table cost, from its manifest; None where the manifest does not say.

    `says` is what the minutes are of, or why there are none.
    """

    labeler: str
    n_reports: int
    minutes_per_1000: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    usd: float | None
    n_failed: int | None
    failures: Mapping[str, int]
    says: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Labelers against a reference.

    Attributes
    ----------
    definitions:
        Reported in detail; the first is the headline.
    overview:
        Reported over all findings alone.
    refused:
        Definitions whose numbers would mislead here, and why.
    unit:
        What the bootstrap resamples.
    """

    reference: str
    cells: Cells
    matching: Matching
    definitions: tuple[Definition, ...]
    overview: tuple[Definition, ...]
    refused: Mapping[str, str]
    bootstrap: Bootstrap
    unit: Literal["patient", "report"]
    measured: Measured
    groups: tuple[Group, ...] = ()
    costs: tuple[Cost, ...] = ()

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Every number, those of all reports first."""
        return (*self.measured.numbers, *(number for group in self.groups for number in group.measured.numbers))
