"""One training step, built of the loop's own parts, and the loop itself with a clock."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch

from imagetrain.learning.feeding import Batch, Feed
from imagetrain.learning.models import build_model
from imagetrain.learning.steps import TrainStep
from imagetrain.learning.training import train
from imagetrain.learning.validation import Material
from imagetrain.pixels.dataset import open_pixels
from imagetrain.recipe import TrainRecipe
from imagetrain.records import Targets
from throughput.material import AUGMENT, Setting

N_FINDINGS = 14
FIRST = 8  # steps that are not counted: the first ones set things up
LONG = 2**20  # images
SCORES = {"auroc": lambda _truth, _logits: 0.5, "auprc": lambda _truth, _logits: 0.5}


class Rates(NamedTuple):
    """Images per second of a step, and of the same step in the same process fed by a resident batch."""

    step: float
    ceiling: float


def recipe_of(model: str, setting: Setting) -> TrainRecipe:
    """AdamW, EMA and BCE; bfloat16 on a GPU."""
    return TrainRecipe.model_validate(
        {
            "runs": {"one": {}},
            "model": model,
            "epochs": 1,
            "batch_size": setting.batch_size,
            "augment": AUGMENT,
            "device": setting.device,
            "precision": "fp32" if setting.device == "cpu" else "bf16",
        }
    )


class Step:
    """One step of `imagetrain train` at a time, on batches of images from anywhere."""

    def __init__(self, model: str, setting: Setting) -> None:
        device = torch.device(setting.device)
        network = build_model(model, n_views=1, n_findings=N_FINDINGS, size=setting.size)
        network.to(device, memory_format=torch.channels_last)
        self.take, self.taken = TrainStep(network, recipe_of(model, setting)), 0
        self.values = (torch.rand(setting.batch_size, N_FINDINGS, device=device) < 0.3).float()
        self.weights = torch.ones_like(self.values)
        self.present = torch.ones(setting.batch_size, 1, dtype=torch.bool, device=device)

    def __call__(self, images: torch.Tensor) -> None:
        n = len(images)  # a loader's last batch may be smaller
        batch = Batch(images, self.present[:n], self.values[:n], self.weights[:n])
        self.take([batch], step=self.taken, rate=1e-4)
        self.taken += 1


def material_of(setting: Setting) -> Material:
    """The squares as studies with random targets, in an epoch that never ends, so that no validation is timed."""
    ids = tuple(str(number) for number in range(setting.n_images))
    every = np.arange(setting.n_images)
    pixels = open_pixels(ids, setting.open_squares(), every[:, None, None], device=torch.device(setting.device))
    values = (np.random.default_rng(0).random((setting.n_images, N_FINDINGS)) < 0.3).astype(np.float32)
    targets = Targets(ids, tuple(f"f{n}" for n in range(N_FINDINGS)), values, np.ones(values.shape, dtype=bool))
    return Material(pixels, targets, np.resize(every, LONG), every[: setting.batch_size])


def our_feed(setting: Setting) -> Iterator[torch.Tensor]:
    """The images of the feed of `imagetrain train`."""
    for batch in Feed(material_of(setting), recipe_of("", setting)).batches(0, LONG // setting.batch_size):
        yield batch.images


def rate_of_loader(feed: Iterator[torch.Tensor], setting: Setting, *, seconds: float) -> float:
    """Images per second of a feed alone."""
    for _ in range(FIRST + 2 * setting.workers):  # what workers had ready does not count
        next(feed)
    clock = _Clock(setting)
    while clock.seconds < seconds:
        with clock:
            clock.n += len(next(feed))
    return clock.rate


def rate_of_feed(feed: Iterator[torch.Tensor], model: str, setting: Setting, *, seconds: float) -> Rates:
    """A step after each batch of a feed; its ceiling is timed just before, since workers would go on meanwhile."""
    step, ceiling = Step(model, setting), Ceiling(model, setting)
    while ceiling.clock.seconds < seconds:
        ceiling.run()
    for _ in range(FIRST + 2 * setting.workers):
        step(next(feed))
    clock = _Clock(setting)
    while clock.seconds < seconds:
        with clock:
            images = next(feed)
            step(images)
            clock.n += len(images)
    return Rates(clock.rate, ceiling.clock.rate)


def rate_of_loop(model: str, setting: Setting, *, seconds: float) -> Rates:
    """`imagetrain.learning.training.train` itself; steps of its ceiling are taken in turns with its own."""
    network = build_model(model, n_views=1, n_findings=N_FINDINGS, size=setting.size)
    clock, ceiling = _Clock(setting), Ceiling(model, setting)

    def watch(steps: Iterable[int], *_: object, **__: object) -> Iterator[int]:
        """Stands where progress is shown, so it sees every step go by."""
        every = iter(steps)
        yield from itertools.islice(every, FIRST)
        while clock.seconds < seconds:
            with clock:
                yield from itertools.islice(every, setting.slice)
                clock.n += setting.slice * setting.batch_size
            ceiling.run()

    list(train(network, material_of(setting), recipe_of(model, setting), scores=SCORES, track=watch))
    return Rates(clock.rate, ceiling.clock.rate)


class Ceiling:
    """The same step, fed by one random batch that is on the device already."""

    def __init__(self, model: str, setting: Setting) -> None:
        self.step, self.setting, self.clock = Step(model, setting), setting, _Clock(setting)
        self.images = torch.randn(setting.batch_size, 1, setting.size, setting.size, device=setting.device)
        for _ in range(FIRST):
            self.step(self.images)

    def run(self) -> None:
        """Take and time a slice of steps."""
        with self.clock:
            for _ in range(self.setting.slice):
                self.step(self.images)
                self.clock.n += len(self.images)


class _Clock:
    """Images and the seconds that they took, in slices."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.seconds, self.n, self.started = setting, 0.0, 0, 0.0

    def __enter__(self) -> None:
        self._wait()
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._wait()
        self.seconds += time.perf_counter() - self.started

    def _wait(self) -> None:
        if self.setting.device != "cpu":
            torch.cuda.synchronize()

    @property
    def rate(self) -> float:
        """Images per second."""
        return self.n / self.seconds
