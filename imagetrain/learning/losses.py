"""Losses over targets of which some are not known."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def masked_bce(logits: torch.Tensor, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy averaged over the cells that count; 0 if none does.

    Parameters
    ----------
    logits, values:
        ``(n_studies, n_findings)``; values in [0, 1].
    mask:
        bool, same shape. Masked cells have no gradient, whatever their value.
    """
    losses = F.binary_cross_entropy_with_logits(logits, values, reduction="none")
    return torch.where(mask, losses, 0).sum() / mask.sum().clamp(min=1)
