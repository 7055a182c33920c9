"""MixUp and CutMix of other libraries beside ours, with several labels: one study is all ones, the others all zeros."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imagetrain.pixels.mixing import Mixed, mix
from imagetrain.recipe import Mix

IMAGES = torch.zeros(4, 1, 8, 8)
IMAGES[0] = 1
LABELS = torch.zeros(4, 3)
LABELS[0] = 1  # has all three findings, the others none


def share_of_ones(images: torch.Tensor) -> torch.Tensor:
    return images.reshape(len(images), -1).mean(dim=1)


def mixed_here(labels: torch.Tensor, weights: torch.Tensor, settings: Mix, n: int = 4) -> Mixed:
    present = torch.ones(n, 1, dtype=torch.bool)
    return mix(IMAGES[:n], present, labels[:n], weights[:n], settings, torch.Generator().manual_seed(0))


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # of its indexing
def test_cutmix_of_monai_gives_an_image_the_label_of_what_is_hardly_in_it() -> None:
    from monai.transforms import CutMix

    cutmix = CutMix(batch_size=4, alpha=1.0)
    cutmix.set_random_state(0)
    images, labels = cutmix(IMAGES, LABELS)
    assert labels[:, 0].tolist() == [0, 0, 0, 1]  # the partner's label, whole
    assert share_of_ones(images).tolist() == pytest.approx([0.906, 0, 0, 0.047], abs=1e-3)

    here = mixed_here(LABELS, torch.ones(4, 3), Mix(cutmix=1.0, probability=1))
    assert torch.equal(here.values[:, 0], share_of_ones(here.images))


def test_mixup_of_monai_takes_no_table_of_labels() -> None:
    from monai.transforms import MixUp

    with pytest.raises(ValueError, match="Unexpected number of dimensions"):
        MixUp(batch_size=4, alpha=0.4)(IMAGES, LABELS)

    here = mixed_here(LABELS, torch.ones(4, 3), Mix(mixup=0.4, probability=1))
    assert torch.allclose(here.values[:, 0], share_of_ones(here.images), atol=1e-6)


def test_mixup_of_timm_takes_findings_for_classes_and_no_odd_batch() -> None:
    from timm.data import Mixup

    np.random.seed(0)
    _, labels = Mixup(mixup_alpha=0.4, num_classes=3)(IMAGES.clone(), LABELS.long())
    assert labels.shape == (12, 3)  # of four studies
    with pytest.raises(AssertionError, match="should be even"):
        Mixup(mixup_alpha=0.4, num_classes=3)(IMAGES[:3].clone(), torch.tensor([0, 1, 2]))

    here = mixed_here(LABELS, torch.ones(4, 3), Mix(mixup=0.4, probability=1), n=3)
    assert here.values.shape == (3, 3)


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_mixing_of_torchvision_draws_one_share_for_all_and_spreads_unknown_labels(name: str) -> None:
    from torchvision.transforms import v2

    torch.manual_seed(0)
    labels = torch.eye(4)[:, :3]
    labels[1, 1] = torch.nan  # not known
    _, theirs = getattr(v2, name)(alpha=1.0, num_classes=3)(IMAGES, labels)
    assert int(theirs.isnan().sum()) == 2  # of one
    assert len({round(float(share), 4) for share in theirs[~theirs.isnan()]} - {0.0, 1.0}) == 2  # a share and its rest

    settings = Mix(mixup=1.0, probability=1) if name == "MixUp" else Mix(cutmix=1.0, probability=1)
    here = mixed_here(labels.nan_to_num(), (~labels.isnan()).float(), settings)
    assert torch.isfinite(here.values).all()
    partly_known = here.weights[(here.weights > 0) & (here.weights < 1)]
    assert len(partly_known) == 2
    assert float(partly_known.sum()) != pytest.approx(1)  # each study has a share of its own
