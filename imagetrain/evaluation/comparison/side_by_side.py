"""Only the comparisons of an evaluation: runs of any origin on the same studies, each at its own frozen thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.bootstrap import Counts, in_threads, replicate
from imagetrain.evaluation.comparison.calls import compare_calls
from imagetrain.evaluation.comparison.families import Rules, Scored, compare_runs
from imagetrain.evaluation.frozen import freeze_thresholds
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.report import resample_set
from imagetrain.evaluation.testsets import evaluation_sets, validation_predictions
from imagetrain.records import Predictions
from radprompter.terminal import Track, quiet


def compare_predictions(runs: Mapping[str, Predictions], options: Options, *, track: Track = quiet) -> dict[str, Any]:
    """The families of paired tests that `report.evaluate` has, with the sets that they are on.

    Parameters
    ----------
    runs:
        Name -> predictions of the same tested studies; validation studies, which thresholds come from, may differ.
    """
    sets, validation = evaluation_sets(runs), validation_predictions(runs)
    rules = Rules(options.min_positives, options.alpha, Definitions(options))
    scored: dict[str, dict[str, Scored]] = {one.key: {} for one in sets}
    cuts: dict[str, dict[str, Floats]] = {one.key: {} for one in sets}
    counts = {one.key: resample_set(one, options) for one in sets}
    for one, run in track([(one, run) for one in sets for run in runs], "compare"):
        tested, drawn = one.predictions[run], counts[one.key]
        frozen = freeze_thresholds(validation[run], tested, wanted_sensitivity=options.wanted_sensitivity)
        scored[one.key][run] = Scored(tested, drawn, _aurocs(tested, drawn))
        cuts[one.key][run] = np.stack([threshold.cuts for threshold in frozen], axis=1)
    return {
        "sets": [one.describe() for one in sets],
        "comparisons": {"runs": compare_runs(scored, rules), "calls": compare_calls(scored, cuts, rules)},
    }


def _aurocs(tested: Predictions, drawn: Counts) -> Floats:
    """Of each resample and finding, ``(n_resamples, n_findings)``."""

    def one(f: int) -> Floats:
        return replicate(tested.targets[:, f], tested.logits[:, f], drawn).auroc

    return np.stack(in_threads(one, range(len(tested.findings))), axis=1)
