"""What the columns of tables of scores are called."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from radprompter.typed_yaml import Section


class ScoreColumns(Section):
    """What the columns of tables of scores are called; optional ones are read where they are there."""

    study: str = "study_id"
    patient: str | None = Field(
        None, description="null: patient_id; where there is none, each study is a patient of its own"
    )
    site: str | None = Field(None, description="null: site; where there is none, all studies are of one site")
    part: str | None = Field(
        None,
        description="column with train, validation, test or external; null: part or split; where there is none, all "
        "studies are tested",
    )
    findings: tuple[str, ...] | None = Field(None, description="null: all that have a column of scores")
    label: str = Field("{finding}", description="column with a finding's labels: 1, 0 or blank")
    score: str | None = Field(
        None, description="column with a finding's scores; null: {finding} with _logit, _probability or _score"
    )
    scale: Literal["logit", "probability", "score"] | None = Field(
        None, description="what the scores are; score: any number that is higher where a finding is likelier"
    )

    @field_validator("label", "score")
    @classmethod
    def _of_each_finding(cls, column: str | None) -> str | None:
        if column is not None and column.count("{finding}") != 1:
            raise ValueError(f"expected a name with {{finding}} in it, once, found {column!r}")
        return column

    @model_validator(mode="after")
    def _has_scale(self) -> ScoreColumns:
        if self.score is not None and self.scale is None:
            raise ValueError("say in `scale` what the scores are: logit, probability, or score for anything else")
        return self
