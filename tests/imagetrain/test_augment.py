from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import moving

from imagetrain.pixels import augment as augmenting
from imagetrain.pixels.augment import augment, move, refuse_flips, to_input
from imagetrain.pixels.draws import Draws, draw
from imagetrain.pixels.reference import move_by_monai
from imagetrain.recipe import Augment
from radprompter.errors import SchemaError
from radprompter.labels import FindingSpec, LabelSchema

EVERYTHING = Augment(horizontal_flip=True, vertical_flip=True, rotation_degrees=25, scale=0.1, translation=0.1, noise=0)
NOTHING = Augment(rotation_degrees=0, scale=0, translation=0, noise=0)


def smooth_images(n: int, size: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(n, 1, 7, 7, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)


def still(n: int) -> Draws:
    mirror, shift = torch.zeros(n, 2, dtype=torch.bool), torch.zeros(n, 2)
    return Draws(mirror, torch.zeros(n), torch.ones(n), shift, torch.ones(n), torch.ones(n), torch.zeros(n))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("change", "expected"),
    [  # a dot 20 pixels to the right of the centre of a 65 x 65 image: where is it afterwards (row, column)?
        ({}, (32, 52)),
        ({"angle": math.pi / 2}, (12, 32)),  # counterclockwise: right becomes up
        ({"scale": 1.5}, (32, 62)),  # above 1 enlarges
        ({"shift": (10 / 65, 5 / 65)}, (37, 62)),  # to the right and down, in shares of the side
        ({"mirror": (True, False)}, (32, 12)),  # left becomes right
        ({"mirror": (False, True), "shift": (0.0, 5 / 65)}, (37, 52)),
        ({"mirror": (True, False), "angle": math.pi / 2, "shift": (10 / 65, 0.0)}, (52, 42)),  # in this order
    ],
)
@pytest.mark.parametrize("engine", [move, move_by_monai])
def test_a_dot_goes_where_it_should(change: dict, expected: tuple[int, int], engine) -> None:
    image = torch.zeros(1, 1, 65, 65)
    image[0, 0, 32, 52] = 1
    draws = still(1)._replace(**{name: torch.tensor([value]) for name, value in change.items()})
    assert divmod(int(engine(image, draws).argmax()), 65) == expected


changes = st.fixed_dictionaries(
    {
        "mirror": st.tuples(st.booleans(), st.booleans()),
        "angle": st.floats(-math.pi, math.pi),
        "scale": st.floats(0.5, 2),
        "shift": st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4)),
    }
)


@given(changes, st.integers(5, 12), st.integers(0, 2**31))
@settings(max_examples=60)
def test_every_pixel_comes_from_where_step_by_step_geometry_says(change: dict, size: int, seed: int) -> None:
    image = torch.rand(1, 1, size, size, generator=seeded(seed))
    draws = still(1)._replace(**{name: torch.tensor([value]) for name, value in change.items()})
    expected = moving.move(image[0, 0].double().numpy(), **change)
    assert np.abs(move(image, draws)[0, 0].numpy() - expected).max() < 1e-4


@given(st.lists(changes, min_size=1, max_size=3), st.integers(16, 33))
@settings(max_examples=40)
def test_both_engines_have_the_same_geometry_whatever_is_drawn(drawn: list[dict], size: int) -> None:
    images = smooth_images(len(drawn), size)
    draws = still(len(drawn))._replace(**{name: torch.tensor([one[name] for one in drawn]) for name in drawn[0]})
    assert torch.allclose(move(images, draws), move_by_monai(images, draws), atol=5e-4)


def test_both_engines_have_the_same_geometry() -> None:
    images = smooth_images(8)
    draws = draw(8, EVERYTHING, seeded())
    assert torch.allclose(move(images, draws), move_by_monai(images, draws), atol=1e-4)
    assert not torch.allclose(move(images, draws), images, atol=0.1)


def test_draws_stay_within_the_recipe_and_differ_by_image() -> None:
    draws = draw(4000, EVERYTHING, seeded())
    assert math.radians(24) < float(draws.angle.abs().max()) <= math.radians(25)
    assert 0.9 <= float(draws.scale.min()) < 0.905
    assert 1.095 < float(draws.scale.max()) <= 1.1
    assert 0.099 < float(draws.shift.abs().max()) <= 0.1
    assert 0.45 < float(draws.mirror.float().mean()) < 0.55
    assert len(draws.angle.unique()) > 3900
    assert not draw(100, NOTHING, seeded()).mirror.any()
    across = draw(100, NOTHING.model_copy(update={"horizontal_flip": True}), seeded()).mirror
    assert across[:, 0].any()
    assert not across[:, 1].any()
    gamma = draw(4000, NOTHING.model_copy(update={"gamma": 0.25}), seeded()).gamma
    assert 0.8 <= float(gamma.min()) < 0.805
    assert 1.24 < float(gamma.max()) <= 1.25


def test_without_changes_augmentation_is_the_input_that_validation_sees() -> None:
    images = torch.randint(0, 256, (3, 2, 16, 16), dtype=torch.uint8, generator=seeded())
    assert torch.allclose(augment(images, NOTHING, seeded()), to_input(images), atol=1e-5)
    assert to_input(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1.0, 1.0]


def test_the_views_of_a_study_are_mirrored_together_and_moved_each_on_its_own() -> None:
    draws = draw(200, EVERYTHING, seeded(), n_views=2)
    first, second = draws.of(slice(0, None, 2)), draws.of(slice(1, None, 2))
    assert torch.equal(first.mirror, second.mirror)
    assert 0 < int(first.mirror[:, 0].sum()) < 200
    for name in ("angle", "scale", "shift"):
        assert not torch.isclose(getattr(first, name), getattr(second, name)).all()
    images = (smooth_images(20) * 255).to(torch.uint8).reshape(20, 1, 40, 40).repeat(1, 2, 1, 1)
    only_flips = NOTHING.model_copy(update={"horizontal_flip": True, "vertical_flip": True})
    mirrored = augment(images, only_flips, seeded())
    assert torch.equal(mirrored[:, 0], mirrored[:, 1])
    assert not torch.allclose(mirrored, to_input(images), atol=0.1)


def test_parts_of_a_batch_are_moved_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    images = (smooth_images(6) * 255).to(torch.uint8).reshape(3, 2, 40, 40)
    wanted = EVERYTHING.model_copy(update={"noise": 0.02, "contrast": 0.2})
    whole = augment(images, wanted, seeded())
    monkeypatch.setattr(augmenting, "NEAR", 2 * 40 * 40)
    assert torch.equal(augment(images, wanted, seeded()), whole)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [  # of the grey values -1, 0 and 1
        ({"contrast": 0.5}, lambda draws: (-draws.contrast, 0 * draws.contrast, draws.contrast)),
        ({"brightness": 0.3}, lambda draws: (draws.brightness - 1, draws.brightness, draws.brightness + 1)),
        ({"gamma": 0.5}, lambda draws: (0 * draws.gamma - 1, 2 * 0.5**draws.gamma - 1, 0 * draws.gamma + 1)),
    ],
)
def test_grey_values_change_as_the_recipe_says(keys: dict, expected) -> None:
    wanted = NOTHING.model_copy(update=keys)
    images = torch.tensor([0, 128, 255], dtype=torch.uint8).repeat(12, 4).expand(5, 1, 12, 12)
    values = augment(images, wanted, seeded())[:, 0, 0, :3]
    assert torch.allclose(values, torch.stack(expected(draw(5, wanted, seeded())), 1), atol=0.01)
    assert not torch.allclose(values, to_input(images)[:, 0, 0, :3], atol=0.05)


def test_noise_has_the_standard_deviation_of_the_recipe() -> None:
    images = torch.full((4, 2, 64, 64), 127, dtype=torch.uint8)
    noisy = augment(images, NOTHING.model_copy(update={"noise": 0.05}), seeded())
    assert abs(float(noisy.std()) - 0.05) < 0.002


def test_what_comes_in_from_outside_is_black() -> None:
    images = torch.full((1, 1, 20, 20), 255, dtype=torch.uint8)
    moved = augment(images, NOTHING.model_copy(update={"translation": 0.9}), seeded(3))
    assert float(moved.min()) == -1.0


@pytest.mark.parametrize("engine", ["fused", "monai"])
def test_the_same_generator_gives_the_same_images(engine: str) -> None:
    images = (smooth_images(6) * 255).to(torch.uint8).reshape(3, 2, 40, 40)
    settings = EVERYTHING.model_copy(update={"engine": engine, "noise": 0.02})
    one, same, other = (augment(images, settings, seeded(seed)) for seed in (5, 5, 6))
    assert one.shape == images.shape
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert np.isfinite(one.numpy()).all()


def test_flips_are_refused_where_a_finding_says_left_or_right() -> None:
    schema = LabelSchema("hands", (FindingSpec("left_fracture", laterality=True), FindingSpec("effusion")))
    refuse_flips(NOTHING, schema)
    with pytest.raises(SchemaError, match="'hands' has findings that say left or right \\(left_fracture\\)"):
        refuse_flips(EVERYTHING, schema)


@pytest.mark.parametrize(
    ("name", "title", "is_sided"),
    [
        ("effusion_left", "", True),
        ("Right lung opacity", "", True),
        ("erguss", "Erguss rechts", True),
        ("bright_spot", "", False),
        ("cleft", "Alright", False),
    ],
)
def test_a_finding_of_a_table_of_ones_own_says_its_side_by_its_name(name: str, title: str, is_sided: bool) -> None:
    schema = LabelSchema("own", (FindingSpec(name, title=title),))
    if not is_sided:
        refuse_flips(EVERYTHING, schema)
        return
    with pytest.raises(SchemaError, match="mirrors images"):
        refuse_flips(EVERYTHING, schema)
