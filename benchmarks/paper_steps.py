"""A few real training steps of the papers' classifiers at 512 pixels: seconds a step and peak memory.

ConvNeXt-base with the recipe of the open-source label study (Lion, EMA, fused augmentation, mixup and CutMix), with and
without gradient checkpointing, and ResNet50 with two views. Each in a process of its own, so that peaks are its own.

    python benchmarks/paper_steps.py [--device cuda] [--batch-size 2] [--steps 3]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RECIPES = HERE.parent / "recipes" / "train"
CASES = {  # name -> recipe, what is changed in it
    "ConvNeXt-base, one view": ("open_source_llm_labels", {}),
    "the same, gradient checkpointing": ("open_source_llm_labels", {"gradient_checkpointing": True}),
    "ResNet50, two views": ("upper_extremity", {}),
    "the same, checkpointing": ("upper_extremity", {"gradient_checkpointing": True}),
}
GFLOP = {"convnext_base": 481, "resnet50": 126}  # of a training step, an image at 512 pixels, forward and backward
GPU = {"A100": (312e12, 2.04e12), "H200": (989e12, 4.8e12)}  # bf16 FLOP/s, bytes/s
OUTPUTS = {"convnext_base": 150e6, "resnet50": 58e6}  # values that layers put out, an image at 512 pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--model", help="another timm model in place of each")
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="bf16 on a GPU and fp32 on a CPU if absent")
    parser.add_argument("--case", choices=tuple(CASES), help="one case alone, as one line of JSON")
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(arguments.case, arguments)))
        return
    print(f"batches of {arguments.batch_size} at {arguments.size} pixels on {arguments.device}")
    print(f"load of the machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
    print("| network | parameters | first step, s | median of the rest, s | peak memory, GB | last loss |")
    print("|---|---:|---:|---:|---:|---:|")
    for case in CASES:
        command = [sys.executable, __file__, *sys.argv[1:], "--case", case]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"| {case} | failed: {done.stderr.strip().splitlines()[-1][:100]} |||||")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {case} | {found['n_parameters'] / 1e6:.1f} M | {found['seconds'][0]:.1f} | "
            f"{statistics.median(found['seconds'][1:] or found['seconds']):.1f} | {found['peak_gb']:.2f} | "
            f"{found['loss']:.3f} |",
            flush=True,
        )
    print("\nEstimates, not measured: the most images a second that a GPU's arithmetic and memory allow in bf16")
    print("(counts of operations and outputs; memory with 12 to 20 passes over each output)\n")
    print("| network | " + " | ".join(GPU) + " |\n|---|" + "---:|" * len(GPU))
    for name, gflop in GFLOP.items():
        cells = []
        for flops, bandwidth in GPU.values():
            few, many = (bandwidth / (passes * 2 * OUTPUTS[name]) for passes in (20, 12))
            cells.append(f"{few:,.0f} to {min(many, flops / (gflop * 1e9)):,.0f}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def measure(case: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Train a few steps on random images, of which each has a label: what a step takes, not what it learns."""
    import numpy as np
    import torch

    from imagetrain.evaluation.auroc import auroc, average_precision
    from imagetrain.learning.models import build_model
    from imagetrain.learning.training import train
    from imagetrain.learning.validation import Material
    from imagetrain.pixels.dataset import open_pixels
    from imagetrain.recipe import load_recipe
    from imagetrain.records import Targets

    name, changes = CASES[case]
    study = load_recipe(RECIPES / f"{name}.yaml")
    data, n = study.need_data(), arguments.batch_size * (arguments.steps + 1)  # the last is followed by validation
    precision = arguments.precision or ("bf16" if arguments.device == "cuda" else "fp32")
    recipe = study.need_train().model_copy(
        update={
            **changes,
            "model": arguments.model or study.need_train().model,
            "pretrained": False,
            "epochs": 1,
            "warmup_epochs": 0.0,
            "batch_size": arguments.batch_size,
            "precision": precision,
            "device": arguments.device,
        }
    )
    rng = np.random.default_rng(0)
    n_views = len(data.views)
    images = rng.integers(0, 256, ((n + 1) * n_views, arguments.size, arguments.size), dtype=np.uint8)
    rows = np.arange((n + 1) * n_views).reshape(n + 1, n_views, 1)
    ids = tuple(f"s{number}" for number in range(n + 1))
    values = (rng.random((n + 1, 2)) < 0.5).astype(np.float32)
    pixels = open_pixels(ids, images, rows, device=torch.device(arguments.device))
    model = build_model(
        recipe.model,
        n_views=n_views,
        n_findings=2,
        size=arguments.size,
        gradient_checkpointing=recipe.gradient_checkpointing,
    )
    seconds: list[float] = []

    def timed(batches: Iterable[Any], *_: object, **__: object) -> Iterator[Any]:
        """The loop's own track of progress, by which each step is timed."""
        for batch in batches:
            started = time.perf_counter()
            yield batch
            if arguments.device == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started)

    material = Material(
        pixels, Targets(ids, ("a", "b"), values, np.ones_like(values, dtype=bool)), np.arange(n), np.arange(n, n + 1)
    )
    scores = {"auroc": auroc, "auprc": average_precision}
    (result,) = list(train(model, material, recipe, scores=scores, track=timed))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    if arguments.device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 1e9
    return {
        "seconds": seconds[: arguments.steps],
        "peak_gb": peak,
        "loss": result.loss,
        "n_parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


if __name__ == "__main__":
    main()
