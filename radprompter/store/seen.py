"""What was seen before, in 24 to 48 bytes an entry whatever was seen."""

from __future__ import annotations

from array import array

FULL = 2 / 3
"""Share of taken places at which the table doubles; more makes the search long."""


class SeenHashes:
    """A map from one 64-bit hash to another: a hash table in two arrays, since a dict of integers takes thrice as much.

    The keys must be spread evenly, as hashes of texts are; 0 and 1 are one key.
    """

    def __init__(self) -> None:
        self._n = 0
        self._reserve(1024)

    def setdefault(self, key: int, value: int) -> int | None:
        """The value that was given with a key before, or None and the key with its value are kept."""
        key = key or 1  # 0 marks a free place
        place = key & self._mask
        while self._keys[place]:
            if self._keys[place] == key:
                return self._values[place]
            place = (place + 1) & self._mask
        self._keys[place], self._values[place] = key, value
        self._n += 1
        if self._n > self._mask * FULL:
            self._grow()
        return None

    def __len__(self) -> int:
        return self._n

    def _reserve(self, n_places: int) -> None:
        self._mask = n_places - 1  # a power of two
        self._keys, self._values = array("q", bytes(8 * n_places)), array("q", bytes(8 * n_places))

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._n = 0
        self._reserve(2 * len(keys))
        for key, value in zip(keys, values, strict=True):
            if key:
                self.setdefault(key, value)
