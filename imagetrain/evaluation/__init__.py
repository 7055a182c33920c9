"""Predictions to evaluation: numpy and scipy only, no torch.

In the order of the flow: `testsets` (which studies); `auroc`, `delong`, `intervals`, `bootstrap`, `permutation`,
`thresholds`, `calibration`, `recalibration`, `decision` (one finding at a time, arrays in, numbers out); `finding` and
`report` (every number with its interval and words); `subgroups`, `shift`; `comparison` (runs and sites against each
other); `matrix` (runs against references); `studies` (several evaluations side by side); `sizes` (before any of it).

What a notebook needs is here: one finding's functions take labels (1, 0, NaN) and scores as arrays of any kind;
`evaluate` takes whole `Predictions`. What is slow to import is imported on use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from imagetrain.evaluation.auroc import auroc, average_precision, precision_recall_curve, roc_curve
from imagetrain.evaluation.delong import delong, paired_test, unpaired_test
from imagetrain.records import EvaluationReport, Predictions
from imagetrain.scales import logits_of

if TYPE_CHECKING:
    from imagetrain.evaluation.bootstrap import patient_counts, replicate
    from imagetrain.evaluation.calibration import (
        brier_score,
        calibration_curve,
        calibration_error,
        calibration_in_the_large,
        calibration_line,
    )
    from imagetrain.evaluation.decision import decision_curve
    from imagetrain.evaluation.intervals import auroc_score_interval
    from imagetrain.evaluation.numbers import Options
    from imagetrain.evaluation.permutation import permutation_test
    from imagetrain.evaluation.recalibration import Method, recalibrate
    from imagetrain.evaluation.report import evaluate
    from imagetrain.evaluation.sizes import power_of_difference, studies_for_power, studies_for_width
    from imagetrain.evaluation.thresholds import at_threshold, with_sensitivity, youden

__all__ = [
    "EvaluationReport",
    "Method",
    "Options",
    "Predictions",
    "at_threshold",
    "auroc",
    "auroc_score_interval",
    "average_precision",
    "brier_score",
    "calibration_curve",
    "calibration_error",
    "calibration_in_the_large",
    "calibration_line",
    "decision_curve",
    "delong",
    "evaluate",
    "logits_of",
    "paired_test",
    "patient_counts",
    "permutation_test",
    "power_of_difference",
    "precision_recall_curve",
    "recalibrate",
    "replicate",
    "roc_curve",
    "studies_for_power",
    "studies_for_width",
    "unpaired_test",
    "with_sensitivity",
    "youden",
]

_HOMES = {
    "auroc_score_interval": "intervals",
    "patient_counts": "bootstrap",
    "replicate": "bootstrap",
    "permutation_test": "permutation",
    "at_threshold": "thresholds",
    "with_sensitivity": "thresholds",
    "youden": "thresholds",
    "brier_score": "calibration",
    "calibration_curve": "calibration",
    "calibration_error": "calibration",
    "calibration_in_the_large": "calibration",
    "calibration_line": "calibration",
    "Method": "recalibration",
    "recalibrate": "recalibration",
    "decision_curve": "decision",
    "power_of_difference": "sizes",
    "studies_for_power": "sizes",
    "studies_for_width": "sizes",
    "Options": "numbers",
    "evaluate": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
