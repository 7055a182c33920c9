"""Files to the rows of a pixel cache: what is new or has changed is read, in parallel; the rest stays."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from imagetrain.locks import locked
from imagetrain.radiographs.cache import (
    MANIFEST,
    PIXELS,
    CachedImage,
    ExcludedImage,
    ImageFile,
    Name,
    PixelCache,
    cached_image,
    open_cache,
    save_manifest,
)
from imagetrain.radiographs.guarded import LIMITS, Failed, Limits, children_for, run_guarded
from imagetrain.radiographs.squares import Preprocessing
from radprompter.errors import ImageError
from radprompter.files import reserve
from radprompter.terminal import Track, quiet

SHOWN = 5
SAVE_EVERY = 500  # images, or a twentieth of those that are done where that is more
LOCK = "cache.lock"
READ = "imagetrain.radiographs.reading:read_into_row"


def build_cache(
    images: Sequence[ImageFile],
    folder: Path,
    *,
    preprocessing: Preprocessing,
    bad_images: Literal["refuse", "exclude"] = "refuse",
    n_processes: int | None = None,
    limits: Limits = LIMITS,
    track: Track = quiet,
) -> PixelCache:
    """Bring the cache in a folder up to date with a list of images; reads only what is new or has changed.

    Files are read in child processes, so that one that cannot be read within the limits costs itself alone.

    Raises
    ------
    ImageError
        If files are absent or unusable and `bad_images` is ``refuse``; the message names the first of them. What could
        be read is kept in the cache.
    WriteError
        If the disk has no room for all images, the folder cannot be written, or another process is filling the cache;
        what the cache had is kept.
    """
    if bad_images == "refuse":
        _refuse([f"{i.path} (study {i.study_id}): no such image file" for i in images if not _is_there(i.path)])
    plan = _plan(images, folder, preprocessing)
    if plan.is_done:
        return PixelCache(folder, preprocessing, plan.n_rows, tuple(plan.done.values()), ())
    with locked(folder / LOCK, "is filling this cache, or uses it"):
        plan = _plan(images, folder, preprocessing)  # another process may have been filling it until now
        excluded: list[ExcludedImage] = []
        if plan.todo:
            _read_all(images, plan, excluded, _Into(folder, preprocessing, n_processes, limits), track)
        done = plan.done
        cache = _cache(folder, preprocessing, {index: done[index] for index in sorted(done)}, tuple(excluded))
        save_manifest(cache)
    if bad_images == "refuse":
        _refuse([image.reason for image in excluded])
    if not cache.images:
        raise ImageError(f"none of the {len(images)} images can be used; the first: {excluded[0].reason}")
    return replace(cache, n_read=len(plan.todo))


class _Plan(NamedTuple):
    """What is to be done: images by their place in the list."""

    known: dict[Name, CachedImage]
    done: dict[int, CachedImage]
    todo: list[int]
    n_rows: int

    @property
    def is_done(self) -> bool:
        return not self.todo and len(self.done) == len(self.known)


class _Into(NamedTuple):
    folder: Path
    preprocessing: Preprocessing
    n_processes: int | None
    limits: Limits


def _plan(images: Sequence[ImageFile], folder: Path, preprocessing: Preprocessing) -> _Plan:
    known = _known_images(folder, preprocessing)
    done, todo = {}, []
    for index, image in enumerate(images):
        entry = known.get(_name(image))
        if entry is not None and _is_unchanged(image, entry):
            done[index] = entry
        else:
            todo.append(index)
    return _Plan(known, done, todo, 1 + max((image.row for image in known.values()), default=-1))


def _read_all(
    images: Sequence[ImageFile], plan: _Plan, excluded: list[ExcludedImage], into: _Into, track: Track
) -> None:
    """Read what is to be read into rows of the cache; a row that a file did not fill is given to the next."""
    side = into.preprocessing.size
    most = plan.n_rows + len(plan.todo)
    reserve(into.folder / PIXELS, most * side * side)
    if not plan.known:  # what it knows is about to be overwritten
        (into.folder / MANIFEST).unlink(missing_ok=True)
    free = list(range(most - 1, plan.n_rows - 1, -1))
    rows: dict[int, int] = {}

    def tasks() -> Iterator[dict[str, Any]]:
        for place, index in enumerate(plan.todo):
            rows[place] = free.pop()
            entry = plan.known.get(_name(images[index]))
            yield {
                "file": str(images[index].path),
                "study_id": images[index].study_id,
                "pixels": str(into.folder / PIXELS),
                "n_rows": most,
                "row": rows[place],
                "size": side,
                "equalise": into.preprocessing.equalise,
                "known": entry and entry.sha256,
            }

    n_children = into.n_processes or children_for(len(plan.todo))
    results = run_guarded(READ, tasks(), n_children=n_children, limits=into.limits)
    with contextlib.closing(results), (into.folder / PIXELS).open("rb+") as file:
        for n, (place, result) in enumerate(track(results, "read images", len(plan.todo)), start=1):
            index = plan.todo[place]
            name = _name(images[index])
            if isinstance(result, Failed):
                result = {"reason": f"{images[index].path} (study {images[index].study_id}): {result.reason}"}
            if "pixels_hash" in result:
                named = dict(zip(("study_id", "view", "file"), name, strict=True))
                plan.done[index] = cached_image({**named, "row": rows[place], **result})
            else:
                free.append(rows[place])
                if "reason" in result:
                    excluded.append(ExcludedImage(*name, result["reason"]))
                else:  # the content is what it was
                    plan.done[index] = replace(plan.known[name], **result)
            if n % max(SAVE_EVERY, len(plan.done) // 20) == 0:
                os.fsync(file.fileno())
                save_manifest(_cache(into.folder, into.preprocessing, plan.done, ()))
        os.fsync(file.fileno())
        file.truncate((1 + max((image.row for image in plan.done.values()), default=-1)) * side * side)


def _cache(
    folder: Path, preprocessing: Preprocessing, done: dict[int, CachedImage], excluded: tuple[ExcludedImage, ...]
) -> PixelCache:
    n_rows = 1 + max((image.row for image in done.values()), default=-1)
    return PixelCache(folder, preprocessing, n_rows, tuple(done.values()), excluded)


def _name(image: ImageFile) -> Name:
    return image.study_id, image.view, str(image.path)


def _known_images(folder: Path, preprocessing: Preprocessing) -> dict[Name, CachedImage]:
    """What an earlier run cached with the same preprocessing."""
    try:
        cache = open_cache(folder)
    except ImageError:
        return {}
    if cache.preprocessing != preprocessing:
        return {}
    return {(image.study_id, image.view, image.file): image for image in cache.images}


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that no file system has
        return False


def _is_unchanged(image: ImageFile, entry: CachedImage) -> bool:
    try:
        facts = image.path.stat()
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) == (entry.n_bytes, entry.mtime_ns)


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        more = f"\nand {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ImageError("\n".join(problems[:SHOWN]) + more + "\n(data.bad_images: exclude leaves their studies out)")
