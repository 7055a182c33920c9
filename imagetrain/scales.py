"""Probabilities as logits, in the same order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BEYOND = 54 * np.log(2)  # the logit of 1 - 2**-54, which float64 no longer tells from 1


def logits_of(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Logits of probabilities, ``(n,)``, ordered and tied just as these are.

    Logits have less room near 0 than probabilities, so that two which differ in the last bit may round to one: the
    higher is then moved up by a bit. 1 becomes ``54 log 2``, beyond all lower ones; 0 becomes minus that, or less where
    there are probabilities as small.

    Parameters
    ----------
    probabilities:
        In [0, 1].
    """
    levels, place = np.unique(np.asarray(probabilities, dtype=np.float64), return_inverse=True)
    inside = (levels > 0) & (levels < 1)
    logits = np.full(levels.shape, BEYOND)
    logits[inside] = np.log(levels[inside]) - np.log1p(-levels[inside])
    if levels.size and levels[0] == 0:
        logits[0] = min(-BEYOND, logits[1:].min(initial=0) - np.log(2))
    for i in np.flatnonzero(np.diff(logits) <= 0) + 1:
        while i < logits.size and logits[i] <= logits[i - 1]:
            logits[i] = np.nextafter(logits[i - 1], np.inf)
            i += 1
    return np.asarray(logits[place.reshape(-1)])
