"""Any timm network as a multi-label classifier of one or two views."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from radprompter.errors import InputError, RecipeError

MissingViews = Literal["require", "embed", "mask"]


class ViewClassifier(nn.Module):
    """One network a view, their features concatenated, one linear layer to a logit a finding.

    Radiographs have one channel. Two views have separate networks, since what an AP image shows where a lateral one
    shows something else should not share a filter.

    Parameters
    ----------
    missing_views:
        What stands for the features of a view that a study does not have: a learned vector (`embed`), or nothing, and
        the other views' features count for it (`mask`). With `require` a study that lacks a view has logits of NaN.
    """

    def __init__(
        self,
        backbones: Sequence[nn.Module],
        n_features: int,
        n_findings: int,
        *,
        missing_views: MissingViews = "require",
    ) -> None:
        super().__init__()
        self.backbones = nn.ModuleList(backbones)
        self.head = nn.Linear(n_features * len(backbones), n_findings)
        self.missing_views = missing_views
        if missing_views == "embed":
            self.absent = nn.Parameter(torch.zeros(len(backbones), n_features))

    def forward(self, images: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        """Logits ``(n, n_findings)`` of images ``(n, n_views, size, size)`` in [-1, 1].

        `present` is bool ``(n, n_views)``; None means that all views are there. Pixels of absent views change nothing.
        """
        if present is not None and self.missing_views != "require":
            images = put_stand_ins(images, present)
        views = [backbone(images[:, view : view + 1]) for view, backbone in enumerate(self.backbones)]
        features = torch.stack(views, dim=1)  # (n, n_views, n_features)
        if present is not None and self.missing_views != "require":
            features = self._without_absent(features, present[:, :, None])
        logits: torch.Tensor = self.head(features.flatten(1))
        if present is not None and self.missing_views == "require":
            logits = logits.masked_fill(~present.all(1, keepdim=True), math.nan)
        return logits

    def _without_absent(self, features: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        if self.missing_views == "embed":
            return torch.where(present, features, self.absent.to(features.dtype))
        share = present.float().mean(1, keepdim=True)  # NaN logits where no view is there
        return (torch.where(present, features, 0) / share).to(features.dtype)


def put_stand_ins(images: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """In place of absent images ones of the same view that are there, so that batch normalisation sees real ones only.

    Where no study of the batch has a view, the first absent image stands for all. Shapes do not depend on `present`, so
    that a GPU is not waited for.
    """
    n = len(images)
    first_present = torch.argsort(~present, dim=0, stable=True)  # (n, n_views): studies that have the view come first
    n_present = present.sum(0).clamp(min=1)
    turn = torch.arange(n, device=images.device)[:, None] % n_present
    rows = torch.where(present, torch.arange(n, device=images.device)[:, None], first_present.gather(0, turn))
    return images[rows, torch.arange(images.shape[1], device=images.device)]


def build_model(
    name: str,
    *,
    n_views: int,
    n_findings: int,
    size: int,
    missing_views: MissingViews = "require",
    pretrained: bool | Path = False,
    prevalence: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> ViewClassifier:
    """A classifier on a timm network, with weights that depend on nothing but the seed (or the pretrained weights).

    Parameters
    ----------
    name:
        Any timm model, such as ``convnext_base`` or ``resnet50``.
    pretrained:
        True takes weights from the hub, a path from a local safetensors file; timm folds three channels into one.
    prevalence:
        ``(n_findings,)`` share of positives in training: where the output starts, which saves the first epochs.

    Raises
    ------
    RecipeError
        If timm does not know the model, or its weights cannot be had.
    """
    options = _options(name, size, pretrained)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbones = [_backbone(name, options) for _ in range(n_views)]
        model = ViewClassifier(backbones, _n_features(backbones[0], size), n_findings, missing_views=missing_views)
    with torch.no_grad():
        model.head.weight.mul_(0.1)
        share = np.full(n_findings, 0.5) if prevalence is None else np.clip(prevalence, 1e-3, 1 - 1e-3)
        model.head.bias.copy_(torch.as_tensor(np.log(share / (1 - share)), dtype=torch.float32))
    return model


def refuse_unknown_model(name: str) -> None:
    """Raise a `RecipeError` with the name that was probably meant, if timm has no such model."""
    import timm

    if name.startswith(("hf-hub:", "local-dir:")) or timm.is_model(name):
        return
    close = difflib.get_close_matches(name, timm.list_models(), n=3)
    meant = f"; did you mean {', '.join(map(repr, close))}?" if close else ""
    raise RecipeError(f"train.model: timm {timm.__version__} has no model {name!r}{meant}")


def _options(name: str, size: int, pretrained: bool | Path) -> dict[str, Any]:
    import timm

    refuse_unknown_model(name)
    options: dict[str, Any] = {"in_chans": 1, "num_classes": 0, "pretrained": bool(pretrained)}
    if isinstance(pretrained, Path):
        if not pretrained.is_file():
            raise RecipeError(f"train.pretrained: {pretrained}: no such file")
        if pretrained.suffix != ".safetensors":
            raise RecipeError(f"train.pretrained: {pretrained}: expected a .safetensors file; pickles are not loaded")
        options["pretrained_cfg_overlay"] = {"file": str(pretrained)}
    elif not name.startswith(("hf-hub:", "local-dir:")):
        config = timm.models.get_pretrained_cfg(name, allow_unregistered=True)
        if config is not None and config.fixed_input_size:  # transformers are built for one size
            options["img_size"] = size
    return options


def _backbone(name: str, options: dict[str, Any]) -> nn.Module:
    import timm

    try:
        backbone: nn.Module = timm.create_model(name, **options)
    except Exception as error:  # the hub, the network and safetensors raise many things
        if not options["pretrained"]:
            raise
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise RecipeError(f"train.pretrained: weights of {name!r} cannot be loaded: {reason}") from None
    return backbone


def _n_features(backbone: nn.Module, size: int) -> int:
    was_training = backbone.training
    backbone.eval()
    with torch.no_grad():
        features = backbone(torch.zeros(1, 1, size, size))
    backbone.train(was_training)
    if features.ndim != 2:
        raise RecipeError(f"train.model: expected one feature vector an image, found shape {tuple(features.shape[1:])}")
    return int(features.shape[1])


def to_arrays(model: nn.Module) -> dict[str, NDArray[Any]]:
    """Weights and buffers as arrays, for a file."""
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in model.state_dict().items()}


def load_model(
    name: str, weights: Mapping[str, NDArray[Any]], *, n_views: int, n_findings: int, size: int
) -> ViewClassifier:
    """A classifier with the weights of a file.

    Raises
    ------
    InputError
        If the weights do not fit the model.
    """
    model = build_model(name, n_views=n_views, n_findings=n_findings, size=size)
    try:
        model.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in weights.items()})
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise InputError(
            f"the weights do not fit {name!r}: {lines[1].strip() if len(lines) > 1 else lines[0]}"
        ) from None
    return model
