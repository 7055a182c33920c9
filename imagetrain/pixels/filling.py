"""Files to the rows of a pixel cache: what is new or has changed is read, in parallel; the rest stays."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imagetrain.pixels.cache import (
    PIXELS,
    CachedImage,
    ExcludedImage,
    ImageFile,
    Name,
    PixelCache,
    open_cache,
    save_manifest,
)
from imagetrain.pixels.images import read_radiograph
from imagetrain.pixels.squares import Preprocessing, to_square
from radprompter.errors import ImageError
from radprompter.files import reserve
from radprompter.terminal import Track, quiet

SHOWN = 5
SAVE_EVERY = 500  # images


def build_cache(
    images: Sequence[ImageFile],
    folder: Path,
    *,
    preprocessing: Preprocessing,
    bad_images: Literal["refuse", "exclude"] = "refuse",
    n_threads: int | None = None,
    track: Track = quiet,
) -> PixelCache:
    """Bring the cache in a folder up to date with a list of images; reads only what is new or has changed.

    Raises
    ------
    ImageError
        If files are absent or unusable and `bad_images` is ``refuse``; the message names the first of them. What could
        be read is kept in the cache.
    WriteError
        If the disk has no room for all images, or the folder cannot be written; what the cache had is kept.
    """
    if bad_images == "refuse":
        _refuse([f"{i.path} (study {i.study_id}): no such image file" for i in images if not i.path.is_file()])
    known = _known_images(folder, preprocessing)
    n_rows = 1 + max((image.row for image in known.values()), default=-1)
    done: dict[int, CachedImage] = {}
    todo: list[int] = []
    for index, image in enumerate(images):
        entry = known.get(_name(image))
        if entry is not None and _is_unchanged(image, entry):
            done[index] = entry
        else:
            todo.append(index)
    if not todo and len(done) == len(known):
        return PixelCache(folder, preprocessing, n_rows, tuple(done.values()), ())

    side = preprocessing.size
    excluded: list[ExcludedImage] = []
    if todo:
        reserve(folder / PIXELS, (n_rows + len(todo)) * side * side)
        pixels = np.memmap(folder / PIXELS, dtype=np.uint8, mode="r+", shape=(n_rows + len(todo), side, side))
        work = ((images[index], known.get(_name(images[index]))) for index in todo)
        read = _in_threads(work, preprocessing, n_threads)
        for n, (offset, result) in enumerate(track(read, "read images", len(todo)), start=1):
            index = todo[offset]
            if isinstance(result, ImageError):
                excluded.append(ExcludedImage(*_name(images[index]), str(result)))
                continue
            square, facts = result
            if square is None:  # the content is what it was
                row = known[_name(images[index])].row
            else:
                row, n_rows = n_rows, n_rows + 1
                pixels[row] = square
            done[index] = CachedImage(*_name(images[index]), row, **facts)
            if n % SAVE_EVERY == 0:
                pixels.flush()
                save_manifest(PixelCache(folder, preprocessing, n_rows, tuple(done.values()), ()))
        pixels.flush()
        del pixels
        os.truncate(folder / PIXELS, n_rows * side * side)
    cache = PixelCache(folder, preprocessing, n_rows, tuple(done[index] for index in sorted(done)), tuple(excluded))
    save_manifest(cache)
    if bad_images == "refuse":
        _refuse([image.reason for image in excluded])
    if not cache.images:
        raise ImageError(f"none of the {len(images)} images can be used; the first: {excluded[0].reason}")
    return cache


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


Work = tuple[ImageFile, CachedImage | None]
Read = tuple[NDArray[np.uint8] | None, dict[str, Any]]


def _read(work: Work, preprocessing: Preprocessing) -> Read | ImageError:
    image, entry = work
    try:
        facts = image.path.stat()
        radiograph = read_radiograph(image.path, study=image.study_id)
        height, width = radiograph.pixels.shape
        known = entry is not None and entry.sha256 == radiograph.sha256
        square = None if known else to_square(radiograph.pixels, preprocessing)
    except ImageError as error:
        return error
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        reason = "no such image file" if absent else error.strerror or type(error).__name__
        return ImageError(f"{image.path} (study {image.study_id}): {reason}")
    return square, {
        "sha256": radiograph.sha256,
        "n_bytes": facts.st_size,
        "mtime_ns": facts.st_mtime_ns,
        "height": height,
        "width": width,
    }


def _in_threads(
    work: Iterable[Work], preprocessing: Preprocessing, n_threads: int | None
) -> Iterator[tuple[int, Read | ImageError]]:
    """Results with their place in the input, as they come; only a few images are in memory at a time."""
    n_threads = n_threads or os.cpu_count() or 1
    items = enumerate(work)
    with warnings.catch_warnings(), ThreadPoolExecutor(n_threads) as pool:
        warnings.filterwarnings("ignore", module=r"pydicom\.")  # odd values in tags that are not used here
        running: dict[Future[Read | ImageError], int] = {}
        exhausted = False
        while running or not exhausted:
            while not exhausted and len(running) < 4 * n_threads:
                item = next(items, None)
                if item is None:
                    exhausted = True
                else:
                    running[pool.submit(_read, item[1], preprocessing)] = item[0]
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield running.pop(future), future.result()
