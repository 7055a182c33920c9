"""MixUp and CutMix for many labels of which some are not known: each study its own share and its own partner.

MixUp (Zhang et al. 2018, arXiv 1710.09412) blends two images, CutMix (Yun et al. 2019, arXiv 1905.04899) cuts a box of
one into the other; the targets are mixed by the same shares. Nothing waits for the device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from imagetrain.recipe import Mix


class Mixed(NamedTuple):
    """A batch: images and, cell by cell, what they are told and how much it counts."""

    images: torch.Tensor  # float (n, n_views, size, size)
    present: torch.Tensor  # bool (n, n_views)
    values: torch.Tensor  # (n, n_findings) in [0, 1]; 0 where the weight is 0
    weights: torch.Tensor  # (n, n_findings) in [0, 1]


class Mixture(NamedTuple):
    """What was drawn for each of n studies."""

    partner: torch.Tensor  # int64 (n,): the study that comes in
    own: torch.Tensor  # (n,) share of the study itself, 1 where it is not mixed; of a box, before it is rounded
    is_cut: torch.Tensor  # bool (n,): a box comes in, not a blend
    centre: torch.Tensor  # (n, 2) of the box, down and to the right, in shares of the side


def mix(
    images: torch.Tensor,
    present: torch.Tensor,
    values: torch.Tensor,
    weights: torch.Tensor,
    settings: Mix,
    generator: torch.Generator,
) -> Mixed:
    """Mix each study with another one of the batch that has the same views.

    Parameters
    ----------
    images:
        float ``(n, n_views, size, size)``.
    present:
        bool ``(n, n_views)``: which views a study has.
    values, weights:
        ``(n, n_findings)``: targets, and how much each counts.
    generator:
        On the device of the images; the same state gives the same result.
    """
    if not settings.on:
        return Mixed(images, present, values, weights)
    return apply_mixture(images, present, values, weights, draw_mixture(present, settings, generator))


def draw_mixture(present: torch.Tensor, settings: Mix, generator: torch.Generator) -> Mixture:
    """Draw partners, shares and boxes for studies with these views, on the generator's device."""
    n, device = len(present), generator.device

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    def beta(alpha: float) -> torch.Tensor:
        # In double precision: at small alphas, both gamma variates that a share is made of may be 0 in float32.
        parameters = torch.full((n, 2), alpha or 1.0, dtype=torch.float64, device=device)
        return torch._sample_dirichlet(parameters, generator=generator)[:, 0].float()

    partner = _partners(present, uniform(n))
    is_mixed, picks_cut = uniform(n) < settings.probability, uniform(n) < 0.5
    blend, cut, centre = beta(settings.mixup), beta(settings.cutmix), uniform(n, 2)
    if not (settings.mixup and settings.cutmix):
        picks_cut = torch.full_like(picks_cut, settings.cutmix > 0)
    own = torch.where(is_mixed, torch.where(picks_cut, cut, blend), 1.0)
    return Mixture(partner, own, is_mixed & picks_cut, centre)


def apply_mixture(
    images: torch.Tensor, present: torch.Tensor, values: torch.Tensor, weights: torch.Tensor, mixture: Mixture
) -> Mixed:
    """Mix images as drawn, and targets by the shares of pixels that come of it.

    A label that only one of the two studies has counts by that study's share: with a loss that is linear in its
    target, a mixed cell costs what the two labels cost, each by share, without the unknown one.
    """
    partner, own = mixture.partner, mixture.own
    is_inside = _boxes(mixture, images.shape[-1])  # (n, size, size)
    kept = torch.where(
        mixture.is_cut[:, None, None], (~is_inside).to(images.dtype), own.to(images.dtype)[:, None, None]
    )
    mixed = torch.lerp(images[partner], images, kept[:, None])
    share = torch.where(mixture.is_cut, 1 - is_inside.float().mean(dim=(1, 2)), own)[:, None]
    mine, other = share * weights, (1 - share) * weights[partner]
    total = mine + other
    blended = (mine * values + other * values[partner]) / torch.where(total > 0, total, 1)
    return Mixed(mixed, present, blended, total)


def _partners(present: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """A partner with the same views for each study: a random circle through all studies that have them.

    So every study comes in once, and none into itself unless no other has its views.
    """
    bits = 2 ** torch.arange(present.shape[1], device=present.device)
    views = (present.long() * bits).sum(dim=1)
    order = torch.argsort(views.double() + chance.double())
    sorted_views = views[order]
    place = torch.arange(len(order), device=order.device)
    first = torch.searchsorted(sorted_views, sorted_views)  # of the studies with the same views
    follows = torch.cat([sorted_views[1:] == sorted_views[:-1], torch.zeros_like(sorted_views[:1], dtype=torch.bool)])
    after = torch.where(follows, place + 1, first)
    return torch.empty_like(order).scatter_(0, order, order[after])


def _boxes(mixture: Mixture, size: int) -> torch.Tensor:
    """Which pixels come from the partner, bool ``(n, size, size)``: whole pixels, cut off at the border."""
    side = torch.sqrt(1 - mixture.own)[:, None] * size
    start = torch.round(mixture.centre * size - side / 2).clamp(0, size)
    stop = torch.round(mixture.centre * size + side / 2).clamp(0, size)
    pixel = torch.arange(size, device=side.device)
    within = (pixel >= start[:, :, None]) & (pixel < stop[:, :, None])  # (n, 2, size)
    return within[:, 0, :, None] & within[:, 1, None, :] & mixture.is_cut[:, None, None]
