"""A linear network trained in plain loops and double precision, from the batches that it is fed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Cost = Callable[[float, float, int], float]  # of a logit, its target and its finding


class Fed(NamedTuple):
    """A batch: inputs ``(n, n_inputs)``; values and weights ``(n, n_findings)``."""

    inputs: Numbers
    values: Numbers
    weights: Numbers


class Settings(NamedTuple):
    """What of a recipe a linear network needs."""

    optimiser: str
    rate: float
    decay: float
    momentum: float
    clip_norm: float | None
    n_steps: int
    n_warm: float
    ema_decay: float
    drop: tuple[float, float]  # shares of positives and negatives
    n_warm_drop: float


class Trained(NamedTuple):
    """After each step: loss, rate, last and averaged weights ``(n_findings, n_inputs + 1)``, the bias last."""

    losses: list[float]
    rates: list[float]
    last: list[Numbers]
    averaged: list[Numbers]


def train(weights: Numbers, steps: Sequence[Sequence[Fed]], cost: Cost, settings: Settings) -> Trained:
    """Take steps, each with the gradient of the mean cost over the cells that count in all of its batches."""
    weights, averaged = weights.copy(), weights.copy()
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    decayed = np.ones_like(weights)
    decayed[:, -1] = 0
    done = Trained([], [], [], [])
    for step, batches in enumerate(steps):
        rate = rate_at(step, settings)
        total, count, gradient = 0.0, 0.0, np.zeros_like(weights)
        for batch in batches:
            inputs = np.column_stack([batch.inputs, np.ones(len(batch.inputs))])
            logits = inputs @ weights.T
            costs, slopes = _costs(logits, batch.values, cost)
            counted = _kept(costs, batch, settings, step)
            total, count = total + (costs * counted).sum(), count + counted.sum()
            gradient += (slopes * counted).T @ inputs
        gradient /= count
        norm = math.sqrt((gradient**2).sum())
        if settings.clip_norm is not None and norm > settings.clip_norm:
            gradient *= settings.clip_norm / norm
        if settings.optimiser == "adamw":
            first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
            root = np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8
            weights = weights * (1 - rate * settings.decay * decayed) - rate * first / (1 - 0.9 ** (step + 1)) / root
        elif settings.optimiser == "lion":
            sign = np.sign(0.9 * first + 0.1 * gradient)
            weights = weights * (1 - rate * settings.decay * decayed) - rate * sign
            first = 0.99 * first + 0.01 * gradient
        else:
            gradient = gradient + settings.decay * decayed * weights
            first = settings.momentum * first + gradient
            weights = weights - rate * (gradient + settings.momentum * first)
        keep = min(settings.ema_decay, 1 - step ** (-2 / 3)) if step > 1 else 0.0
        averaged = keep * averaged + (1 - keep) * weights
        for record, value in zip(done, (total / count, rate, weights, averaged), strict=True):
            record.append(value)
    return done


def rate_at(step: int, settings: Settings) -> float:
    """A straight line over the warm-up, then half a cosine."""
    if step < settings.n_warm:
        return settings.rate * (step + 1) / (settings.n_warm + 1)
    return settings.rate * (1 + math.cos(math.pi * (step - settings.n_warm) / (settings.n_steps - settings.n_warm))) / 2


def _costs(logits: Numbers, values: Numbers, cost: Cost) -> tuple[Numbers, Numbers]:
    costs, slopes, small = np.zeros_like(logits), np.zeros_like(logits), 1e-5
    for cell in np.ndindex(*logits.shape):
        at, value = float(logits[cell]), float(values[cell])
        costs[cell] = cost(at, value, cell[1])
        slopes[cell] = (cost(at + small, value, cell[1]) - cost(at - small, value, cell[1])) / (2 * small)
    return costs, slopes


def _kept(costs: Numbers, batch: Fed, settings: Settings, step: int) -> Numbers:
    counted = batch.weights.copy()
    risen = min(1.0, step / settings.n_warm_drop) if settings.n_warm_drop else 1.0
    for finding in range(costs.shape[1]):
        for is_class, share in zip((batch.values > 0.5, batch.values <= 0.5), settings.drop, strict=True):
            cells = [i for i in range(len(costs)) if is_class[i, finding] and batch.weights[i, finding] > 0]
            cells.sort(key=lambda i: -costs[i, finding])
            for i in cells[: int(len(cells) * share * risen + 1e-6)]:
                counted[i, finding] = 0
    return counted
