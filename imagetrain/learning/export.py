"""A classifier as ONNX, and whether it gives the same logits there."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from imagetrain.learning.models import ViewClassifier
from radprompter.errors import InputError

IMAGES, PRESENT, LOGITS = "images", "present", "logits"
MISSING = "ONNX needs three packages more: pip install 'radprompter-imagetrain[export]'"


class Parity(NamedTuple):
    """How near the logits of two runtimes are."""

    n_studies: int
    max_difference: float  # of logits, absolute
    largest_logit: float  # absolute


def inputs_of(model: ViewClassifier) -> tuple[str, ...]:
    """Names of the inputs: images, and where a classifier can do without some views, which of them are there."""
    return (IMAGES,) if model.layout.missing_views == "require" else (IMAGES, PRESENT)


def export_onnx(model: ViewClassifier, path: Path, *, size: int, metadata: Mapping[str, str]) -> None:
    """Write a classifier as ONNX: float32 images ``(n, n_views, size, size)`` in [-1, 1] to logits, for any n.

    Raises
    ------
    InputError
        If the extra packages are absent, or the network has what ONNX has no operation for.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise InputError(MISSING) from None
    model = model.cpu().eval()
    example = (torch.zeros(2, model.n_views, size, size), torch.ones(2, model.n_views, dtype=torch.bool))
    names = inputs_of(model)
    n_studies = torch.export.Dim("n_studies", min=1)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch.export, about itself
        try:
            program = torch.onnx.export(
                model,
                example[: len(names)],
                input_names=names,
                output_names=[LOGITS],
                dynamic_shapes=tuple({0: n_studies} for _ in names),
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = next(iter(str(error.__cause__ or error).strip().splitlines()), type(error).__name__)
            raise InputError(f"the network cannot be written as ONNX: {reason[:200]}") from None
    assert program is not None
    program.model.metadata_props.update(metadata)
    program.save(path)


def measure_parity(
    model: ViewClassifier, path: Path, batches: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]]
) -> Parity:
    """The largest difference of logits between torch and onnxruntime, both in float32 on a CPU.

    Parameters
    ----------
    batches:
        Images ``(n, n_views, size, size)`` in [-1, 1] and which views are there, ``(n, n_views)``.

    Raises
    ------
    InputError
        If onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError(MISSING) from None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    model = model.cpu().eval()
    n, differences, sizes = 0, [], []
    for images, present in batches:
        fed: dict[str, Any] = dict(zip((IMAGES, PRESENT), (images, present), strict=True))
        (theirs,) = session.run([LOGITS], {name: fed[name] for name in inputs_of(model)})
        with torch.inference_mode():
            ours = model(torch.from_numpy(images), torch.from_numpy(present)).numpy()
        n += len(images)
        differences.append(np.abs(ours - theirs).max())
        sizes.append(np.abs(ours).max())
    return Parity(n, float(np.max(differences)), float(np.max(sizes)))  # NaN where a logit is
