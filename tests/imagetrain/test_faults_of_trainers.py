"""What was found wrong, for radiographs with several labels, in the tools that others train with; see docs/compared.md.

If one of these fails after an update, the tool has mended it, and the page should say so.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

UNKNOWN = float("nan")
LABELS = torch.tensor([[1.0, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 1]])


def numbered(n: int = 4) -> torch.Tensor:
    """Images of which every pixel says whose it is, ``(n, 1, 32, 32)``."""
    return torch.arange(n).float()[:, None, None, None].expand(n, 1, 32, 32).clone()


@pytest.mark.filterwarnings("ignore")
def test_cutmix_of_monai_keeps_the_image_and_gives_the_partners_label_whole() -> None:
    from monai.transforms import CutMix

    mixer = CutMix(4, alpha=1.0)
    mixer.set_random_state(seed=0)
    images, labels = mixer(numbered(), torch.eye(4))
    own = [float((images[i] == i).float().mean()) for i in range(4)]
    assert min(own) > 0.99
    assert [float(labels[i, i]) for i in range(4)] == [0, 0, 0, 0]


@pytest.mark.filterwarnings("ignore")
def test_mixup_of_monai_refuses_labels_of_several_findings() -> None:
    from monai.transforms import MixUp

    with pytest.raises(ValueError, match="Unexpected number of dimensions"):
        MixUp(4, alpha=1.0)(numbered(), LABELS)


def test_mixup_of_timm_makes_rows_of_labels_of_several_findings_and_needs_an_even_batch() -> None:
    from timm.data import Mixup

    mixer = Mixup(mixup_alpha=1.0, num_classes=3)
    _, labels = mixer(numbered(), LABELS.long())
    assert labels.shape == (12, 3)  # of 4 images
    with pytest.raises(AssertionError, match="even"):
        mixer(numbered(3), torch.tensor([0, 1, 2]))


def test_mixup_of_torchvision_has_one_share_a_batch_and_spreads_what_is_not_known() -> None:
    from torchvision.transforms import v2

    torch.manual_seed(0)
    labels = LABELS[:, :2].clone()
    labels[0, 1] = UNKNOWN
    images, mixed = v2.MixUp(alpha=1.0, num_classes=2)(numbered(), labels)
    assert int(mixed[:, 1].isnan().sum()) == 2  # one was not known
    own = images[:, 0, 0, 0]
    share = 1 - (own - torch.arange(4)) / (torch.arange(4).roll(1) - torch.arange(4))
    assert torch.allclose(share, share[0].expand(4))


@pytest.mark.filterwarnings("ignore")
def test_randaffine_of_monai_scales_one_axis_alone_if_given_one_number() -> None:
    from monai.transforms import RandAffine

    transform = RandAffine(prob=1.0, scale_range=0.1, translate_range=51)
    transform.set_random_state(0)
    transform.randomize()
    assert len(transform.rand_affine_grid.scale_params) == 1
    assert len(transform.rand_affine_grid.translate_params) == 1


@pytest.mark.filterwarnings("ignore")
def test_loadimage_of_monai_turns_pictures_on_their_side(tmp_path: Path) -> None:
    from monai.transforms import LoadImage

    cv2.imwrite(str(tmp_path / "wide.png"), np.full((100, 200), 7, np.uint8))
    assert tuple(LoadImage(image_only=True)(str(tmp_path / "wide.png")).shape) == (200, 100)


@pytest.mark.filterwarnings("ignore")
def test_scaleintensity_of_monai_leaves_an_even_image_out_of_range() -> None:
    from monai.transforms import ScaleIntensity

    assert float(ScaleIntensity(-1, 1)(torch.full((1, 4, 4), 5.0)).min()) == -5.0
