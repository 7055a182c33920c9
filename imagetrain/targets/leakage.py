"""What could make a test too easy: the same picture, or nearly the same, of two patients or in two parts of a split.

Patients are told apart by their ids, and one patient is never in two parts (`splits.refuse_overlap`); pictures tell of
a patient with two ids. Equal pixels are found by their hash. Nearly equal ones (saved again, resized, with another
contrast, a caption) are pairs of which the difference hashes differ in at most `MAX_DISTANCE` of 64 bits and small
copies correlate by at least `MIN_CORRELATION`: among radiographs of one kind hashes alone are alike by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.cache import CachedImage
from imagetrain.records import Split
from radprompter.errors import SplitError

MAX_DISTANCE = 4  # bits of 64
MIN_CORRELATION = 0.95
SIDE = 32  # pixels of the small copies
BLOCK = 1 << 24  # pairs of hashes at a time
COMPARED = 1 << 14  # pairs of small copies at a time
LISTED = 1000
SHOWN = 5

Thumbnails = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Places of images ``(n,)`` to their small copies ``(n, SIDE * SIDE)``, each with mean 0 and length 1."""


class Pair(NamedTuple):
    """Two studies of two patients that share a picture."""

    first: str
    second: str
    parts: tuple[str, str]  # in the first fold where they differ
    across: bool  # in different parts, in any fold
    distance: int  # bits
    correlation: float  # 1 for equal pixels


@dataclass(frozen=True, slots=True)
class Leakage:
    """What was found, worst first; only so many pairs are listed, all are counted.

    Parameters
    ----------
    same_pixels:
        Pairs with equal pixels. Of many studies with one picture, each is paired with the first.
    near_duplicates:
        Pairs that are nearly equal.
    """

    n_images: int
    n_patients: int
    n_same_pixels: int
    n_same_pixels_across: int
    n_near_duplicates: int
    n_near_duplicates_across: int
    same_pixels: tuple[Pair, ...]
    near_duplicates: tuple[Pair, ...]

    @property
    def line(self) -> str:
        """One line for a summary."""
        if not self.n_same_pixels + self.n_near_duplicates:
            return f"no picture of two patients among {self.n_images:,} images"
        return (
            f"of two patients: {self.n_same_pixels:,} pairs with the same pixels ({self.n_same_pixels_across:,} in two "
            f"parts), {self.n_near_duplicates:,} nearly the same ({self.n_near_duplicates_across:,} in two parts)"
        )

    def to_json(self) -> dict[str, Any]:
        """As leakage.json has it, with the rules by which pairs were found."""
        pairs = {name: [pair._asdict() for pair in getattr(self, name)] for name in ("same_pixels", "near_duplicates")}
        rules = {"max_distance": MAX_DISTANCE, "min_correlation": MIN_CORRELATION, "listed": LISTED}
        return asdict(self) | pairs | {"rules": rules}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Leakage:
        """Inverse of `to_json`."""
        pairs = {
            name: tuple(Pair(**(pair | {"parts": tuple(pair["parts"])})) for pair in data[name])
            for name in ("same_pixels", "near_duplicates")
        }
        return cls(**{name: pairs.get(name, data[name]) for name in cls.__slots__})


def find_leakage(images: Sequence[CachedImage], splits: Sequence[Split], thumbnails: Thumbnails) -> Leakage:
    """Pictures that two patients of a split share, from the hashes of cached images.

    Parameters
    ----------
    images:
        Those of studies that are not in the split are left aside.
    splits:
        Of the same studies, once a fold.
    """
    place = {study: i for i, study in enumerate(splits[0].study_ids)}
    used = [(i, image) for i, image in enumerate(images) if image.study_id in place]
    studies = np.array([place[image.study_id] for _, image in used], dtype=np.int64)
    _, patient_of = np.unique(np.array(splits[0].patient_ids, dtype=object).astype(str), return_inverse=True)
    patients = patient_of[studies]
    _, content = np.unique([image.pixels_hash for _, image in used], return_inverse=True)
    hashes = np.array([int(image.difference_hash, 16) for _, image in used], dtype=np.uint64)
    rows = np.array([i for i, _ in used], dtype=np.int64)
    tell = _Teller(splits, studies)
    same = _collect(tell, [(a, b, 0, 1.0) for a, b in equal_pairs(content, patients)])
    near: list[tuple[int, int, int, float]] = []
    for pairs in close_pairs(hashes, patients, max_distance=MAX_DISTANCE):
        for start in range(0, len(pairs), COMPARED):
            a, b, distance = pairs[start : start + COMPARED].T
            alike = np.einsum("ij,ij->i", thumbnails(rows[a]), thumbnails(rows[b]))
            kept = (alike >= MIN_CORRELATION) & (content[a] != content[b])
            near += zip(a[kept].tolist(), b[kept].tolist(), distance[kept].tolist(), alike[kept].tolist(), strict=True)
    nearly = _collect(tell, near)
    return Leakage(
        n_images=len(used),
        n_patients=len(set(patients.tolist())),
        n_same_pixels=len(same),
        n_same_pixels_across=sum(pair.across for pair in same),
        n_near_duplicates=len(nearly),
        n_near_duplicates_across=sum(pair.across for pair in nearly),
        same_pixels=tuple(same[:LISTED]),
        near_duplicates=tuple(nearly[:LISTED]),
    )


def refuse_leakage(found: Leakage) -> None:
    """Raise a `SplitError` that names studies of different patients, or in different parts, with the same pixels."""
    if found.n_same_pixels:
        shown = "\n".join(
            f"  {pair.first} and {pair.second}" + (f", in {' and '.join(pair.parts)}" if pair.across else "")
            for pair in found.same_pixels[:SHOWN]
        )
        more = f"\n  and {found.n_same_pixels - SHOWN:,} more" if found.n_same_pixels > SHOWN else ""
        raise SplitError(
            f"{found.n_same_pixels:,} pairs of studies have the same pixels under two patient ids, "
            f"{found.n_same_pixels_across:,} of them in two parts of the split, where a test would be on what was "
            f"trained on:\n{shown}{more}\nGive them one patient id or leave them out of the table of studies (all are "
            "in train/leakage.json), or set data.split.leakage: warn"
        )


def equal_pairs(content: NDArray[np.int64], patients: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The first image of each content, paired with every other of another patient; places ``(first, other)``."""
    order = np.argsort(content, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(content[order])) + 1)
    return [
        (int(group[0]), int(other)) for group in groups for other in group[1:] if patients[other] != patients[group[0]]
    ]


def close_pairs(
    hashes: NDArray[np.uint64], patients: NDArray[np.int64], *, max_distance: int
) -> Iterator[NDArray[np.int64]]:
    """Images of two patients whose hashes differ in few bits: first, second, distance ``(n_pairs, 3)``, in blocks."""
    n = len(hashes)
    height = max(1, BLOCK // max(n, 1))
    for start in range(0, n, height):
        distance = np.bitwise_count(hashes[start : start + height, None] ^ hashes[None, start:])
        a, b = np.nonzero(distance <= max_distance)
        kept = (b > a) & (patients[start + a] != patients[start + b])
        a, b = a[kept], b[kept]
        yield np.stack([start + a, start + b, distance[a, b].astype(np.int64)], axis=1)


class _Teller:
    """Where the studies of two images are."""

    def __init__(self, splits: Sequence[Split], studies: NDArray[np.int64]) -> None:
        self._splits, self._studies = splits, studies

    def __call__(self, a: int, b: int, distance: int, correlation: float) -> Pair:
        first, second = sorted((int(self._studies[a]), int(self._studies[b])))
        parts = [(split.parts[first], split.parts[second]) for split in self._splits]
        torn = next((pair for pair in parts if pair[0] != pair[1]), None)
        ids = self._splits[0].study_ids
        return Pair(ids[first], ids[second], torn or parts[0], torn is not None, distance, round(correlation, 4))


def _collect(tell: _Teller, found: Sequence[tuple[int, int, int, float]]) -> list[Pair]:
    """One pair for two studies, the most alike; those in two parts first."""
    pairs: dict[tuple[str, str], Pair] = {}
    for a, b, distance, correlation in found:
        pair = tell(a, b, distance, correlation)
        known = pairs.get((pair.first, pair.second))
        if known is None or pair.correlation > known.correlation:
            pairs[pair.first, pair.second] = pair
    return sorted(pairs.values(), key=lambda pair: (not pair.across, -pair.correlation, pair.first, pair.second))
