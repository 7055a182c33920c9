"""Every file of a training run: tables in; weights, predictions, epochs and manifests out, each whole or absent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.pixels.cache import ImageFile
from imagetrain.recipe import Data, Images, Studies
from imagetrain.records import PARTS, Predictions, Split
from radprompter.errors import InputError, RecipeError, SchemaError, TableError
from radprompter.files import atomic, read_table, write_bytes, write_text
from radprompter.label_table import LabelTable
from radprompter.labels import FindingSpec, LabelSchema

CARD = "imagetrain.card"
LOGIT, TARGET = "logit:", "target:"

Weights = dict[str, NDArray[Any]]


class StudyRow(NamedTuple):
    """Whose study it is and where it was made."""

    study_id: str
    patient_id: str
    site: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a classifier's file says about itself: all that is needed to use it, and what it was made from."""

    run: str
    model: str  # timm's name
    findings: tuple[str, ...]  # order of the outputs
    views: tuple[str, ...]  # order of the inputs
    size: int  # pixels
    equalise: bool
    thresholds: Mapping[str, float | None]  # logits; Youden's on validation, None where it is not defined
    label_schema: str  # canonical JSON of the label table's schema
    schema_hash: str
    policy: Mapping[str, Any]
    best_epoch: int
    validation_auroc: float | None
    hashes: Mapping[str, str]  # of the inputs
    versions: Mapping[str, str]


def read_labels(data: Data) -> LabelTable:
    """The label table of a recipe: what `radprompter label` wrote, or a table of one's own.

    A table of one's own has one row a study and one column a finding, with states (``positive``) or CheXpert codes
    (1, 0, -1, blank); its ids are in a column named as in the table of studies.

    Raises
    ------
    TableError
        If the file is absent, cannot be read, or holds what is no state.
    SchemaError
        If it is Parquet but no label table.
    RecipeError
        If it is a table of one's own and the recipe does not name its findings.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = data.labels
    if not path.is_file():
        raise TableError(f"{path}: no such label table; write it with `radprompter label`")
    if path.suffix != ".parquet":
        if data.findings is None:
            raise RecipeError(f"data.findings: name the columns of {path} that are findings")
        schema = LabelSchema(path.stem, tuple(FindingSpec(name, title=name) for name in data.findings))
        table = LabelTable.from_wide(read_table(path), schema, source=str(path), id_column=data.studies.id)
        absent = [name for name in data.findings if name not in table.schema.names]
        if absent:
            raise TableError(f"{path}: no column {', '.join(map(repr, absent))}, which data.findings names")
        return table
    try:
        return LabelTable.from_arrow(pq.read_table(path))
    except (pa.ArrowInvalid, OSError):
        raise TableError(f"{path}: not a Parquet file; expected the labels.parquet of `radprompter label`") from None
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from None


def read_studies(recipe: Studies) -> list[StudyRow]:
    """The table of studies, in its order.

    Raises
    ------
    TableError
        If a column is absent, a study id repeats, or a study has no patient.
    """
    columns = [recipe.id, recipe.patient, *([recipe.site] if recipe.site else [])]
    frame = read_table(recipe.path, required=columns)
    sites = frame[recipe.site].astype(str) if recipe.site else [""] * len(frame)
    columns_of = (frame[recipe.id].astype(str), frame[recipe.patient].astype(str), sites)
    rows = [StudyRow(*row) for row in zip(*columns_of, strict=True)]
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        if row.study_id in seen:
            raise TableError(f"{recipe.path}:{line}: study {row.study_id!r} stands twice; expected one row a study")
        if not row.patient_id.strip():
            raise TableError(f"{recipe.path}:{line}: study {row.study_id!r} has no {recipe.patient}")
        seen.add(row.study_id)
    return rows


def read_image_files(recipe: Images, views: Sequence[str]) -> list[ImageFile]:
    """The files of the wanted views, in the order of the table; of several of the same study and view, the first.

    Raises
    ------
    TableError
        If a column is absent, or no image has a wanted view.
    RecipeError
        If two views are wanted of a table without a column of views.
    """
    if recipe.view is None and len(views) > 1:
        raise RecipeError(f"data.views names {len(views)} views, but data.images.view is null: which file is which?")
    frame = read_table(recipe.path, required=[recipe.id, recipe.file, *([recipe.view] if recipe.view else [])])
    named = frame[recipe.view].astype(str) if recipe.view else [views[0]] * len(frame)
    root = recipe.root if recipe.root is not None else recipe.path.parent
    images: dict[tuple[str, str], ImageFile] = {}
    for study, view, file in zip(frame[recipe.id].astype(str), named, frame[recipe.file].astype(str), strict=True):
        if view in views:
            images.setdefault((study, view), ImageFile(study, view, root / file))
    absent = [view for view in views if not any(key[1] == view for key in images)]
    if absent:
        raise TableError(f"{recipe.path}: no image has view {absent[0]!r}; it has: {', '.join(sorted(set(named)))}")
    return list(images.values())


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
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError):
        raise InputError(f"{path}: not a safetensors file, or a damaged one") from None
    try:
        data = json.loads(metadata[CARD])
        card = ModelCard(**{**data, "findings": tuple(data["findings"]), "views": tuple(data["views"])})
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{path}: a safetensors file that `imagetrain train` did not write: its card is absent"
        ) from None
    if schema is not None and schema.hash != card.schema_hash:
        theirs = LabelSchema.from_json(card.label_schema)
        raise SchemaError(
            f"{path}: trained on schema {theirs.name!r} ({len(theirs.names)} findings, {card.schema_hash}), "
            f"but the labels have {schema.name!r} ({len(schema.names)} findings, {schema.hash}); train it anew"
        )
    return weights, card


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions.parquet: ids, site, split, then a logit and a target column a finding, float32."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        "study_id": list(predictions.study_ids),
        "patient_id": list(predictions.patient_ids),
        "site": list(predictions.sites),
        "split": list(predictions.parts),
    }
    for prefix, values in ((LOGIT, predictions.logits), (TARGET, predictions.targets)):
        for column, finding in enumerate(predictions.findings):
            columns[prefix + finding] = np.ascontiguousarray(values[:, column], dtype=np.float32)
    with atomic(path) as part:
        pq.write_table(pa.table(columns), part)


def read_predictions(path: Path) -> Predictions:
    """Inverse of `save_predictions`.

    Raises
    ------
    TableError
        If the file is absent, or not a table of predictions.
    """
    frame = read_table(path, required=("study_id", "patient_id", "site", "split"))
    findings = tuple(name.removeprefix(LOGIT) for name in frame.columns if name.startswith(LOGIT))
    lacking = [TARGET + finding for finding in findings if TARGET + finding not in frame.columns]
    if not findings or lacking:
        raise TableError(f"{path}: not a table of predictions: no column {(lacking or [LOGIT + '...'])[0]!r}")
    parts = tuple(frame["split"])
    if strangers := sorted(set(parts) - set(PARTS)):
        raise TableError(f"{path}: split {strangers[0]!r} is not one of {', '.join(PARTS)}")
    return Predictions(
        tuple(frame["study_id"]),
        tuple(frame["patient_id"]),
        tuple(frame["site"]),
        parts,
        findings,
        frame[[LOGIT + finding for finding in findings]].to_numpy(dtype=np.float32),
        frame[[TARGET + finding for finding in findings]].to_numpy(dtype=np.float32),
    )


def save_split(path: Path, split: Split) -> None:
    """Write split.csv, which a recipe's `data.split.file` may name."""
    import pandas as pd

    columns = (split.study_ids, split.patient_ids, split.sites, split.parts)
    names = ("study_id", "patient_id", "site", "part")
    write_text(path, pd.DataFrame(dict(zip(names, columns, strict=True))).to_csv(index=False))


def save_epochs(path: Path, epochs: Iterable[Any]) -> None:
    """Write epochs.jsonl: one dataclass a line."""
    import orjson

    write_bytes(path, b"".join(orjson.dumps(epoch) + b"\n" for epoch in epochs))


def _to_json(card: ModelCard) -> str:
    return json.dumps({field.name: asdict(card)[field.name] for field in fields(card)}, allow_nan=False)
