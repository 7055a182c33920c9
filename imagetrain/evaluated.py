"""The numbers of an evaluation as they stand on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagetrain.evaluation.report import FORMAT
from radprompter.errors import InputError
from radprompter.files import read_json

KEYS = {
    **dict.fromkeys(("sets", "runs", "findings", "results", "macro", "curves"), list),
    **dict.fromkeys(("options", "comparisons", "definitions"), dict),
}
"""What every format has."""


def read_metrics(path: Path) -> dict[str, Any]:
    """A ``metrics.json`` of this format or an older one.

    Raises
    ------
    InputError
        If it is absent, no JSON, not the numbers of an evaluation, or of a newer format; and what to do.
    """
    remedy = "evaluate again: imagetrain evaluate RECIPE"
    if not path.is_file():
        raise InputError(f"{path}: no such file; evaluate first: imagetrain evaluate RECIPE")
    try:
        metrics = read_json(path)
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); {remedy}") from None
    made_by = metrics.get("format") if isinstance(metrics, dict) else None
    if not isinstance(made_by, int):
        raise InputError(f"{path}: not the numbers of an evaluation: it has no key 'format'; {remedy}")
    if made_by > FORMAT:
        raise InputError(f"{path}: of format {made_by}, and this version reads up to {FORMAT}; update it, or {remedy}")
    lacking = [name for name, kind in KEYS.items() if not isinstance(metrics.get(name), kind)]
    if lacking:
        raise InputError(f"{path}: has no {', '.join(lacking)}, or not as they were written; {remedy}")
    return dict(metrics)
