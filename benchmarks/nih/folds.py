"""The NIH subset as a table, its folds by patient, and what every contender is given of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from imagetrain.records import TEST, TRAIN, VALIDATION
from imagetrain.targets.splits import stratified_parts

MAIN = "pneumonia"
LABELS = (
    "atelectasis",
    "cardiomegaly",
    "consolidation",
    "edema",
    "effusion",
    "emphysema",
    "fibrosis",
    "hernia",
    "infiltration",
    "mass",
    "nodule",
    "pleural_thickening",
    "pneumothorax",
)
MIN_POSITIVES = 30  # of a co-label; fewer say nothing about an AUROC within five folds


@dataclass(frozen=True, slots=True)
class Subset:
    """The images and what is asked of them."""

    folder: Path
    table: pd.DataFrame  # one row an image
    findings: tuple[str, ...]  # pneumonia, then the co-labels

    @property
    def targets(self) -> np.ndarray:
        """float32 ``(n_images, n_findings)``."""
        return self.table[list(self.findings)].to_numpy(dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Training:
    """What a contender is told besides the images."""

    network: str
    rate: float
    size: int
    epochs: int
    batch_size: int
    seed: int


def read_subset(folder: Path) -> Subset:
    """The subset, with every co-label that occurs often enough among the pneumonia images."""
    table = pd.read_csv(folder / "metadata.csv", dtype={"patient_id": str, "study_id": str})
    ill = table[table[MAIN] == 1]
    co_labels = [name for name in LABELS if int(ill[name].sum()) >= MIN_POSITIVES]
    return Subset(folder, table, (MAIN, *co_labels))


def write_folds(subset: Subset, folder: Path, *, n_folds: int, seed: int) -> list[Path]:
    """A split file a fold: a fold is its test set, of the others a fifth of the patients is for validation."""
    folder.mkdir(parents=True, exist_ok=True)
    table = subset.table
    strata = table[list(subset.findings)].to_numpy(dtype=bool)
    names = [str(number) for number in range(n_folds)]
    fold_of = stratified_parts(list(table.patient_id), strata, dict.fromkeys(names, 1 / n_folds), seed=seed)
    fold = table.patient_id.map(fold_of)
    paths = []
    for name in names:
        rest = (fold != name).to_numpy()
        shares = {TRAIN: 0.8, VALIDATION: 0.2}
        part_of = stratified_parts(list(table.patient_id[rest]), strata[rest], shares, seed=seed)
        parts = table.patient_id.map(part_of).fillna(TEST)
        paths.append(folder / f"fold{name}.csv")
        pd.DataFrame({"study_id": table.study_id, "part": parts}).to_csv(paths[-1], index=False)
    return paths


def grey_values(subset: Subset) -> np.ndarray:
    """float64 ``(n_images,)``: the mean grey value of each file, which no classifier should need."""
    means = []
    for name in subset.table.image:
        with Image.open(subset.folder / name) as image:
            means.append(np.asarray(image.convert("L")).mean())
    return np.array(means)


def parts_of(subset: Subset, path: Path) -> np.ndarray:
    """The part of each image, in the order of the table."""
    split = pd.read_csv(path, dtype=str).set_index("study_id")["part"]
    return split.loc[subset.table.study_id].to_numpy(dtype=object)
