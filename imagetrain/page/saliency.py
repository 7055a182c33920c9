"""The page of saliency maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from radprompter.pages import render_page

TEMPLATE = Path(__file__).parent / "saliency.html.jinja"


class Picture(NamedTuple):
    """One study on the page."""

    study_id: str
    probability: float
    target: float  # 1, 0, a soft target between them, or NaN if it is not known
    source: str  # of the image: a data URI

    @property
    def label(self) -> str:
        """What the label says, in a word."""
        if math.isnan(self.target):
            return "not known"
        return {1.0: "positive", 0.0: "negative"}.get(self.target, f"{self.target:.2f}")


def render_saliency(pictures: Sequence[Picture], *, finding: str, run: str, model: str, views: Sequence[str]) -> str:
    """One self-contained HTML page of pictures, in their order."""
    return render_page(TEMPLATE, pictures=pictures, finding=finding, run=run, model=model, views=views)
