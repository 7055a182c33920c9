"""Labels, studies and cached images joined by study id: what can be trained on, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagetrain.pixels.cache import PixelCache
from imagetrain.pixels.filling import build_cache
from imagetrain.pixels.squares import Preprocessing
from imagetrain.pixels.views import first_of_each_view, pictured
from imagetrain.recipe import Data, Images, PolicyRecipe, TrainRecipe
from imagetrain.records import TRAIN, VALIDATION, Split, Targets
from imagetrain.store import StudyRow, read_image_files, read_labels, read_studies
from imagetrain.targets.policies import left_out, make_targets, refuse_unknown
from imagetrain.targets.splits import make_split
from radprompter.errors import SchemaError, TableError
from radprompter.label_table import LabelTable
from radprompter.labels import LabelSchema, LabelState
from radprompter.terminal import Track, quiet

SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What the runs of a recipe share: studies, split and findings; they differ only in their targets.

    Parameters
    ----------
    schema:
        Of the label table, with all its findings.
    split:
        The studies that are used, in the order of the table of studies.
    rows:
        int64 ``(n_studies, n_views, n_images)``: where the pixels are in the cache, -1 where there is no such image.
    targets:
        Run -> its targets in training and validation. In test and external parts, uncertain labels are masked in
        every run: what a classifier is tested against must not depend on what it was told.
    left_out:
        Finding -> why it is not trained on. Decided once for all runs, so that they can be compared.
    excluded:
        Study -> why it is not used.
    unused:
        File -> why this image of a study is not used.
    """

    schema: LabelSchema
    split: Split
    rows: NDArray[np.int64]
    targets: Mapping[str, Targets]
    left_out: Mapping[str, str]
    excluded: Mapping[str, str]
    unused: Mapping[str, str]

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings that are trained on, in the order of the schema."""
        return next(iter(self.targets.values())).findings

    def where(self, *parts: str) -> NDArray[np.int64]:
        """Indices of the studies of some parts."""
        return np.flatnonzero(np.isin(self.split.parts, parts))


def cache_images(images: Images, views: Sequence[str], folder: Path, *, data: Data, track: Track = quiet) -> PixelCache:
    """The pixel cache of the images of a table, brought up to date; size and equalisation are those of `data`."""
    files = read_image_files(images, views)
    files, unused = first_of_each_view(files) if images.several == "first" else (files, [])
    cache = build_cache(
        files,
        folder,
        preprocessing=Preprocessing(data.size, data.equalise),
        bad_images=data.bad_images,
        track=track,
    )
    return replace(cache, unused=tuple(unused))


def prepare(data: Data, train: TrainRecipe, cache: PixelCache) -> Prepared:
    """Join labels, studies and cached pixels, split the studies, and make the targets of every run.

    Raises
    ------
    TableError
        If the tables have no study in common.
    SplitError
        If a patient would be in two parts.
    SchemaError
        If a named finding does not exist, or none can be trained on.
    """
    whole = read_labels(data)
    table = _chosen(whole, data.findings)
    for recipe in train.runs.values():
        refuse_unknown(recipe.per_finding, table.schema)
    if isinstance(train.class_weights, dict):
        refuse_unknown(train.class_weights, table.schema)
    studies, excluded = _usable(data, table, cache)
    wide = table.wide().loc[[study.study_id for study in studies]]
    states = wide.to_numpy(dtype=object)
    strata = np.hstack([states == str(LabelState.POSITIVE), states == str(LabelState.UNCERTAIN)])
    split = make_split(
        [study.study_id for study in studies],
        [study.patient_id for study in studies],
        [study.site for study in studies],
        strata=strata,
        recipe=data.split,
    )
    unsplit = "in no part of the split file" if data.split.file else "its site is neither internal nor external"
    excluded |= {study.study_id: unsplit for study in studies if study.study_id not in set(split.study_ids)}

    position = {study: index for index, study in enumerate(table.report_ids)}
    order = np.array([position[study] for study in split.study_ids])
    parts = np.array(split.parts)
    targets = {name: _targets(table, recipe, order, parts) for name, recipe in train.runs.items()}
    reasons = _left_out(targets, parts == TRAIN, data.min_positives)
    kept = [name for name in table.schema.names if name not in reasons]
    if not kept:
        shown = "\n".join(f"  {name}: {reason}" for name, reason in list(reasons.items())[:SHOWN])
        raise SchemaError(f"no finding can be trained on, of {len(reasons)}:\n{shown}")
    return Prepared(
        schema=whole.schema,
        split=split,
        rows=rows_of(cache, data.views, split.study_ids),
        targets={name: _columns(target, kept) for name, target in targets.items()},
        left_out=reasons,
        excluded=excluded,
        unused={image.file: image.reason for image in (*cache.excluded, *cache.unused)},
    )


def rows_of(cache: PixelCache, views: Sequence[str], study_ids: Sequence[str]) -> NDArray[np.int64]:
    """Rows in the cache of the images of studies, int64 ``(n_studies, n_views, n_images)``; -1 where there is none."""
    found = cache.rows(views)
    n_images = max((len(rows) for study in study_ids for rows in found[study]), default=0)
    padded = [[(*rows, *[-1] * (n_images - len(rows))) for rows in found[study]] for study in study_ids]
    return np.array(padded, dtype=np.int64).reshape(len(study_ids), len(views), n_images)


def counts(targets: Targets, split: Split) -> dict[str, dict[str, dict[str, int]]]:
    """Part -> finding -> how many targets are positive, negative and masked."""
    parts = np.array(split.parts)
    return {
        part: {
            finding: {
                "positive": int((mask & (values > 0.5)).sum()),
                "negative": int((mask & (values <= 0.5)).sum()),
                "masked": int((~mask).sum()),
            }
            for finding, values, mask in zip(
                targets.findings, targets.values[parts == part].T, targets.mask[parts == part].T, strict=True
            )
        }
        for part in dict.fromkeys(split.parts)
    }


def _chosen(table: LabelTable, findings: Sequence[str] | None) -> LabelTable:
    if findings is None:
        return table
    refuse_unknown(findings, table.schema)
    return table.select(table.schema.select(findings, name=table.schema.name))


def _usable(data: Data, table: LabelTable, cache: PixelCache) -> tuple[list[StudyRow], dict[str, str]]:
    """Studies with labels and the views that are needed, and why the others are not used."""
    studies = read_studies(data.studies)
    labelled = set(table.report_ids)
    found, incomplete = pictured(cache, data.views, data.missing_views)
    shown = set(found)
    excluded = {}
    for study in studies:
        if study.study_id not in labelled:
            excluded[study.study_id] = "no labels"
        elif study.study_id not in shown:
            excluded[study.study_id] = incomplete.get(study.study_id, "no images")
    usable = [study for study in studies if study.study_id not in excluded]
    if not usable:
        ids = {
            f"labels ({data.labels})": sorted(labelled),
            f"studies ({data.studies.path})": sorted(study.study_id for study in studies),
            f"images ({data.images.path})": sorted(found),
        }
        lines = "\n".join(f"  {name}: {len(some)}, such as {', '.join(some[:SHOWN])}" for name, some in ids.items())
        raise TableError(f"no study id is in all three tables; is an id column wrong?\n{lines}")
    return usable, excluded


def _targets(table: LabelTable, recipe: PolicyRecipe, order: NDArray[np.int64], parts: NDArray[np.str_]) -> Targets:
    """Targets of one run in the order of the split; only training and validation follow the run's policy."""
    taught = make_targets(table, recipe.policy, not_mentioned=recipe.not_mentioned, per_finding=recipe.per_finding)
    tested = make_targets(table, "ignore", not_mentioned=recipe.not_mentioned)
    teaches = np.isin(parts, (TRAIN, VALIDATION))[:, None]
    return Targets(
        tuple(table.report_ids[i] for i in order),
        table.schema.names,
        np.where(teaches, taught.values[order], tested.values[order]),
        np.where(teaches, taught.mask[order], tested.mask[order]),
    )


def _left_out(targets: Mapping[str, Targets], training: NDArray[np.bool_], min_positives: int) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for run, target in targets.items():
        for finding, reason in left_out(target, training, min_positives=min_positives).items():
            reasons.setdefault(finding, reason if len(targets) == 1 else f"{reason} (run {run})")
    return reasons


def _columns(targets: Targets, findings: Sequence[str]) -> Targets:
    columns = [targets.findings.index(finding) for finding in findings]
    return Targets(targets.study_ids, tuple(findings), targets.values[:, columns], targets.mask[:, columns])
