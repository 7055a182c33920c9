"""Labels, studies and cached images joined by study id: what can be trained on, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.cache import ExcludedImage, ImageFile, PixelCache, open_cache
from imagetrain.radiographs.filling import build_cache
from imagetrain.radiographs.squares import Preprocessing
from imagetrain.radiographs.views import first_of_each_view, named_by_tags, pictured
from imagetrain.recipe import Data, Images, TrainRecipe
from imagetrain.records import TRAIN, Split, Targets
from imagetrain.store import StudyRow, read_image_files, read_studies, view_names
from imagetrain.targets.splits import make_splits
from imagetrain.teaching import (
    Lessons,
    make_lessons,
    read_lessons,
    refuse_untrainable,
    select_findings,
    unlabelled,
    untrainable,
)
from radprompter.errors import TableError
from radprompter.labels import LabelSchema, LabelState
from radprompter.terminal import Track, quiet

SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What the runs of a recipe share in one fold: studies, split and findings; they differ only in their targets.

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
        Finding -> why it is not trained on. Decided once for all runs and folds, so that they can be compared.
    excluded:
        Study -> why it is not used.
    unused:
        File -> why this image of a study is not used.
    fold:
        From 1; None without folds.
    """

    schema: LabelSchema
    split: Split
    rows: NDArray[np.int64]
    targets: Mapping[str, Targets]
    left_out: Mapping[str, str]
    excluded: Mapping[str, str]
    unused: Mapping[str, str]
    fold: int | None = None

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings that are trained on, in the order of the schema."""
        return next(iter(self.targets.values())).findings

    def where(self, *parts: str) -> NDArray[np.int64]:
        """Indices of the studies of some parts."""
        return np.flatnonzero(np.isin(self.split.parts, parts))


def cache_images(images: Images, views: Sequence[str], folder: Path, *, data: Data, track: Track = quiet) -> PixelCache:
    """The pixel cache of the images of a table, brought up to date; size and equalisation are those of `data`."""
    files, unused = _files(images, views)
    cache = build_cache(
        files,
        folder,
        preprocessing=Preprocessing(data.size, data.equalise),
        bad_images=data.bad_images,
        track=track,
    )
    return _named(replace(cache, unused=tuple(unused)), images, views)


def open_images(images: Images, views: Sequence[str], folder: Path) -> PixelCache:
    """The pixel cache that `cache_images` made, as it is; an `ImageError` if there is none."""
    cache = open_cache(folder)
    _, unused = _files(images, views)
    return _named(replace(cache, unused=tuple(unused)), images, views)


def _files(images: Images, views: Sequence[str]) -> tuple[list[ImageFile], list[ExcludedImage]]:
    files = read_image_files(images, views)
    if images.several == "first" and images.view_from == "table":
        return first_of_each_view(files)
    return files, []


def _named(cache: PixelCache, images: Images, views: Sequence[str]) -> PixelCache:
    if images.view_from == "table":
        return cache
    return named_by_tags(cache, view_names(images, views), several=images.several)


def prepare(data: Data, train: TrainRecipe, cache: PixelCache) -> tuple[Prepared, ...]:
    """Join labels, studies and cached pixels, split the studies, and make the targets of every run, fold by fold.

    Without folds there is one. Studies, findings, and what is left out are the same in all.

    Raises
    ------
    TableError
        If the tables have no study in common.
    SplitError
        If a patient would be in two parts.
    SchemaError
        If a named finding does not exist, or none can be trained on.
    """
    lessons = read_lessons(data, train)
    studies, excluded = _usable(data, lessons, cache)
    wide = lessons.tested.wide().loc[[study.study_id for study in studies]]
    states = wide.to_numpy(dtype=object)
    splits = make_splits(
        [study.study_id for study in studies],
        [study.patient_id for study in studies],
        [study.site for study in studies],
        strata=np.hstack([states == str(LabelState.POSITIVE), states == str(LabelState.UNCERTAIN)]),
        recipe=data.split,
    )
    unsplit = "in no part of the split file" if data.split.file else "its site is neither internal nor external"
    used = set(splits[0].study_ids)
    excluded |= {study.study_id: unsplit for study in studies if study.study_id not in used}

    targets = [make_lessons(lessons, train, split) for split in splits]
    reasons = untrainable(targets, [np.array(split.parts) == TRAIN for split in splits], data.min_positives)
    findings = lessons.tested.schema.names
    refuse_untrainable(reasons, findings)
    kept = [name for name in findings if name not in reasons]
    whole = Prepared(
        schema=lessons.schema,
        split=splits[0],
        rows=rows_of(cache, data.views, splits[0].study_ids),
        targets={},
        left_out=reasons,
        excluded=excluded,
        unused={image.file: image.reason for image in (*cache.excluded, *cache.unused)},
    )
    return tuple(
        replace(
            whole,
            split=split,
            targets={run: select_findings(target, kept) for run, target in of_runs.items()},
            fold=number if data.split.folds else None,
        )
        for number, (split, of_runs) in enumerate(zip(splits, targets, strict=True), start=1)
    )


def rows_of(cache: PixelCache, views: Sequence[str], study_ids: Sequence[str]) -> NDArray[np.int64]:
    """Rows in the cache of the images of studies, int64 ``(n_studies, n_views, n_images)``; -1 where there is none."""
    found = cache.rows(views)
    n_images = max((len(rows) for study in study_ids for rows in found[study]), default=0)
    padded = [[(*rows, *[-1] * (n_images - len(rows))) for rows in found[study]] for study in study_ids]
    return np.array(padded, dtype=np.int64).reshape(len(study_ids), len(views), n_images)


def counts(targets: Targets, split: Split) -> dict[str, dict[str, dict[str, int]]]:
    """Part -> finding -> how many targets are positive, negative, something in between (soft), and masked."""
    parts = np.array(split.parts)
    return {
        part: {
            finding: {
                "positive": int((mask & (values == 1)).sum()),
                "negative": int((mask & (values == 0)).sum()),
                "soft": int((mask & (values > 0) & (values < 1)).sum()),
                "masked": int((~mask).sum()),
            }
            for finding, values, mask in zip(
                targets.findings, targets.values[parts == part].T, targets.mask[parts == part].T, strict=True
            )
        }
        for part in dict.fromkeys(split.parts)
    }


def _usable(data: Data, lessons: Lessons, cache: PixelCache) -> tuple[list[StudyRow], dict[str, str]]:
    """Studies with labels and the views that are needed, and why the others are not used."""
    studies = read_studies(data.studies)
    found, incomplete = pictured(cache, data.views, data.missing_views)
    shown = set(found)
    excluded = unlabelled(lessons, [study.study_id for study in studies])
    for study in studies:
        if study.study_id not in shown:
            excluded.setdefault(study.study_id, incomplete.get(study.study_id, "no images"))
    usable = [study for study in studies if study.study_id not in excluded]
    if not usable:
        ids = {
            f"labels ({data.labels})": sorted(lessons.tested.report_ids),
            f"studies ({data.studies.path})": sorted(study.study_id for study in studies),
            f"images ({data.images.path})": sorted(found),
        } | {
            f"train.runs.{name}.labels": sorted(table.report_ids)
            for name, table in lessons.taught.items()
            if table is not lessons.tested
        }
        lines = "\n".join(f"  {name}: {len(some)}, such as {', '.join(some[:SHOWN])}" for name, some in ids.items())
        raise TableError(f"no study id is in all tables; is an id column wrong?\n{lines}")
    order = {study.study_id: place for place, study in enumerate(studies)}
    return usable, dict(sorted(excluded.items(), key=lambda item: order[item[0]]))
