"""The benchmark on the NIH subset runs on a table of the same form, goes on where it stopped, tests nothing twice."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from benchmarked import run_script

CO_LABELS = ["atelectasis", "edema", "hernia"]
OTHERS = ["cardiomegaly", "consolidation", "effusion", "emphysema", "fibrosis", "infiltration", "mass", "nodule"]
OTHERS += ["pleural_thickening", "pneumothorax"]


def write_subset(folder: Path, n: int = 160) -> None:
    """Two images a patient; pneumonia is a bright disc, a co-label occurs with it alone, hernia too rarely to count."""
    generator = np.random.default_rng(0)
    (folder / "img").mkdir(parents=True)
    rows = []
    for number in range(n):
        ill = number % 4 < 2  # both images of a patient
        image = generator.normal(90, 15, (40, 40))
        if ill:
            cv2.circle(image, (20, 20), 9, 220.0, -1)
        cv2.imwrite(str(folder / "img" / f"{number}.jpg"), np.clip(image, 0, 255).astype(np.uint8))
        labels = dict.fromkeys(OTHERS, 0)
        labels |= {name: int(ill and generator.random() < 0.6) for name in CO_LABELS[:2]}
        labels |= {"hernia": int(number == 0), "pneumonia": int(ill)}
        rows.append({"image": f"img/{number}.jpg", "patient_id": f"p{number // 2}", "study_id": f"s{number}"} | labels)
    pd.DataFrame(rows).to_csv(folder / "metadata.csv", index=False)


def run(folder: Path) -> str:
    return run_script("nih_pneumonia.py", "--quick", "--data", folder / "data", "--out", folder / "out")


def test_each_image_is_tested_once_by_each_contender_and_a_second_run_trains_nothing(tmp_path: Path) -> None:
    write_subset(tmp_path / "data")
    first = run(tmp_path)
    table = (tmp_path / "out" / "table.md").read_text()
    assert "160 images of 80 patients, 80 with pneumonia" in table
    assert "atelectasis" in table
    assert "hernia" not in table  # one image says nothing
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| test_resnet")]
    contenders = ["ours", "ours, equalised", "timm, tuned", "timm"]
    assert rows[:4] == [f"test_resnet, {name}" for name in contenders]
    assert first.count(" fold ") == 8
    for split in (tmp_path / "out" / "folds").glob("*.csv"):
        parts = pd.read_csv(split).assign(patient=lambda frame: frame.study_id.str[1:].astype(int) // 2)
        assert (parts.groupby("patient").part.nunique() == 1).all()
    second = run(tmp_path)
    assert " fold " not in second.replace("folds", "")
    assert second.splitlines()[-3:] == first.splitlines()[-3:]
