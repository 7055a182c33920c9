"""timm's networks: by name, with weights of their own or pretrained ones, without their last layer."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import torch
from torch import nn

from radprompter.errors import RecipeError

LOCAL = ("hf-hub:", "local-dir:")  # names that timm takes weights and settings for from elsewhere
SHOWN = 200  # characters of somebody else's message


def refuse_unknown_model(name: str) -> None:
    """Raise a `RecipeError` with the name that was probably meant, if timm has no such model."""
    import timm

    if name.startswith(LOCAL) or timm.is_model(name):
        return
    close = difflib.get_close_matches(name, timm.list_models(), n=3)
    meant = f"; did you mean {', '.join(map(repr, close))}?" if close else ""
    raise RecipeError(f"train.model: timm {timm.__version__} has no model {name!r}{meant}")


def build_network(
    name: str,
    *,
    channels: int,
    size: int,
    pretrained: bool | Path = False,
    drop_path: float = 0.0,
    gradient_checkpointing: bool = False,
) -> nn.Module:
    """A timm network that gives a feature vector an image.

    Pretrained weights of three channels are summed over them for a network of one, as timm does it: a grey image gives
    the same features in both.

    Raises
    ------
    RecipeError
        If timm does not know the model, its weights cannot be had, or it does not take one of the settings.
    """
    import timm

    refuse_unknown_model(name)
    options: dict[str, Any] = {"in_chans": channels, "num_classes": 0, "pretrained": bool(pretrained)}
    if drop_path:
        options["drop_path_rate"] = drop_path
    if isinstance(pretrained, Path):
        options["pretrained_cfg_overlay"] = {"file": str(_weights_file(pretrained))}
    if not name.startswith(LOCAL):
        config = timm.models.get_pretrained_cfg(name, allow_unregistered=True)
        if config is not None and config.fixed_input_size:  # transformers are built for one size
            options["img_size"] = size
    try:
        network: nn.Module = timm.create_model(name, **options)
    except TypeError as error:
        if "drop_path_rate" not in str(error):
            raise
        raise RecipeError(f"train.drop_path: {name!r} has no stochastic depth; set it to 0") from None
    except Exception as error:  # the hub, the network and safetensors raise many things
        if pretrained:
            raise RecipeError(_not_had(name, pretrained, error)) from None
        raise RecipeError(
            f"train.model: {name!r} cannot be made for {channels} x {size} x {size} pixels ({_said(error)})"
        ) from None
    if gradient_checkpointing:
        try:
            network.set_grad_checkpointing(True)  # type: ignore[operator]
        except (AssertionError, AttributeError):
            raise RecipeError(
                f"train.gradient_checkpointing: timm offers it for many networks, but not for {name!r}; set it to "
                "false and, if memory is short, train.batch_size lower"
            ) from None
    return network


def n_features(network: nn.Module, *, channels: int, size: int) -> int:
    """Length of a network's feature vector, found by trying; `num_features` is not that of every network.

    Raises
    ------
    RecipeError
        If it takes no images of this size, or does not give a vector an image.
    """
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            features = network(torch.zeros(1, channels, size, size))
    except (RuntimeError, ValueError, AssertionError, TypeError) as error:  # networks say it in many ways
        raise RecipeError(
            f"train.model: the network takes no images of {size} x {size} pixels ({_said(error)}); change data.size"
        ) from None
    network.train(was_training)
    if features.ndim != 2:
        raise RecipeError(f"train.model: expected one feature vector an image, found shape {tuple(features.shape[1:])}")
    return int(features.shape[1])


def input_scale(network: nn.Module, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of the images that a network was pretrained on, on a scale of 0 to 1.

    One channel has the averages over the three of its weights.
    """
    config: Any = network.pretrained_cfg
    mean, std = tuple(map(float, config["mean"])), tuple(map(float, config["std"]))
    if channels == len(mean):
        return mean, std
    return (sum(mean) / len(mean),) * channels, (sum(std) / len(std),) * channels


def _weights_file(path: Path) -> Path:
    if not path.is_file():
        raise RecipeError(f"train.pretrained: {path}: no such file")
    if path.suffix != ".safetensors":
        raise RecipeError(f"train.pretrained: {path}: expected a .safetensors file; pickles are not loaded")
    return path


def _not_had(name: str, pretrained: bool | Path, error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(pretrained, Path):
        reason = " ".join(line.strip() for line in lines[:2])[:SHOWN]
        return (
            f"train.pretrained: the weights of {pretrained} cannot be loaded into {name!r}; are they of that network? "
            f"({type(error).__name__}: {reason})"
        )
    return (
        f"train.pretrained: weights of {name!r} cannot be had from the hub: {lines[0][:SHOWN]}\nWithout a network, "
        "fetch the model.safetensors of its page elsewhere and name it: train.pretrained: path/to/model.safetensors"
    )


def _said(error: Exception) -> str:
    """The first line of somebody else's message."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:SHOWN]
