from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from imagetrain.learning.models import MissingViews, build_model, load_model, put_stand_ins, to_arrays
from radprompter.errors import InputError, RecipeError


@pytest.mark.parametrize(
    ("name", "n_views", "size"),
    [
        ("convnext_base", 1, 32),
        ("resnet50", 2, 32),
        ("convnext_atto", 2, 32),
        ("resnet10t", 2, 32),
        ("test_resnet", 2, 48),
        ("mobilenetv3_small_050", 1, 32),  # its features are not `num_features` wide
        ("densenet121", 1, 32),
        ("test_efficientnet", 2, 32),
        ("test_convnext", 2, 32),
        ("test_vit", 2, 32),  # built for one size, as the next one
        ("swinv2_cr_tiny_ns_224", 1, 64),
    ],
)
def test_any_timm_network_gives_a_logit_a_finding(name: str, n_views: int, size: int) -> None:
    model = build_model(name, n_views=n_views, n_findings=5, size=size).eval()
    with torch.no_grad():
        logits = model(torch.zeros(2, n_views, size, size))
    assert logits.shape == (2, 5)
    assert torch.isfinite(logits).all()
    assert len(model.backbones) == n_views


def test_each_view_has_its_own_network() -> None:
    model = build_model("test_resnet", n_views=2, n_findings=3, size=32).eval()
    image = torch.rand(1, 1, 32, 32)
    first, second = (backbone(image) for backbone in model.backbones)
    assert not torch.allclose(first, second)


def test_the_output_starts_at_the_prevalence() -> None:
    prevalence = np.array([0.5, 0.1, 0.0])
    model = build_model("test_resnet", n_views=1, n_findings=3, size=32, prevalence=prevalence)
    assert torch.allclose(torch.sigmoid(model.head.bias), torch.tensor([0.5, 0.1, 0.001]), atol=1e-6)


def test_weights_depend_on_the_seed_alone_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    one, same, other = (build_model("test_resnet", n_views=2, n_findings=3, size=32, seed=s) for s in (4, 4, 5))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_an_unknown_name_is_refused_with_what_was_probably_meant() -> None:
    with pytest.raises(RecipeError, match=r"no model 'convnxt_base'; did you mean .*'convnext_base'"):
        build_model("convnxt_base", n_views=1, n_findings=2, size=32)


def test_a_pretrained_file_is_read_and_its_channels_are_folded(tmp_path: Path) -> None:
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(0)
    source = timm.create_model("test_resnet", num_classes=10)
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    model = build_model("test_resnet", n_views=1, n_findings=2, size=32, pretrained=tmp_path / "weights.safetensors")
    theirs = dict(source.named_parameters())
    ours = dict(model.backbones[0].named_parameters())
    first = next(iter(ours))
    assert ours[first].shape[1] == 1
    assert torch.allclose(ours[first], theirs[first].sum(1, keepdim=True), atol=1e-6)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if name != first)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.safetensors", None, "no such file"),
        ("weights.pth", b"pickle", "pickles are not loaded"),
        ("broken.safetensors", b"not at all", "cannot be loaded"),
    ],
)
def test_unusable_pretrained_files_are_refused(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        build_model("test_resnet", n_views=1, n_findings=2, size=32, pretrained=tmp_path / name)


def test_weights_survive_the_way_to_arrays_and_back() -> None:
    model = build_model("test_resnet", n_views=2, n_findings=3, size=32, seed=8).eval()
    arrays = to_arrays(model)
    again = load_model("test_resnet", arrays, n_views=2, n_findings=3, size=32).eval()
    images = torch.rand(2, 2, 32, 32)
    with torch.no_grad():
        assert torch.equal(model(images), again(images))
    with pytest.raises(InputError, match="the weights do not fit 'test_resnet'"):
        load_model("test_resnet", arrays, n_views=2, n_findings=4, size=32)


@pytest.mark.parametrize("missing_views", ["embed", "mask"])
@pytest.mark.parametrize("training", [False, True])  # in training, batch normalisation mixes the studies of a batch
def test_pixels_of_an_absent_view_change_no_logit(missing_views: MissingViews, training: bool) -> None:
    model = build_model("test_resnet", n_views=2, n_findings=3, size=32, missing_views=missing_views).train(training)
    images, present = torch.rand(5, 2, 32, 32), torch.ones(5, 2, dtype=torch.bool)
    present[1, 0] = present[3, 1] = present[4, 1] = False
    other = torch.where(present[:, :, None, None], images, 100 * torch.rand(5, 2, 32, 32))
    logits = model(images, present)
    assert torch.equal(model(other, present), logits)
    assert torch.isfinite(logits).all()


def test_a_learned_vector_stands_for_an_absent_view() -> None:
    model = build_model("test_resnet", n_views=2, n_findings=3, size=32, missing_views="embed").eval()
    images, present = torch.rand(2, 2, 32, 32), torch.tensor([[True, True], [True, False]])
    before = model(images, present).detach()
    with torch.no_grad():
        model.absent[1] += 1
    after = model(images, present)
    assert torch.equal(after[0], before[0])
    assert not torch.allclose(after[1], before[1])
    after[1].sum().backward()
    assert model.absent.grad[0].abs().sum() == 0
    assert model.absent.grad[1].abs().sum() > 0


def test_masked_views_leave_their_place_to_those_that_are_there() -> None:
    model = build_model("test_resnet", n_views=2, n_findings=3, size=32, missing_views="mask").eval()
    images = torch.rand(1, 2, 32, 32)
    features = model.backbones[0](images[:, :1])
    expected = model.head(torch.cat([2 * features, torch.zeros_like(features)], 1))
    assert torch.allclose(model(images, torch.tensor([[True, False]])), expected, atol=1e-6)


@pytest.mark.parametrize("missing_views", ["require", "embed", "mask"])
def test_with_all_views_there_the_policy_for_absent_ones_changes_nothing(missing_views: MissingViews) -> None:
    model = build_model("test_resnet", n_views=2, n_findings=3, size=32, missing_views=missing_views).eval()
    images = torch.rand(3, 2, 32, 32)
    assert torch.equal(model(images), model(images, torch.ones(3, 2, dtype=torch.bool)))


def test_a_required_view_that_is_absent_gives_no_number() -> None:
    model = build_model("test_resnet", n_views=2, n_findings=3, size=32).eval()
    logits = model(torch.rand(2, 2, 32, 32), torch.tensor([[True, False], [True, True]]))
    assert torch.isnan(logits[0]).all()
    assert torch.isfinite(logits[1]).all()


def test_stand_ins_are_taken_from_the_same_view_in_turn() -> None:
    images = torch.arange(8.0).reshape(4, 2, 1, 1)
    present = torch.tensor([[True, False], [False, False], [True, False], [False, False]])
    placed = put_stand_ins(images, present)[:, :, 0, 0]
    assert placed[:, 0].tolist() == [0, 4, 4, 4]
    assert placed[:, 1].tolist() == [1, 1, 1, 1]  # no study has the view
