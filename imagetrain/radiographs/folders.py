"""A folder of radiographs to studies and views, by DICOM tags or file names; nothing is read of who the patient is."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from imagetrain.radiographs.cache import ExcludedImage, ImageFile
from imagetrain.radiographs.dicom import DEFLATED, is_dicom
from imagetrain.radiographs.guarded import Failed, children_for, run_guarded
from imagetrain.radiographs.tags import view_of
from radprompter.errors import ImageError

RASTERS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
TAGS = ["StudyInstanceUID", "SOPInstanceUID", "Rows", "ViewPosition", "ViewCodeSequence", "SeriesDescription"]
FRONTAL = {"ap": "frontal", "pa": "frontal"}  # words of tags, for a classifier that has one frontal view
UID = re.compile(r"[0-9.]{1,64}")  # PS3.5 9.1
READ_TAGS = "imagetrain.radiographs.folders:read_tags"
HEAD = 4096  # bytes, in which the transfer syntax stands


class FoundImages(NamedTuple):
    """The images of a folder, by study and view, and the files that are none or not asked for, with the reason."""

    images: tuple[ImageFile, ...]
    left_out: tuple[ExcludedImage, ...]


def find_images(
    folder: Path, views: Sequence[str], *, view_names: Mapping[str, str] | None = None, salt: bytes | None = None
) -> FoundImages:
    """All radiographs under a folder. DICOM files are grouped by StudyInstanceUID and have the view of their tags.

    Other pictures are a study each, named by their path without its ending; where a classifier has several views, the
    name ends with the view: ``study7_ap.png``. An image without a view in its tags is taken for a classifier of one
    view. Names, ids and dates of patients are not read.

    Parameters
    ----------
    views:
        Of the classifier.
    view_names:
        Word of the tags or file names -> the view that it means.
    salt:
        Study ids become their HMAC-SHA256 under it, 20 hexadecimal digits.

    Raises
    ------
    ImageError
        If there is no such folder, or nothing in it can be used.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: no such folder")
    names = ({word: view for word, view in FRONTAL.items() if view in views}) | {
        view.casefold(): view for view in views
    }
    names |= {word.casefold(): view for word, view in (view_names or {}).items()}
    images, left_out = [], []
    for path, found in _describe(list(_files(folder)), folder, names):
        study = found.study_id if salt is None else _hashed(found.study_id, salt)
        view = names.get(found.view.casefold()) or (views[0] if not found.view and len(views) == 1 else "")
        if found.reason or not view:
            reason = found.reason or (
                f"view {found.view} is not asked for" if found.view else "its tags do not say which view it is"
            )
            left_out.append(ExcludedImage(study, found.view, _shown(path, folder), reason))
        else:
            images.append(ImageFile(study, view, path))
    if not images:
        reason = f"the first of {len(left_out)} files: {left_out[0].reason}" if left_out else "it has no files"
        raise ImageError(f"{folder}: no image of view {' or '.join(views)}; {reason}")
    return FoundImages(tuple(images), tuple(left_out))


def _shown(path: Path, folder: Path) -> str:
    """A file's name for people, also where it is not UTF-8."""
    return path.relative_to(folder).as_posix().encode(errors="backslashreplace").decode()


class _Found(NamedTuple):
    study_id: str
    view: str  # empty if it is not known
    reason: str = ""  # why the file cannot be used
    instance: str = ""  # SOPInstanceUID, if it has one


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and (path.is_file() or path.is_symlink()):
            yield path


def _describe(paths: Sequence[Path], folder: Path, names: Mapping[str, str]) -> list[tuple[Path, _Found]]:
    """What each file is: pictures by their names, others by what a child process reads in them."""
    found = {path: _by_name(path, folder, names) for path in paths}
    tagged = [path for path in paths if path.suffix.lower() not in RASTERS and not found[path].reason]
    tasks = ({"file": str(path)} for path in tagged)
    for place, result in run_guarded(READ_TAGS, tasks, n_children=children_for(len(tagged))) if tagged else ():
        found[tagged[place]] = _Found("", "", result.reason) if isinstance(result, Failed) else _Found(*result)
    return _once(found, folder)


def _once(found: Mapping[Path, _Found], folder: Path) -> list[tuple[Path, _Found]]:
    """The files, of which one that is another one's copy or has its name is not to be used."""
    known: dict[tuple[str, ...], Path] = {}
    every = []
    for path, one in found.items():
        is_named = path.suffix.lower() in RASTERS
        key = (one.study_id, one.view, one.instance)
        if (is_named or one.instance) and not one.reason and (first := known.setdefault(key, path)) is not path:
            same = "has the same SOPInstanceUID as" if one.instance else "but for its ending, has the name of"
            one = one._replace(reason=f"{same} {first.relative_to(folder).as_posix()}")
        every.append((path, one))
    return every


def _by_name(path: Path, folder: Path, names: Mapping[str, str]) -> _Found:
    if path.is_symlink():
        return _Found("", "", "a symbolic link, which is not followed")
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return _Found("", "", "its name is not UTF-8; rename it")
    study = path.relative_to(folder).with_suffix("").as_posix()
    stem, _, word = study.rpartition("_")
    return _Found(stem, word) if stem and word.casefold() in names else _Found(study, "")


def read_tags(file: str) -> tuple[str, ...]:
    """Fields of `_Found` for a file that is no picture by its name: what a child process does."""
    path = Path(file)
    try:
        with path.open("rb") as opened:
            head = opened.read(HEAD)
    except OSError as error:
        return "", "", error.strerror or type(error).__name__
    if not is_dicom(head, path.suffix):
        return "", "", "neither DICOM nor PNG, JPEG or TIFF"
    found = _from_tags(path, head)
    return tuple(found)


def _from_tags(path: Path, head: bytes) -> _Found:
    import pydicom

    if DEFLATED.encode() in head:  # its tags cannot be read without inflating all of it
        return _Found("", "", "deflated DICOM is not read from folders; store it uncompressed")
    try:
        with _unheard():
            dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS, force=True)
            rows, view = dataset.get("Rows"), view_of(dataset)
            study, instance = (str(dataset.get(name) or "") for name in TAGS[:2])
    except Exception:  # pydicom raises nearly anything on damaged files
        return _Found("", "", "the DICOM tags cannot be read")
    if not UID.fullmatch(study):
        return _Found("", "", "its StudyInstanceUID is no UID" if study else "no StudyInstanceUID")
    reason = "" if rows else "no image: a report, a presentation state or the like"
    return _Found(study, view or "", reason, instance)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keep pydicom from quoting odd values of tags, in warnings and in its log."""
    logger = logging.getLogger("pydicom")
    was = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was


def _hashed(study: str, salt: bytes) -> str:
    return hmac.new(salt, study.encode(), hashlib.sha256).hexdigest()[:20] if study else ""
