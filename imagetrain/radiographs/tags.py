"""What the tags of a DICOM file say beside its pixels: the pixels' spacing, the view, text that is burnt in."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing")
POSITIONS = {
    "AP": "ap",
    "PA": "pa",
    "LL": "lateral",
    "RL": "lateral",
    "LATERAL": "lateral",
    "LAT": "lateral",
    "LLO": "oblique",
    "RLO": "oblique",
    "OBLIQUE": "oblique",
}
"""Values of ViewPosition (PS3.3 C.8.1.1, and what devices write) -> view."""

WORDS = {
    "ap": r"a\.?p\.?|antero-?\s?posterior",
    "pa": r"p\.?a\.?|postero-?\s?anterior",
    "lateral": r"(?:left |right )?lateral|lat\.?|seitlich|profil",
    "oblique": r"oblique|schr[äa]g",
}
WORD = re.compile("|".join(rf"(?P<{view}>(?<!\w)(?:{words})(?!\w))" for view, words in WORDS.items()), re.IGNORECASE)


def read_spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Millimetres from row to row and from column to column: in the patient, or else on the detector.

    None if neither is given; a PixelAspectRatio alone gives the ratio, with columns 1 apart.
    """
    for name in SPACINGS:
        if pair := _pair(dataset, name):
            return pair
    if ratio := _pair(dataset, "PixelAspectRatio"):  # vertical\horizontal size
        return ratio[0] / ratio[1], 1.0
    return None


def view_of(dataset: Dataset) -> str | None:
    """The view as the tags name it: ``ap``, ``pa``, ``lateral``, ``oblique``, another ViewPosition in small letters.

    Taken from ViewPosition, else from the meaning of ViewCodeSequence, else from words of SeriesDescription; None if
    none of them names just one view.
    """
    position = _text(dataset, "ViewPosition").upper()
    if position:
        return POSITIONS.get(position, position.lower() if re.fullmatch(r"[A-Z]{2,5}", position) else None)
    codes = dataset.get("ViewCodeSequence") or ()
    meanings = [_text(code, "CodeMeaning") for code in codes] if not isinstance(codes, (str, bytes)) else []
    return _view_in(" ".join(meanings)) or _view_in(_text(dataset, "SeriesDescription"))


def says_burnt_in(dataset: Dataset) -> bool:
    """Whether the file says that its pixels show text that identifies the patient (PS3.3 C.7.6.1.1.1)."""
    return _text(dataset, "BurnedInAnnotation").upper() == "YES"


def _view_in(text: str) -> str | None:
    found = {match.lastgroup for match in WORD.finditer(text)}
    return found.pop() if len(found) == 1 else None


def _text(dataset: Dataset, name: str) -> str:
    try:
        return str(dataset.get(name) or "").strip()
    except Exception:  # a value that does not fit its type
        return ""


def _pair(dataset: Dataset, name: str) -> tuple[float, float] | None:
    try:
        value: Any = dataset.get(name)
        first, second = float(value[0]), float(value[1])
    except Exception:
        return None
    usable = all(math.isfinite(number) and number > 0 for number in (first, second))
    return (first, second) if usable and 0.1 <= first / second <= 10 else None
