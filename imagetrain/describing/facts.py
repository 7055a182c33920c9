"""What a run knows of itself, in sentences: what checklists of reporting guidelines are filled with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagetrain.recipe import Data, StudyRecipe, TrainRecipe

Facts = dict[str, str]


def facts_of(
    study: StudyRecipe, manifest: Mapping[str, Any], label_manifest: Mapping[str, Any], leakage: Mapping[str, Any]
) -> Facts:
    """Name of a fact -> a sentence or two; what is not known is not there.

    Parameters
    ----------
    manifest:
        Of the first training run; empty where scores were made elsewhere, of which nothing is told.
    label_manifest:
        Of the label stage; empty where labels were made elsewhere.
    leakage:
        What ``train/leakage.json`` says; empty if there is none.
    """
    facts = {"labels": _labels(label_manifest), "privacy": _privacy(label_manifest), "thresholds": _thresholds(study)}
    if study.phantom is not None:
        facts["synthetic"] = (
            "The study is synthetic: a program made its reports and images. It says nothing of patients."
        )
    if study.data is not None and not study.evaluate.scores:
        facts |= _of_data(study.data, study.train, manifest) | {"leakage": _leakage(leakage)}
    if study.train is not None and manifest and not study.evaluate.scores:
        facts |= _of_training(study.train, manifest)
    return {name: text for name, text in facts.items() if text}


def _labels(manifest: Mapping[str, Any]) -> str:
    if not manifest:
        return ""
    template, schema = manifest["template"], manifest["schema"]
    text = (
        f"{manifest['n_reports']} radiology reports were labelled by {manifest['backend']} ({manifest['model']}), "
        f"findings of region {template['region']} (schema {schema['name']}, hash {schema['hash']}; template hash "
        f"{template['hash']})"
    )
    if manifest["backend"] != "rules":
        text += f", strategy {template['strategy']}, plan {template['plan']}"
    return f"{text}; {manifest['n_failed']} reports lack a full answer, {manifest['n_skipped']} had no text."


def _privacy(manifest: Mapping[str, Any]) -> str:
    privacy = manifest.get("privacy") or {}
    if privacy.get("action", "off") == "off":
        return ""
    kinds = ", ".join(privacy["kinds"])
    return (
        f"Reports were screened for identifiers ({kinds}), action {privacy['action']}: found in {privacy['n_reports']}."
    )


def _thresholds(study: StudyRecipe) -> str:
    rule = study.evaluate.threshold
    how = "largest sensitivity + specificity (Youden)" if rule == "youden" else f"sensitivity of {rule.sensitivity:g}"
    return f"Thresholds are chosen on validation ({how}) and frozen before any test set is looked at."


def _of_data(data: Data, train: TrainRecipe | None, manifest: Mapping[str, Any]) -> Facts:
    split, fractions = data.split, data.split.fractions
    shares = f"{fractions.train:g} / {fractions.validation:g} / {fractions.test:g} (training / validation / test)"
    if split.file is not None:
        how = f"The split was given as a file ({split.file.name})."
    elif split.folds:
        how = f"Patients of internal sites were drawn into {split.folds} folds, seed {split.seed}."
    else:
        how = f"Patients of internal sites were drawn into parts of {shares}, stratified by labels, seed {split.seed}."
    external = f" External sites, only tested on: {', '.join(split.external)}." if split.external else ""
    absent = {
        "require": "studies that lack a view were left out",
        "embed": "a learned vector stands for a view that is absent",
        "mask": "a view that is absent is masked",
    }
    equalised = "histogram equalisation, " if data.equalise else ""
    left_out = manifest.get("left_out") or {}
    rare = f"{len(left_out)} findings were too rare to train. " if left_out else ""
    return {
        "images": f"Radiographs, views {', '.join(data.views)}: {equalised}resized and padded to "
        f"{data.size} x {data.size} pixels, 8 bit.",
        "tables": f"Tables: labels {data.labels.name}, studies {data.studies.path.name}, images "
        f"{data.images.path.name}.",
        "split": how + external,
        "level": "The parts share no patient: the split is by patient.",
        "missing": f"Views: {absent[data.missing_views]}. Images that cannot be read: "
        f"{'the run stops' if data.bad_images == 'refuse' else 'left out and listed with reasons'}. Labels that are "
        f"missing or invalid are masked, cell by cell, in training and tests. {rare}No value is imputed.",
        "uncertain": _uncertain(train) if train is not None else "",
    }


def _uncertain(train: TrainRecipe) -> str:
    rules = (f"{name}: {run.rule_for_all.name}, not mentioned {run.not_mentioned}" for name, run in train.runs.items())
    return f"What becomes of uncertain labels in training and validation: {'; '.join(rules)}."


def _leakage(leakage: Mapping[str, Any]) -> str:
    if not leakage:
        return ""
    same, near = len(leakage["same_pixels"]), len(leakage["near_duplicates"])
    return f"Images of different patients were compared: {same} pairs have the same pixels, {near} are nearly equal."


def _of_training(train: TrainRecipe, manifest: Mapping[str, Any]) -> Facts:
    size = f", {manifest['n_parameters']:,} parameters" if "n_parameters" in manifest else ""
    start = f"pretrained ({train.pretrained.name})" if isinstance(train.pretrained, Path) else "pretrained, of timm"
    augment = train.augment.model_dump(exclude={"engine"})
    named = {name.replace("_", " "): value for name, value in augment.items() if value}
    changes = ", ".join(name if value is True else f"{name} {value:g}" for name, value in named.items())
    mixed = f"; mixup {train.mix.mixup:g}, cutmix {train.mix.cutmix:g}" if train.mix.on else ""
    weights = {"none": "Positives and negatives count alike", "balanced": "Positives are weighted by their rarity"}
    weighted = (
        weights.get(train.class_weights, "") if isinstance(train.class_weights, str) else "Positives are weighted"
    )
    outcome = "one probability a finding, of a sigmoid"
    patience = f", stopped after {train.patience} epochs without a better one" if train.patience else ""
    averaged = f", with averaged weights (decay {train.ema_decay:g})" if train.ema_decay else ""
    folds = manifest.get("folds")
    ensemble = f"Outside, logits are the mean of the networks of {len(folds)} folds." if folds else "One network a run."
    facts = {
        "model": f"{train.model} (timm){size}; {train.view_networks} networks for the views, features concatenated; "
        f"{outcome}.",
        "initial": f"Weights: {start if train.pretrained else 'random'}; seed {train.seed}.",
        "training": f"{train.optimiser}, learning rate {train.learning_rate:g} ({train.warmup_epochs:g} epochs of "
        f"warm-up), weight decay {train.weight_decay:g}, batch {train.batch_size}, {train.epochs} epochs{patience}; "
        f"loss {train.loss.name}; random changes to images: {changes or 'none'}{mixed}; precision {train.precision}.",
        "selection": f"The epoch with the best validation {train.best_by}{averaged}.",
        "ensemble": ensemble,
        "imbalance": f"{weighted}; loss {train.loss.name}. Probabilities are recalibrated on validation where the "
        "evaluation says so.",
        "files": "Each run's weights with its schema, thresholds and hashes: train/RUN/model.safetensors, with "
        "MODEL_CARD.md; the settings: manifest.json.",
    }
    if "device" in manifest:
        facts["device"] = f"Trained on {manifest['device']}."
    return facts
