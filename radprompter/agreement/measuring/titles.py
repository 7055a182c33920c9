"""What measures are called where people read them."""

from __future__ import annotations

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "f1": "F1",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "weighted_f1": "Weighted F1",
    "same": "Same label",
    "report_accuracy": "Reports with every cell right",
    "errors_per_report": "Wrong cells per report",
    "uncertain_reports_reference": "Reports with a doubt, reference",
    "uncertain_reports_labeler": "Reports with a doubt, labeler",
    "uncertainty_capture": "Doubtful reports found doubtful",
}
"""Names of measures, as headings have them."""
