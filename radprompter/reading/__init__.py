"""Reports read by people: a sample drawn, sheets written and read back, and a reference made of them.

The way of the data: `stratify` -> `draw_reports` -> `Sample`.
"""

from __future__ import annotations

from radprompter.reading.drawing import DrawnReport, Stratum, draw, draw_reports
from radprompter.reading.sample import Sample, Weight, assign, drawn_before
from radprompter.reading.strata import Strata, stratify

__all__ = [
    "DrawnReport", "Sample", "Strata", "Stratum", "Weight", "assign", "draw", "draw_reports", "drawn_before",
    "stratify",
]  # fmt: skip
