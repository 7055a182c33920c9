"""Where in an image a network's score of one finding comes from, as Grad-CAM sees it."""

from __future__ import annotations

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from imagetrain.learning.models import ViewClassifier
from radprompter.errors import InputError

SMALLEST_MAP = 4  # cells a side; a coarser map would not say where


def grad_cam(model: ViewClassifier, images: torch.Tensor, present: torch.Tensor, column: int) -> torch.Tensor:
    """Grad-CAM of one output by MONAI (Selvaraju et al. 2017, arXiv 1610.02391), one map a view.

    Parameters
    ----------
    images:
        ``(n, n_views, size, size)`` in [-1, 1].
    present:
        bool ``(n, n_views)``; maps of absent views are 0.
    column:
        Of the finding in the model's outputs.

    Returns
    -------
    float32 ``(n, n_views, size, size)`` in [0, 1], divided by the largest value of the study over its views; all 0
    where nothing speaks for the finding.

    Raises
    ------
    InputError
        If the network has no maps of features.
    """
    from monai.visualize import GradCAM

    was_training = model.training
    model.eval()
    shared = model.layout.view_networks == "shared"
    layers = [
        target_layer(backbone, channels=model.layout.channels, size=images.shape[-1]) for backbone in model.backbones
    ]
    names = [f"backbones.{place}.{layer}" for place, layer in enumerate(layers)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, about hooks on what needs no gradient
        cam = GradCAM(model, names)
        try:
            maps = [
                cam.compute_map(images, class_idx=column, layer_idx=place, present=present)
                for place in range(len(names))
            ]
        finally:
            _remove_hooks(model, names)
            model.zero_grad(set_to_none=True)
            model.train(was_training)
    found = maps[0].unflatten(0, images.shape[:2])[:, :, 0] if shared else torch.cat(maps, dim=1)
    found = F.interpolate(found.float(), size=images.shape[-2:], mode="bilinear", align_corners=False)
    found = found * present[:, :, None, None]
    largest = found.amax(dim=(1, 2, 3), keepdim=True)
    return torch.where(largest > 0, found / largest.clamp(min=torch.finfo(torch.float32).tiny), 0).detach()


def target_layer(network: nn.Module, *, channels: int, size: int) -> str:
    """The deepest stage of a timm network whose map still says where, by its `feature_info`.

    Raises
    ------
    InputError
        If the stages of the network give no maps of features, as those of most transformers.
    """
    stages: list[Any] = list(getattr(network, "feature_info", None) or [])
    fine = [stage for stage in stages if size // stage["reduction"] >= SMALLEST_MAP] or stages[:1]
    if fine and _gives_maps(network, fine[-1], torch.zeros(1, channels, size, size)):
        return str(fine[-1]["module"])
    raise InputError(
        f"saliency: Grad-CAM needs maps of features, which {type(network).__name__} has not; convolutional networks "
        "have them"
    )


def _gives_maps(network: nn.Module, stage: Any, images: torch.Tensor) -> bool:
    """Whether the output of a stage is ``(n, channels, height, width)``."""
    shapes: list[torch.Size] = []
    hook = network.get_submodule(stage["module"]).register_forward_hook(
        lambda _layer, _inputs, output: shapes.append(getattr(output, "shape", torch.Size()))
    )
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(images.to(next(network.parameters()).device))
    finally:
        hook.remove()
        network.train(was_training)
    return bool(shapes) and len(shapes[0]) == 4 and shapes[0][1] == stage["num_chs"]


def _remove_hooks(model: nn.Module, names: list[str]) -> None:
    """Take away what MONAI put on the layers and does not take away itself."""
    for name in names:
        layer = model.get_submodule(name)
        layer._forward_hooks.clear()
        layer._backward_hooks.clear()
