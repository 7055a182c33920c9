"""A small study of shapes on noise, whose labels are what the shapes are: labels.parquet, studies.csv, images.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import yaml

from imagetrain.preparation import Prepared, cache_images, prepare
from imagetrain.recipe import StudyRecipe
from imagetrain.run import run_train
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState

FINDINGS = ("disc", "bar", "frame", "rare")
SCHEMA = LabelSchema("shapes-4", tuple(FindingSpec(name) for name in FINDINGS))


def draw_shapes(present: Sequence[bool], rng: np.random.Generator, side: int) -> np.ndarray:
    """An 8-bit image with a disc, a bar and a frame where they are present."""
    image = rng.normal(80, 12, (side, side * 3 // 4)).astype(np.float32)
    height, width = image.shape
    if present[0]:
        centre = (int(rng.uniform(0.3, 0.7) * width), int(rng.uniform(0.3, 0.7) * height))
        cv2.circle(image, centre, side // 6, 190.0, -1)
    if present[1]:
        row = int(rng.uniform(0.15, 0.85) * height)
        cv2.line(image, (0, row), (width, row), 20.0, max(2, side // 16))
    if present[2]:
        cv2.rectangle(image, (2, 2), (width - 3, height - 3), 230.0, max(2, side // 24))
    return np.clip(image, 0, 255).astype(np.uint8)


def write_study(
    folder: Path, *, n_patients: int = 30, side: int = 48, views: Sequence[str] = ("ap", "lateral"), seed: int = 0
) -> None:
    """Two studies a patient, every third patient at site beta; some labels uncertain, some cells without a label."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    cells, studies, images = [], [], []
    for number in range(2 * n_patients):
        study, patient = f"s{number:03d}", f"p{number // 2:03d}"
        site = "beta" if (number // 2) % 3 == 2 else "alpha"
        present = (*(rng.random(3) < (0.5, 0.4, 0.3)), number == 1)
        for finding, there in zip(FINDINGS, present, strict=True):
            state = LabelState.POSITIVE if there else LabelState.NEGATIVE
            if finding != "rare" and rng.random() < 0.1:
                state = LabelState.UNCERTAIN
            elif not there and rng.random() < 0.5:
                state = LabelState.NOT_MENTIONED
            cells.append(Cell(study, finding, state, labeler="truth"))
        studies.append({"study_id": study, "patient_id": patient, "site": site})
        for view in views:
            file = f"images/{study}_{view}.png"
            cv2.imwrite(str(folder / file), draw_shapes(present, rng, side))
            images.append({"study_id": study, "view": view, "file": file})
    pq.write_table(LabelTable.from_cells(cells, SCHEMA).to_arrow(), folder / "labels.parquet")
    pd.DataFrame(studies).to_csv(folder / "studies.csv", index=False)
    pd.DataFrame(images).to_csv(folder / "images.csv", index=False)


def shapes_recipe(folder: Path, *, data: dict | None = None, train: dict | None = None) -> StudyRecipe:
    """A recipe for a written study, tiny enough to train within seconds."""
    return StudyRecipe.model_validate(
        {
            "name": "shapes",
            "out": folder / "out",
            "data": {
                "labels": folder / "labels.parquet",
                "studies": {"path": folder / "studies.csv"},
                "images": {"path": folder / "images.csv"},
                "views": ["ap", "lateral"],
                "size": 32,
                "split": {"external": ["beta"]},
                **(data or {}),
            },
            "train": {
                "runs": {"inclusive": {"policy": "inclusive"}, "exclusive": {"policy": "exclusive"}},
                "model": "test_resnet",
                "epochs": 2,
                "batch_size": 8,
                "learning_rate": 1e-3,
                "device": "cpu",
                **(train or {}),
            },
        }
    )


def write_recipe(folder: Path, *, out: Path | None = None, train: dict | None = None) -> Path:
    """`shapes_recipe` as a file, named for its folder of results: for commands and other processes."""
    recipe = shapes_recipe(folder, train=train).model_dump(mode="json", exclude={"tracking"})
    out = out or folder / "out"
    path = folder / f"{out.name}.yaml"
    path.write_text(yaml.safe_dump({**recipe, "out": str(out)}))
    return path


def train_one_run(folder: Path) -> Path:
    """A small study in a folder, with one run trained for an epoch."""
    write_study(folder, n_patients=15)
    run_train(shapes_recipe(folder, train={"epochs": 1, "runs": {"inclusive": {}}}))
    return folder


def prepared(recipe: StudyRecipe) -> Prepared:
    """What the runs of a recipe without folds share, its images cached."""
    data = recipe.need_data()
    cache = cache_images(data.images, data.views, recipe.out / "cache", data=data)
    (found,) = prepare(data, recipe.need_train(), cache)
    return found
