"""How far two or many raters agree: chance-corrected coefficients from ratings or label tables."""

from __future__ import annotations

from radprompter.agreement.raters.coefficients import COEFFICIENTS, Coefficient, Reason, coefficient
from radprompter.agreement.raters.panel import Panel, join, rate
from radprompter.agreement.raters.ratings import Ratings
from radprompter.agreement.raters.results import RaterAgreement, assess
from radprompter.agreement.raters.weights import WEIGHTS, krippendorff_ordinal, weigh

__all__ = [
    "COEFFICIENTS", "WEIGHTS", "Coefficient", "Panel", "RaterAgreement", "Ratings", "Reason", "assess", "coefficient",
    "join", "krippendorff_ordinal", "rate", "weigh",
]  # fmt: skip
