"""Made-up predictions: binormal scores of known separation, for tests that need a whole run."""

from __future__ import annotations

import numpy as np

from imagetrain.records import Predictions

FINDINGS = ("fracture", "effusion", "dislocation", "foreign_body", "osteopenia")
SHARES = (0.35, 0.25, 0.12, 0.02, 0.0)
SEPARATION = (2.4, 1.6, 2.0, 1.0, 0.0)


def make_predictions(
    *, seed: int = 0, shift: float = 0.0, n_internal: int = 400, n_external: int = 240, truth_seed: int = 7
) -> Predictions:
    """One run: site alpha in train, validation and test, site beta external; two studies a patient.

    `seed` draws the scores, `truth_seed` the studies and labels, `shift` is added to the separation of the classes.
    """
    n = n_internal + n_external
    truth = np.random.default_rng(truth_seed)
    targets = (truth.random((n, len(FINDINGS))) < SHARES).astype(np.float32)
    noise = np.random.default_rng(seed).normal(size=targets.shape) + truth.normal(size=targets.shape)
    outside = np.arange(n) >= n_internal
    separation = (np.array(SEPARATION) + shift) * np.where(outside, 0.8, 1.0)[:, None]
    logits = (noise / np.sqrt(2) + separation * targets - 1).astype(np.float32)
    patients = tuple(f"{'b' if i >= n_internal else 'a'}{i // 2}" for i in range(n))
    cuts = ((0.5, "train"), (0.65, "validation"), (2, "test"))
    parts = tuple(
        "external" if i >= n_internal else next(part for cut, part in cuts if i < cut * n_internal) for i in range(n)
    )
    sites = tuple("beta" if i >= n_internal else "alpha" for i in range(n))
    return Predictions(tuple(f"s{i}" for i in range(n)), patients, sites, parts, FINDINGS, logits, targets)


def two_runs() -> dict[str, Predictions]:
    """An inclusive and a slightly worse exclusive run on the same studies."""
    return {"inclusive": make_predictions(seed=1), "exclusive": make_predictions(seed=2, shift=-0.3)}
