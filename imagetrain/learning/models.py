"""Any timm network as a multi-label classifier of one or two views."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from imagetrain.learning.networks import build_network, input_scale, n_features
from radprompter.errors import InputError

ViewNetworks = Literal["separate", "shared"]
MissingViews = Literal["require", "embed", "mask"]


class Layout(NamedTuple):
    """How a classifier takes its images: with timm's name, views and findings, what its weights fit.

    Parameters
    ----------
    channels:
        3 repeats the grey image.
    view_networks:
        A network for each view, since what an AP image shows where a lateral one shows something else need not share a
        filter; or one for all.
    missing_views:
        What stands for the features of a view that a study does not have: a learned vector (`embed`), or nothing, and
        the other views' features count for it (`mask`). With `require` a study that lacks a view has logits of NaN.
    mean, std:
        Of each channel, on a scale of 0 to 1: pretrained weights get images on the scale that they were trained with.
        None leaves images in [-1, 1].
    """

    channels: Literal[1, 3] = 1
    view_networks: ViewNetworks = "separate"
    missing_views: MissingViews = "require"
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None


PLAIN = Layout()


class ViewClassifier(nn.Module):
    """One network a view or for all views, their features concatenated, one linear layer to a logit a finding."""

    def __init__(
        self,
        backbones: Sequence[nn.Module],
        n_features: int,
        n_findings: int,
        *,
        n_views: int | None = None,
        layout: Layout = PLAIN,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_views = len(backbones) if n_views is None else n_views
        self.layout = layout
        self.backbones = nn.ModuleList(backbones)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(n_features * self.n_views, n_findings)
        if layout.missing_views == "embed":
            self.absent = nn.Parameter(torch.zeros(self.n_views, n_features))

    def forward(self, images: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        """Logits ``(n, n_findings)`` of images ``(n, n_views, size, size)`` in [-1, 1].

        `present` is bool ``(n, n_views)``; None means that all views are there. Pixels of absent views change nothing.
        """
        missing = self.layout.missing_views
        if present is not None and missing != "require" and self.training:
            images = put_stand_ins(images, present)
        features = self.features(images)
        if present is not None and missing != "require":
            features = self._without_absent(features, present[:, :, None])
        logits: torch.Tensor = self.head(self.dropout(features.flatten(1)))
        if present is not None and missing == "require":
            logits = logits.masked_fill(~present.all(1, keepdim=True), math.nan)
        return logits

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Feature vectors ``(n, n_views, n_features)`` of images ``(n, n_views, size, size)``."""
        if self.layout.view_networks == "shared":
            n, n_views = images.shape[:2]
            every: torch.Tensor = self.backbones[0](self._to_channels(images.flatten(0, 1)[:, None]))
            return every.reshape(n, n_views, -1)
        views = [
            backbone(self._to_channels(images[:, view : view + 1])) for view, backbone in enumerate(self.backbones)
        ]
        return torch.stack(views, dim=1)

    def _to_channels(self, images: torch.Tensor) -> torch.Tensor:
        """Images ``(n, 1, size, size)`` in [-1, 1] with the channels and on the scale that the network takes."""
        layout = self.layout
        if layout.mean is None or layout.std is None:
            return images.expand(-1, layout.channels, -1, -1)
        parts = [((images + 1) / 2 - mean) / std for mean, std in zip(layout.mean, layout.std, strict=True)]
        return torch.cat(parts, dim=1)

    def _without_absent(self, features: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        if self.layout.missing_views == "embed":
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
    channels: Literal[1, 3] = 1,
    view_networks: ViewNetworks = "separate",
    missing_views: MissingViews = "require",
    pretrained: bool | Path = False,
    normalise: bool = True,
    prevalence: NDArray[np.float64] | None = None,
    drop_path: float = 0.0,
    dropout: float = 0.0,
    gradient_checkpointing: bool = False,
    seed: int = 0,
) -> ViewClassifier:
    """A classifier on a timm network, with weights that depend on nothing but the seed (or the pretrained weights).

    Parameters
    ----------
    name:
        Any timm model, such as ``convnext_base`` or ``resnet50``.
    pretrained:
        True takes weights from the hub, a path from a local safetensors file.
    normalise:
        Give pretrained weights images on the scale that they were trained with. Without pretrained weights images
        stay in [-1, 1].
    prevalence:
        ``(n_findings,)`` share of positives in training: where the output starts, which saves the first epochs.
    drop_path, dropout:
        Stochastic depth inside the network, and dropout of its features before the last layer; probabilities.
    gradient_checkpointing:
        Compute activations anew on the way back: less memory for a third more time, and the same gradients. Running
        means of batch normalisation then take in each batch twice.

    Raises
    ------
    RecipeError
        If timm does not know the model, its weights cannot be had, or it does not take one of the settings.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbones = [
            build_network(
                name,
                channels=channels,
                size=size,
                pretrained=pretrained,
                drop_path=drop_path,
                gradient_checkpointing=gradient_checkpointing,
            )
            for _ in range(1 if view_networks == "shared" else n_views)
        ]
        mean, std = input_scale(backbones[0], channels) if pretrained and normalise else (None, None)
        model = ViewClassifier(
            backbones,
            n_features(backbones[0], channels=channels, size=size),
            n_findings,
            n_views=n_views,
            layout=Layout(channels, view_networks, missing_views, mean, std),
            dropout=dropout,
        )
    with torch.no_grad():
        model.head.weight.mul_(0.1)
        share = np.full(n_findings, 0.5) if prevalence is None else np.clip(prevalence, 1e-3, 1 - 1e-3)
        model.head.bias.copy_(torch.as_tensor(np.log(share / (1 - share)), dtype=torch.float32))
    return model


def to_arrays(model: nn.Module) -> dict[str, NDArray[Any]]:
    """Weights and buffers as arrays, for a file."""
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in model.state_dict().items()}


def load_model(
    name: str,
    weights: Mapping[str, NDArray[Any]],
    *,
    n_views: int,
    n_findings: int,
    size: int,
    layout: Layout = PLAIN,
) -> ViewClassifier:
    """A classifier with the weights of a file.

    Raises
    ------
    InputError
        If the weights do not fit the model.
    """
    model = build_model(
        name,
        n_views=n_views,
        n_findings=n_findings,
        size=size,
        channels=layout.channels,
        view_networks=layout.view_networks,
        missing_views=layout.missing_views,
    )
    model.layout = layout
    try:
        model.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in weights.items()})
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise InputError(
            f"the weights do not fit {name!r}: {lines[1].strip() if len(lines) > 1 else lines[0]}"
        ) from None
    return model
