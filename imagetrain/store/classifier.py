"""A classifier's file: weights and what they say about themselves, as safetensors; pickles are never loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radprompter.errors import InputError, SchemaError
from radprompter.files import write_bytes
from radprompter.labels import LabelSchema

CARD = "imagetrain.card"

Weights = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a classifier's file says about itself: all that is needed to use it, and what it was made from."""

    run: str
    model: str  # timm's name
    findings: tuple[str, ...]  # order of the outputs
    views: tuple[str, ...]  # order of the inputs
    size: int  # pixels
    equalise: bool
    layout: Mapping[str, Any]  # `imagetrain.learning.models.Layout`: channels, networks, absent views, scale
    thresholds: Mapping[str, float | None]  # logits; Youden's on validation, None where it is not defined
    label_schema: str  # canonical JSON of the label table's schema
    schema_hash: str
    policy: Mapping[str, Any]
    best_epoch: int
    validation_auroc: float | None
    hashes: Mapping[str, str]  # of the inputs
    versions: Mapping[str, str]


def save_model(path: Path, weights: Weights, card: ModelCard) -> None:
    """Write weights and card as one safetensors file."""
    from safetensors.numpy import save

    content = save({name: np.asarray(value, order="C") for name, value in weights.items()}, {CARD: _to_json(card)})
    write_bytes(path, content)


def read_model(path: Path, *, schema: LabelSchema | None = None) -> tuple[Weights, ModelCard]:
    """Weights and card of a classifier.

    Raises
    ------
    InputError
        If the file is absent, damaged or not one of ours. Pickles are never loaded.
    SchemaError
        If the classifier was trained on another label schema than the given one.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path}: no such classifier; train it with `imagetrain train`")
    refuse_pickle(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError) as error:
        reason = str(error).removeprefix("Error while deserializing header: ").strip()[:80]
        raise InputError(f"{path}: not a safetensors file, or a damaged one ({reason})") from None
    if CARD not in metadata:
        raise InputError(f"{path}: a safetensors file that `imagetrain train` did not write: its card is absent")
    card, theirs = _read_card(metadata[CARD], path)
    if schema is not None and schema.hash != card.schema_hash:
        raise SchemaError(
            f"{path}: trained on schema {theirs.name!r} ({len(theirs.names)} findings, {card.schema_hash}), "
            f"but the labels have {schema.name!r} ({len(schema.names)} findings, {schema.hash}); train it anew"
        )
    return weights, card


def _read_card(text: str, path: Path) -> tuple[ModelCard, LabelSchema]:
    """The card and its schema; an `InputError` if they say what cannot be."""
    from pydantic import TypeAdapter, ValidationError

    try:
        if strange := sorted(set(json.loads(text)) - {field.name for field in fields(ModelCard)}):
            raise InputError(f"{path}: its card has {strange[0]!r}, which is not known; is it of a newer version?")
        card = TypeAdapter(ModelCard).validate_json(text, strict=True)
        schema = LabelSchema.from_json(card.label_schema)
        wrong = [
            name
            for name, is_right in {
                "findings": card.findings and len(set(card.findings)) == len(card.findings),
                "views": card.views and len(set(card.views)) == len(card.views),
                "size": 32 <= card.size <= 2048,
                "thresholds": set(card.findings) <= set(card.thresholds)
                and all(value is None or math.isfinite(value) for value in card.thresholds.values()),
            }.items()
            if not is_right
        ]
    except ValidationError as error:
        wrong = [str(problem["loc"][0]) if problem["loc"] else "JSON" for problem in error.errors()]
    except (SchemaError, KeyError, TypeError, ValueError):
        wrong = ["label_schema"]
    if wrong:
        raise InputError(f"{path}: the {wrong[0]} of its card cannot be right; is the file damaged?")
    return card, schema


def refuse_pickle(path: Path) -> None:
    """Raise an `InputError` if a file begins as a pickle does, or as the archive that torch keeps one in."""
    with path.open("rb") as file:
        start = file.read(9)
    is_pickle = start[:1] == b"\x80" and start[1:2] in (b"\2", b"\3", b"\4", b"\5")
    if start[8:] != b"{" and (is_pickle or start[:4] == b"PK\x03\x04"):  # { begins a header, after its length
        raise InputError(f"{path}: a pickle, which may run any code when it is read: never loaded; use safetensors")


def _to_json(card: ModelCard) -> str:
    return json.dumps({field.name: asdict(card)[field.name] for field in fields(card)}, allow_nan=False)
