from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from imagetrain.learning.models import Layout, ViewClassifier, build_model, load_model, to_arrays
from radprompter.errors import RecipeError


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    """Weights as timm writes them: three channels, a layer for ten classes."""
    torch.manual_seed(3)
    path = tmp_path / "model.safetensors"
    save_file(timm.create_model("test_resnet", num_classes=10).state_dict(), path)
    return path


def model(**changes: object) -> ViewClassifier:
    settings: dict = {"n_views": 2, "n_findings": 3, "size": 32}
    return build_model("test_resnet", **settings | changes).eval()


def test_one_channel_gives_the_features_that_three_equal_ones_give(pretrained: Path) -> None:
    image = torch.rand(4, 1, 32, 32) * 2 - 1
    one, three = (model(n_views=1, channels=channels, pretrained=pretrained) for channels in (1, 3))
    theirs = timm.create_model("test_resnet", num_classes=0, pretrained_cfg_overlay={"file": str(pretrained)}).eval()
    theirs.load_state_dict(timm.models.load_state_dict(pretrained), strict=False)
    mean, std = (torch.tensor(theirs.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
    expected = theirs(((image + 1) / 2 - mean) / std)
    assert torch.allclose(three.features(image)[:, 0], expected, atol=1e-5)
    assert len(set(theirs.pretrained_cfg["mean"])) == 1  # else one channel is near, not equal
    assert torch.allclose(one.features(image)[:, 0], expected, atol=1e-4)


def test_without_normalising_or_without_pretrained_weights_images_stay_in_their_range(pretrained: Path) -> None:
    assert model(pretrained=pretrained).layout.mean == (0.5,)
    for plain in (model(pretrained=pretrained, normalise=False), model()):
        assert plain.layout == Layout()
        image = torch.rand(2, 1, 32, 32)
        assert torch.equal(plain.backbones[0](image), plain.features(image.expand(-1, 2, -1, -1))[:, 0])


def test_imagenet_means_are_averaged_for_one_channel() -> None:
    from imagetrain.learning.networks import input_scale

    network = timm.create_model("resnet10t", num_classes=0, in_chans=1)
    assert input_scale(network, 3) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert input_scale(network, 1) == (pytest.approx((0.449,), abs=1e-9), pytest.approx((0.226,), abs=1e-9))


def test_a_shared_network_sees_all_views_and_keeps_them_in_order() -> None:
    shared = model(view_networks="shared")
    assert len(shared.backbones) == 1
    images = torch.rand(3, 2, 32, 32)
    expected = torch.stack([shared.backbones[0](images[:, view : view + 1]) for view in (0, 1)], 1)
    assert torch.allclose(shared.features(images), expected, atol=1e-6)
    assert shared(images).shape == (3, 3)


@pytest.mark.parametrize("settings", [{"channels": 3}, {"view_networks": "shared"}, {"missing_views": "embed"}])
def test_a_classifier_is_built_again_from_its_layout_and_weights(settings: dict, pretrained: Path) -> None:
    first = model(pretrained=pretrained, **settings)
    again = load_model("test_resnet", to_arrays(first), n_views=2, n_findings=3, size=32, layout=first.layout).eval()
    images, present = torch.rand(2, 2, 32, 32), torch.tensor([[True, True], [False, True]])
    assert torch.equal(first(images, present).nan_to_num(), again(images, present).nan_to_num())


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_vit", "test_efficientnet"])
def test_gradients_are_the_same_with_checkpointing(name: str) -> None:
    images, gradients = torch.rand(4, 1, 32, 32), []
    for checkpointing in (False, True):
        net = build_model(
            name, n_views=1, n_findings=3, size=32, drop_path=0.2, gradient_checkpointing=checkpointing, seed=1
        )
        torch.manual_seed(5)
        net.train()(images).square().sum().backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in net.parameters()]))
    assert gradients[0].abs().sum() > 0
    assert torch.allclose(gradients[0], gradients[1], atol=1e-5)


def test_checkpointing_keeps_fewer_activations() -> None:
    kept = []
    for checkpointing in (False, True):
        net = build_model("test_convnext", n_views=1, n_findings=3, size=64, gradient_checkpointing=checkpointing)
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, sizes=sizes: sizes.append(x.numel()) or x, lambda x: x):
            net.train()(torch.rand(8, 1, 64, 64))
        kept.append(sum(sizes))
    assert kept[1] < 0.6 * kept[0]


def test_stochastic_depth_and_dropout_are_only_there_in_training() -> None:
    net, images = model(drop_path=0.5, dropout=0.5), torch.rand(4, 2, 32, 32)
    assert torch.equal(net(images), net(images))
    net.train()
    assert not torch.equal(net(images), net(images))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("vgg11", {"gradient_checkpointing": True}, r"train.gradient_checkpointing: .* not for 'vgg11'"),
        ("vgg11", {"drop_path": 0.1}, "train.drop_path: 'vgg11' has no stochastic depth"),
    ],
)
def test_what_a_network_cannot_do_is_said(name: str, settings: dict, message: str) -> None:
    from imagetrain.learning.networks import build_network

    with pytest.raises(RecipeError, match=message):
        build_network(name, channels=1, size=32, **settings)


def test_weights_of_another_network_are_refused(pretrained: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be loaded into 'test_convnext'; are they of that network"):
        build_model("test_convnext", n_views=1, n_findings=2, size=32, pretrained=pretrained)


def test_without_a_network_the_hub_is_named_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(RecipeError, match=r"cannot be had from the hub: (.|\n)*train.pretrained: path/to/model"):
        build_model("test_resnet", n_views=1, n_findings=2, size=32, pretrained=True)
