from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from shapes import shapes_recipe, write_recipe, write_study
from typer.testing import CliRunner

from imagetrain.assess import run_evaluate, run_report
from imagetrain.cli.app import app
from imagetrain.evaluation.auroc import auroc, average_precision
from imagetrain.learning.inference import predict_logits
from imagetrain.learning.models import ViewClassifier, build_model
from imagetrain.learning.saliency import grad_cam, target_layer
from imagetrain.learning.training import train
from imagetrain.learning.validation import Material
from imagetrain.pictured import drawn_maps
from imagetrain.pixels.augment import to_input
from imagetrain.pixels.dataset import open_pixels
from imagetrain.recipe import EvaluateRecipe, ReportRecipe, SaliencyRecipe, TrainRecipe
from imagetrain.records import Targets
from imagetrain.run import run_train
from imagetrain.salience import draw_wanted, run_saliency
from radprompter.errors import InputError

SCORES = {"auroc": auroc, "auprc": average_precision}
CPU = torch.device("cpu")
SIDE = 64


def discs(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise with a disc in every second image: the images, where there is a disc, and its pixels."""
    rng = np.random.default_rng(0)
    images = rng.normal(90, 14, (n, SIDE, SIDE))
    masks = np.zeros((n, SIDE, SIDE), np.uint8)
    for index in range(0, n, 2):
        x, y = rng.integers(14, SIDE - 14, 2)
        cv2.circle(masks[index], (int(x), int(y)), 9, 1, -1)
    images[masks > 0] += 70
    return np.clip(images, 0, 255).astype(np.uint8), np.arange(n) % 2 == 0, masks > 0


def mass_inside(model: ViewClassifier, images: np.ndarray, masks: np.ndarray) -> float:
    """Mean share of the map's mass that lies on the disc, or within six pixels of it; NaN if all maps are 0."""
    near = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((13, 13), np.uint8)) for mask in masks])
    batch = to_input(torch.from_numpy(images[:, None]))
    maps = grad_cam(model, batch, torch.ones(len(images), 1, dtype=torch.bool), 0)[:, 0].numpy()
    sums = maps.sum((1, 2))
    shares = (maps * near).sum((1, 2))[sums > 0] / sums[sums > 0]
    return float(shares.mean()) if shares.size else float("nan")


def test_after_training_the_map_of_a_disc_lies_on_the_disc() -> None:
    images, present, masks = discs(96)
    ids = tuple(f"s{i}" for i in range(96))
    targets = Targets(ids, ("disc",), present.astype(np.float32)[:, None], np.ones((96, 1), bool))
    pixels = open_pixels(ids, images, np.arange(96)[:, None, None], device=CPU)
    recipe = TrainRecipe.model_validate(
        {
            "runs": {"one": {}},
            "model": "test_resnet",
            "epochs": 6,
            "batch_size": 8,
            "learning_rate": 2e-3,
            "augment": {"horizontal_flip": True, "rotation_degrees": 10, "translation": 0.05},
        }
    )
    model = build_model("test_resnet", n_views=1, n_findings=1, size=SIDE, seed=1)
    shown = slice(64, 96)
    with_disc = images[shown][present[shown]], masks[shown][present[shown]]
    list(train(model, Material(pixels, targets, np.arange(64), np.arange(64, 96)), recipe, scores=SCORES))
    logits = predict_logits(model, pixels, np.arange(64, 96))
    assert auroc(present[shown].astype(float), logits[:, 0]) > 0.95
    learned = mass_inside(model, *with_disc)
    untrained = [build_model("test_resnet", n_views=1, n_findings=1, size=SIDE, seed=seed) for seed in range(6)]
    of_chance = np.nanmean([mass_inside(network, *with_disc) for network in untrained])
    assert learned > 0.6  # the disc and its surroundings are 11 % of the image
    assert learned > of_chance + 0.2


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("test_resnet", {}),
        ("test_convnext", {"view_networks": "shared", "channels": 3}),
        ("densenet121", {"missing_views": "mask"}),
        ("test_efficientnet", {"missing_views": "embed"}),
    ],
)
def test_each_view_has_a_map_and_absent_views_have_none(name: str, settings: dict) -> None:
    model = build_model(name, n_views=2, n_findings=3, size=64, **settings).train()
    present = torch.tensor([[True, True], [True, "missing_views" not in settings]])
    before = {key: value.clone() for key, value in model.state_dict().items()}
    maps = grad_cam(model, torch.rand(2, 2, 64, 64) * 2 - 1, present, 1)
    assert maps.shape == (2, 2, 64, 64)
    assert bool((maps >= 0).all())
    assert set(maps.amax((1, 2, 3)).tolist()) <= {0, 1}  # 0 where nothing speaks for the finding
    assert (maps[1, 1].abs().sum() == 0) == ("missing_views" in settings)
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())


def test_the_deepest_map_that_still_says_where_is_taken() -> None:
    network = build_model("resnet10t", n_views=1, n_findings=1, size=64).backbones[0]
    assert [target_layer(network, channels=1, size=size) for size in (512, 128, 64, 32)] == [
        "layer4",
        "layer4",
        "layer3",
        "layer2",
    ]


def test_networks_without_maps_are_refused() -> None:
    model = build_model("test_vit", n_views=1, n_findings=1, size=32)
    with pytest.raises(InputError, match="needs maps of features, which VisionTransformer has not"):
        grad_cam(model, torch.rand(1, 1, 32, 32), torch.ones(1, 1, dtype=torch.bool), 0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, n_patients=15)
    run_train(shapes_recipe(folder, train={"epochs": 1, "runs": {"inclusive": {}}}))
    write_recipe(folder, train={"runs": {"inclusive": {}}})
    return folder


def test_pictures_and_page_of_the_highest_scores_in_test(trained: Path) -> None:
    done = CliRunner().invoke(app, ["saliency", str(trained / "out.yaml"), "--finding", "disc", "-n", "3"])
    assert done.exit_code == 0, done.output
    folder = trained / "out/saliency/inclusive/disc"
    assert [path.name for path in sorted(folder.iterdir())] == [
        "01.png",
        "02.png",
        "03.png",
        "pictures.json",
        "saliency.html",
    ]
    picture = cv2.imread(str(folder / "01.png"))
    assert picture.shape == (64, 64, 3)  # two views below each other, image and overlay side by side
    page = (folder / "saliency.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "no explanation" in page
    assert "http" not in page.replace("https://www.w3.org", "")


def test_named_studies_are_drawn_in_their_order(trained: Path) -> None:
    recipe = shapes_recipe(trained, train={"runs": {"inclusive": {}}})
    assert run_saliency(recipe, finding="bar", studies=["s007", "s002"])["studies"] == ["s007", "s002"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"finding": "disk"}, "no finding 'disk'; it has: disc"),
        ({"finding": "disc", "studies": ["s999"]}, "the run has no study 's999'"),
    ],
)
def test_wrong_wishes_are_refused(trained: Path, wanted: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_saliency(shapes_recipe(trained, train={"runs": {"inclusive": {}}}), **wanted)


def test_the_page_of_the_evaluation_shows_the_maps_that_its_recipe_asks_for(trained: Path) -> None:
    recipe = shapes_recipe(trained, train={"epochs": 1, "runs": {"inclusive": {}}})
    wanted = ReportRecipe(saliency=SaliencyRecipe(findings=("disc",), n=2))
    run_evaluate(recipe.model_copy(update={"evaluate": EvaluateRecipe(bootstrap=0, permutations=0)}))
    shutil.rmtree(trained / "out/saliency", ignore_errors=True)
    run_report(recipe)
    assert "data:image/jpeg" not in (trained / "out/page/report.html").read_text()
    asking = recipe.model_copy(update={"report": wanted})
    assert not run_report(asking)["up_to_date"]
    page = (trained / "out/page/report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 2 and page.count("under its saliency map") == 2
    assert "checklist.html" in page
    drawn = json.loads((trained / "out/saliency/inclusive/disc/pictures.json").read_text())
    assert [one["file"] for one in drawn["pictures"]] == ["01.png", "02.png"] and "s00" not in str(drawn)
    before = (trained / "out/saliency/inclusive/disc/01.png").stat().st_mtime_ns
    assert run_report(asking)["up_to_date"]
    assert (trained / "out/saliency/inclusive/disc/01.png").stat().st_mtime_ns == before


def test_maps_of_earlier_predictions_are_not_shown(trained: Path) -> None:
    recipe = shapes_recipe(trained, train={"epochs": 1, "runs": {"inclusive": {}}})
    run_saliency(recipe, finding="bar", n=1)
    assert "bar" in [one.about["finding"] for one in drawn_maps(recipe)]
    told = trained / "out/saliency/inclusive/bar/pictures.json"
    about = json.loads(told.read_text())
    told.write_text(json.dumps(about | {"predictions": about["predictions"] | {"sha256": "of others"}}))
    assert "bar" not in [one.about["finding"] for one in drawn_maps(recipe)]
    told.write_text("{}")
    with pytest.raises(InputError, match="damaged; draw again"):
        drawn_maps(recipe)
    told.unlink()


def test_what_was_too_rare_to_train_on_is_not_drawn_and_what_nobody_knows_is_refused(trained: Path) -> None:
    recipe = shapes_recipe(trained, train={"epochs": 1, "runs": {"inclusive": {}}})
    asking = recipe.model_copy(update={"report": ReportRecipe(saliency=SaliencyRecipe(findings=("spur",)))})
    with pytest.raises(InputError, match="no finding 'spur'"):
        draw_wanted(asking)
    manifest = trained / "out/train/inclusive/manifest.json"
    before = manifest.read_text()
    manifest.write_text(json.dumps(json.loads(before) | {"left_out": {"spur": "2 positives in training"}}))
    draw_wanted(asking)
    manifest.write_text(before)
    assert not (trained / "out/saliency/inclusive/spur").exists()
