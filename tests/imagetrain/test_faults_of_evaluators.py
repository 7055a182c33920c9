"""What was found wrong, for findings with few or no positives, in what others evaluate with; see docs/compared.md.

If one of these fails after an update, the tool has mended it, and the page should say so.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.records import Predictions


def made_of(labels: list[list[float]], logits: list[list[float]]) -> Predictions:
    n = len(labels)
    names = tuple(f"s{i}" for i in range(n))
    findings = tuple("ab"[: len(labels[0])])
    values = np.array(logits, dtype=np.float32), np.array(labels, dtype=np.float32)
    return Predictions(names, names, ("x",) * n, ("test",) * n, findings, *values)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_has_an_average_precision_of_0_where_there_is_no_positive() -> None:
    from sklearn.metrics import average_precision_score

    assert average_precision_score([0, 0], [0.1, 0.2]) == 0


@pytest.mark.filterwarnings("ignore")
def test_a_macro_auroc_of_monai_is_lost_with_one_label_of_one_class() -> None:
    from monai.metrics import compute_roc_auc

    scores, labels = torch.tensor([[0.1, 0.3], [0.9, 0.2]]), torch.tensor([[0, 0], [1, 0]])
    assert np.isnan(compute_roc_auc(scores, labels, average="macro"))


def test_here_a_label_of_one_class_has_no_number_and_takes_none_from_the_others() -> None:
    run = made_of([[0, 0], [1, 0], [0, 0], [1, 0]], [[0.1, 0.3], [0.9, 0.2], [0.2, 0.1], [0.4, 0.5]])
    metrics = evaluate({"run": run}, options=Options(min_positives=1, resamples=20)).metrics
    first, second = metrics["results"]
    assert first["auroc"]["value"] == 1
    assert second["auroc"]["value"] is None and second["average_precision"]["value"] is None
    macro = metrics["macro"][0]
    assert (macro["auroc"]["value"], macro["n_findings"]) == (1, 1)
    assert macro["excluded"] == [{"finding": "b", "n_positive": 0, "reason": "no positives"}]
