"""The pixel cache: every radiograph at the training size, once, as uint8 in one memory-mapped file.

``pixels.u8`` holds ``(n_rows, size, size)`` bytes; ``manifest.json`` says which row is which image. Rows are only ever
added, and the manifest is written after them, so that a killed run goes on where it stopped. An image is read again
only if its size or time has changed, and put in again only if its content has.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.pixels.images import Preprocessing, read_radiograph, to_square
from radprompter.errors import ImageError
from radprompter.files import digest, read_json, reserve, write_json
from radprompter.terminal import Track, quiet

PIXELS, MANIFEST = "pixels.u8", "manifest.json"
FORMAT = 1  # raised when the same settings would give other pixels
SHOWN = 5
SAVE_EVERY = 500  # images


class ImageFile(NamedTuple):
    """One image of a study, as the table of images names it."""

    study_id: str
    view: str
    path: Path


@dataclass(frozen=True, slots=True)
class CachedImage:
    """One row of the cache and the file that it was made from."""

    study_id: str
    view: str
    file: str
    row: int
    sha256: str
    n_bytes: int
    mtime_ns: int
    height: int  # pixels of the file
    width: int


@dataclass(frozen=True, slots=True)
class PixelCache:
    """Cached images, by study and view.

    Parameters
    ----------
    images:
        In the order of the table of images.
    excluded:
        Images that could not be used, ``study_id/view`` -> reason.
    """

    folder: Path
    preprocessing: Preprocessing
    n_rows: int
    images: tuple[CachedImage, ...]
    excluded: Mapping[str, str]

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The memory-mapped pixels, read-only, ``(n_rows, size, size)``."""
        side = self.preprocessing.size
        return np.memmap(self.folder / PIXELS, dtype=np.uint8, mode="r", shape=(self.n_rows, side, side))

    @property
    def hash(self) -> str:
        """Changes when the pixels do, but not when a file is merely touched or moved."""
        images = sorted((image.study_id, image.view, image.sha256) for image in self.images)
        return digest([_key(self.preprocessing), images])

    def rows(self, views: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Study id -> the row of each view, for the studies that have all of them."""
        found: dict[str, dict[str, int]] = {}
        for image in self.images:
            found.setdefault(image.study_id, {})[image.view] = image.row
        return {study: tuple(rows[view] for view in views) for study, rows in found.items() if set(views) <= set(rows)}

    def incomplete(self, views: Sequence[str]) -> dict[str, str]:
        """Study id -> why it cannot be used, for the studies that lack a view."""
        found: dict[str, set[str]] = {}
        for image in self.images:
            found.setdefault(image.study_id, set()).add(image.view)
        for name in self.excluded:
            found.setdefault(name.rpartition("/")[0], set())
        reasons = {}
        for study, present in found.items():
            if missing := [view for view in views if view not in present]:
                bad = [self.excluded[name] for view in missing if (name := f"{study}/{view}") in self.excluded]
                reasons[study] = "; ".join(bad) or f"no {' and no '.join(missing)} image"
        return reasons


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
        entry = known.get((image.study_id, image.view))
        if entry is not None and _is_unchanged(image, entry):
            done[index] = entry
        else:
            todo.append(index)
    if not todo and len(done) == len(known):
        return PixelCache(folder, preprocessing, n_rows, tuple(done.values()), {})

    side = preprocessing.size
    excluded: dict[str, str] = {}
    if todo:
        reserve(folder / PIXELS, (n_rows + len(todo)) * side * side)
        pixels = np.memmap(folder / PIXELS, dtype=np.uint8, mode="r+", shape=(n_rows + len(todo), side, side))
        work = ((images[index], known.get((images[index].study_id, images[index].view))) for index in todo)
        read = _in_threads(work, preprocessing, n_threads)
        for n, (offset, result) in enumerate(track(read, "read images", len(todo)), start=1):
            index = todo[offset]
            if isinstance(result, ImageError):
                excluded[f"{images[index].study_id}/{images[index].view}"] = str(result)
                continue
            square, facts = result
            if square is None:  # the content is what it was
                row = known[images[index].study_id, images[index].view].row
            else:
                row, n_rows = n_rows, n_rows + 1
                pixels[row] = square
            done[index] = CachedImage(images[index].study_id, images[index].view, str(images[index].path), row, **facts)
            if n % SAVE_EVERY == 0:
                pixels.flush()
                _save(folder, PixelCache(folder, preprocessing, n_rows, tuple(done.values()), {}))
        pixels.flush()
        del pixels
        os.truncate(folder / PIXELS, n_rows * side * side)
    cache = PixelCache(folder, preprocessing, n_rows, tuple(done[index] for index in sorted(done)), excluded)
    _save(folder, cache)
    if bad_images == "refuse":
        _refuse(list(excluded.values()))
    if not cache.images:
        raise ImageError(f"none of the {len(images)} images can be used; the first: {next(iter(excluded.values()))}")
    return cache


def open_cache(folder: Path) -> PixelCache:
    """The cache that is in a folder.

    Raises
    ------
    ImageError
        If there is none, or it is damaged.
    """
    try:
        data = read_json(folder / MANIFEST)
        preprocessing = Preprocessing(**data["preprocessing"])
        images = tuple(CachedImage(**image) for image in data["images"])
        n_rows = int(data["n_rows"])
        whole = data["format"] == FORMAT and (folder / PIXELS).stat().st_size >= n_rows * preprocessing.size**2
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ImageError(f"{folder}: no usable pixel cache; write it with `imagetrain cache`")
    return PixelCache(folder, preprocessing, n_rows, images, data["excluded"])


def _key(preprocessing: Preprocessing) -> str:
    return digest({"format": FORMAT, **preprocessing._asdict()})


def _save(folder: Path, cache: PixelCache) -> None:
    images = [asdict(image) for image in cache.images]
    settings = cache.preprocessing._asdict()
    write_json(
        folder / MANIFEST,
        {
            "format": FORMAT,
            "key": _key(cache.preprocessing),
            "preprocessing": settings,
            "n_rows": cache.n_rows,
            "images": images,
            "excluded": dict(cache.excluded),
        },
    )


def _known_images(folder: Path, preprocessing: Preprocessing) -> dict[tuple[str, str], CachedImage]:
    """What an earlier run cached with the same preprocessing."""
    try:
        cache = open_cache(folder)
    except ImageError:
        return {}
    if cache.preprocessing != preprocessing:
        return {}
    return {(image.study_id, image.view): image for image in cache.images}


def _is_unchanged(image: ImageFile, entry: CachedImage) -> bool:
    try:
        facts = image.path.stat()
    except OSError:
        return False
    return (str(image.path), facts.st_size, facts.st_mtime_ns) == (entry.file, entry.n_bytes, entry.mtime_ns)


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
