"""What each step of training is fed, by the number of the step alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch

from imagetrain.learning.losses import smoothed
from imagetrain.learning.processes import ALONE, Processes
from imagetrain.learning.validation import Material
from imagetrain.pixels.ahead import ahead
from imagetrain.pixels.augment import augment
from imagetrain.pixels.dataset import Loaded, Rows, n_batches, shuffled_batches
from imagetrain.pixels.draws import Draws, draw
from imagetrain.pixels.mixing import mix
from imagetrain.recipe import TrainRecipe
from radprompter.errors import RecipeError

Purpose = Literal["moves", "share", "network"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
"""How the images of a step are moved; noise and mixing of a share; dropout and stochastic depth."""


class Batch(NamedTuple):
    """What a network learns from at once, on its device."""

    images: torch.Tensor  # float32 (n, n_views, size, size), in [-1, 1] but for noise
    present: torch.Tensor  # bool (n, n_views)
    values: torch.Tensor  # float32 (n, n_findings) in [0, 1]
    weights: torch.Tensor  # float32, same shape, in [0, 1]; 0 where the value does not count


class Feed:
    """The batches of each step: the studies of the step, cut into shares.

    A step's studies, and how their images are moved, depend on the seed and the step alone, whatever the number of
    processes; each process takes `train.accumulate` shares of its own, one after the other. Noise and mixing are
    drawn for each share, and partners are of the same share.

    Raises
    ------
    RecipeError
        If a step has fewer studies than shares.
    """

    def __init__(self, material: Material, recipe: TrainRecipe, processes: Processes = ALONE) -> None:
        self.recipe, self.processes, self.pixels = recipe, processes, material.pixels
        values = torch.from_numpy(material.targets.values).to(self.pixels.device)
        self.values = smoothed(values, recipe.label_smoothing)
        self.weights = torch.from_numpy(material.targets.mask).to(self.pixels.device, torch.float32)
        self.step_size = recipe.batch_size * recipe.accumulate
        self.steps_per_epoch = n_batches(len(material.training), self.step_size)
        n_shares = recipe.accumulate * processes.world
        if len(material.training) // self.steps_per_epoch < n_shares:
            raise RecipeError(
                f"train.batch_size: a step of {len(material.training) // self.steps_per_epoch} studies cannot be cut "
                f"into {n_shares} shares (accumulate {recipe.accumulate} x {processes.world} processes)"
            )
        self._epoch = lru_cache(maxsize=2)(
            lambda epoch: list(shuffled_batches(material.training, self.step_size, seed=recipe.seed, epoch=epoch))
        )

    def studies(self, step: int) -> Rows:
        """The studies of a step, in all processes together."""
        epoch, place = divmod(step, self.steps_per_epoch)
        studies: Rows = self._epoch(epoch)[place]
        return studies

    def batches(self, first_step: int, n_steps: int) -> Iterator[Batch]:
        """This process's batches of some steps: `train.accumulate` of each."""
        generator = torch.Generator(self.pixels.device)
        shares = self._shares(first_step, n_steps)
        for share, loaded in ahead(lambda share: (share, self._load(share)), shares):
            generator.manual_seed(seed_of(self.recipe.seed, "share", share.step, share.turn, self.processes.rank))
            views = self.pixels.place(loaded)
            images = augment(views.images, self.recipe.augment, generator, self._draws(share))
            rows = self.pixels.put(share.studies)
            yield Batch(*mix(images, views.present, self.values[rows], self.weights[rows], self.recipe.mix, generator))

    def _shares(self, first_step: int, n_steps: int) -> Iterator[_Share]:
        for step in range(first_step, first_step + n_steps):
            studies = self.studies(step)
            for turn, places in enumerate(np.array_split(np.arange(len(studies)), self.recipe.accumulate)):
                mine = places[self.processes.share(len(places))]
                yield _Share(step, turn, slice(mine[0], mine[-1] + 1), studies[mine])

    def _draws(self, share: _Share) -> Draws:
        """How the images of a share are moved: drawn for all of the step, so that it does not matter how it is cut."""
        generator = torch.Generator(self.pixels.device).manual_seed(seed_of(self.recipe.seed, "moves", share.step))
        n_views = self.pixels.rows.shape[1]
        draws = draw(len(self.studies(share.step)), self.recipe.augment, generator, n_views=n_views)
        return draws.of(slice(share.places.start * n_views, share.places.stop * n_views))

    def _load(self, share: _Share) -> Loaded:
        epoch = share.step // self.steps_per_epoch
        return self.pixels.load(share.studies, self.pixels.drawn(share.studies, seed=self.recipe.seed, epoch=epoch))


class _Share(NamedTuple):
    """What one process learns from at once."""

    step: int
    turn: int  # of those of the step
    places: slice  # among the studies of the step
    studies: Rows


def seed_of(seed: int, purpose: Purpose, *places: int) -> int:
    """What random numbers for a purpose are drawn from at a place of the training (step, share, process).

    So nothing must be kept to go on from a checkpoint, and no two purposes draw the same numbers.
    """
    entropy = [seed, PURPOSES.index(purpose), *places]
    return int(np.random.SeedSequence([len(entropy), *entropy]).generate_state(1, np.uint64)[0] >> 1)
