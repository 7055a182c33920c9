"""Labels that look wrong are left out: of each batch, those that cost the network most (small-loss selection).

A network learns what labels have in common before it learns single wrong ones (Arpit et al. 2017, arXiv 1706.05394),
so after some epochs a wrong label costs more than right ones. Positives are compared with positives of the same
finding and negatives with negatives: among all labels together, the most expensive ones are those of the rarer class,
right or wrong, and a rare finding would lose its positives first.
"""

from __future__ import annotations

import torch
from torch import nn

from imagetrain.recipe import Noise


def kept(cells: torch.Tensor, values: torch.Tensor, weights: torch.Tensor, shares: tuple[float, float]) -> torch.Tensor:
    """The weights, 0 where a cell costs too much for its finding and class.

    Parameters
    ----------
    cells:
        ``(n, n_findings)``: what each cell costs; or ``(2, n, n_findings)`` of two networks, each of which chooses for
        the other one.
    values, weights:
        ``(n, n_findings)``; a target above 0.5 is of the positive class. Cells of weight 0 are not compared.
    shares:
        Of the positive and of the negative cells: how many are left out, rounded down. So a class that has fewer cells
        in a batch than 1 / share loses none: what nothing can be compared with is not called wrong.
    """
    weights, cells = weights.expand_as(cells), cells.flip(0) if cells.ndim == 3 else cells
    for is_class, share in zip((values > 0.5, values <= 0.5), shares, strict=True):
        is_compared = is_class & (weights > 0) & torch.isfinite(cells)  # what is no number must not go unseen
        costs = torch.where(is_compared, cells, -torch.inf)
        place = costs.argsort(dim=-2, descending=True, stable=True).argsort(dim=-2)
        n_left_out = (is_compared.sum(dim=-2, keepdim=True) * share + 1e-6).floor()
        weights = torch.where(is_compared & (place < n_left_out), 0, weights)
    return weights


def left_out_shares(noise: Noise, step: int, steps_per_epoch: int) -> tuple[float, float]:
    """The shares of positives and negatives that are left out at a step: from 0 up to the recipe's over the warm-up.

    Linear in the step, as R(T) is in the epoch (Han et al. 2018, arXiv 1804.06872, algorithm 1 with c = 1).
    """
    n_steps = noise.warmup_epochs * steps_per_epoch
    done = min(1.0, step / n_steps) if n_steps > 0 else 1.0
    return noise.drop_positives * done, noise.drop_negatives * done


class CoTaught(nn.Module):
    """Two networks, each of which says what the other one learns from (co-teaching, Han et al. 2018).

    A network that chooses by its own losses keeps the wrong labels that it has already learned; another network, from
    another start, has learned others. In evaluation this is the first network.
    """

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, images: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        """Logits of both networks ``(2, n, n_findings)`` in training, of the first ``(n, n_findings)`` otherwise."""
        if not self.training:
            logits: torch.Tensor = self.first(images, present)
            return logits
        return torch.stack([self.first(images, present), self.second(images, present)])
