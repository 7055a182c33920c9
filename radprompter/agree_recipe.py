"""The `agree` section of a recipe: what labels are held against, and by which definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from radprompter.labels import LABELS, LabelState
from radprompter.typed_yaml import Section

INSTEAD_OF_PROJECTION = {
    "four_states": "cell_accuracy",
    "not_mentioned_is_negative": "absent_macro",
    "uncertain_is_masked": "definite_reference",
}
"""What an older recipe's `projection` is called as a definition, where the names differ."""


class AgreeRecipe(Section):
    """The `agree` section: label tables held against a reference."""

    reference: Path = Field(description="CSV with one column a finding (states or CheXpert codes), or a labels.parquet")
    id: str | None = Field(
        None, description="column of the reference with the report's id; report_id or study_id if null"
    )
    match: dict[str, str] = Field(
        default_factory=dict, description="findings that are the same: name in the labels -> name in the reference"
    )
    reference_states: tuple[LabelState, ...] = Field(
        (), description="labels that a CSV reference can have, where it does not show all of them"
    )
    blank: Literal["not_mentioned", "no_label"] | None = Field(
        None, description="what an empty cell of a CSV is: not_mentioned, or no_label where nobody read the report"
    )
    definitions: tuple[str, ...] = Field(
        (),
        description="definitions whose numbers are reported for each finding, the headline first; "
        "uncertain_is_negative and cell_accuracy, where they fit, if empty",
    )
    least_support: int | None = Field(
        None, ge=0, description="cells of a state that the reference must have for its score to count in a mean"
    )
    by: tuple[str, ...] = Field(
        (), description="columns of the reference or the reports whose values are groups, and `length`"
    )
    also: dict[str, Path] = Field(
        default_factory=dict, description="more labelers of the same reports: name -> labels.parquet or CSV"
    )
    patient: str | None = Field(
        None,
        description="column with the patient, who is resampled as a whole; patient_id if null and there is one; "
        "`none`: reports are resampled",
    )
    rounds: int = Field(1000, ge=0, le=100_000, description="resamples of the bootstrap; 0: no intervals")
    seed: int = Field(7, ge=0, description="the same seed draws the same resamples")
    level: float = Field(0.95, gt=0, lt=1, description="level of the intervals")
    mcnemar: Literal["auto", "exact", "mid_p", "chi_squared", "chi_squared_corrected"] = Field(
        "auto", description="method of McNemar's test of two labelers; auto: exact below 25 discordant pairs"
    )
    wilcoxon: Literal["auto", "exact", "normal_approximation"] = Field(
        "auto",
        description="method of Wilcoxon's test over findings; auto: as SciPy chooses; what was taken is recorded",
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="adjusted p values up to it are called significant")
    reports: Path | None = Field(
        None, description="table with more columns of the reports, and their texts; that of the `label` section if null"
    )
    page: bool = Field(True, description="write page.html, which has no word of any report")

    @model_validator(mode="before")
    @classmethod
    def _no_projection(cls, data: Any) -> Any:
        if isinstance(data, dict) and "projection" in data:
            named = str(data["projection"])
            name = INSTEAD_OF_PROJECTION.get(named, named)
            raise ValueError(
                f"agree.projection is replaced by definitions, which also say the average; "
                f"instead of `projection: {named}` write `definitions: [{name}]`"
            )
        return data

    @field_validator("definitions", "by", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("reference_states")
    @classmethod
    def _only_labels(cls, states: tuple[LabelState, ...]) -> tuple[LabelState, ...]:
        strangers = [str(state) for state in states if state not in LABELS]
        if strangers:
            raise ValueError(f"{', '.join(strangers)}: no label; expected some of {', '.join(LABELS)}")
        return states
