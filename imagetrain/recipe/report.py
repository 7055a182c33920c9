"""The `report` section: what is drawn for the page of an evaluation."""

from __future__ import annotations

from pydantic import Field

from radprompter.typed_yaml import Section


class SaliencyRecipe(Section):
    """Grad-CAM maps on the page: those of the studies with the highest scores in the test part."""

    findings: tuple[str, ...] = Field(min_length=1, description="which findings")
    n: int = Field(4, ge=1, description="studies a finding and run; the page shows the first four")
    runs: tuple[str, ...] | None = Field(None, description="which runs; null: all")


class ReportRecipe(Section):
    """The `report` section."""

    saliency: SaliencyRecipe | None = Field(None, description="null: the page shows maps that were drawn by hand")
