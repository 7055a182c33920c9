"""Every file of a training run: tables in; weights, predictions, epochs and manifests out, each whole or absent."""

from imagetrain.store.checkpoints import KeptCheckpoint, read_checkpoint, save_checkpoint
from imagetrain.store.classifier import CARD, ModelCard, Weights, read_model, save_model
from imagetrain.store.description import save_description
from imagetrain.store.results import read_manifest, read_predictions, save_epochs, save_predictions, save_split
from imagetrain.store.scores import ScoredTable, read_scores
from imagetrain.store.tables import (
    StudyRow,
    read_image_files,
    read_label_schema,
    read_label_table,
    read_labels,
    read_studies,
    texts_of,
    view_names,
)

__all__ = [
    "CARD",
    "KeptCheckpoint",
    "ModelCard",
    "ScoredTable",
    "StudyRow",
    "Weights",
    "read_checkpoint",
    "read_image_files",
    "read_label_schema",
    "read_label_table",
    "read_labels",
    "read_manifest",
    "read_model",
    "read_predictions",
    "read_scores",
    "read_studies",
    "save_checkpoint",
    "save_description",
    "save_epochs",
    "save_model",
    "save_predictions",
    "save_split",
    "texts_of",
    "view_names",
]
