"""What the terminal says of probabilities and thresholds at external sites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from radprompter.terminal import console

KINDS = {"as_trained": "as trained", "recalibrated": "recalibrated", "at_site": "at the site"}


def show_shift(metrics: Mapping[str, Any]) -> None:
    """Print, for each run and external site, calibration, prevalence, and what thresholds of its own would do."""
    titles = {one["key"]: one["title"] for one in metrics["sets"]}
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in metrics["results"]:
        if row.get("shift") and row["in_macro"]:
            found.setdefault((row["set"], row["run"]), []).append(row)
    if found:
        console().print("[bold]probabilities and thresholds outside[/] (medians over the findings of the macro mean)")
    for (key, run), rows in found.items():
        slopes = [
            f"{_median((row['calibration'][kind] or {}).get('slope') for row in rows)} {text}"
            for kind, text in KINDS.items()
        ]
        prevalence = _median((row["shift"]["prevalence_difference"] for row in rows), "+")
        rates = [
            f"{name} {_median(row[name] for row in rows)}, "
            f"with thresholds of the site {_median(row['shift'][f'{name}_here'] for row in rows)}"
            for name in ("sensitivity", "specificity")
        ]
        what = f"calibration slope {', '.join(slopes)}; prevalence {prevalence}; {'; '.join(rates)}"
        console().print(f"  {run}, {titles[key]}: {what}", markup=False)


def _median(numbers: Iterable[Mapping[str, Any] | None], sign: str = "") -> str:
    values = [number["value"] for number in numbers if number is not None and number["value"] is not None]
    return f"{median(values):{sign}.2f}" if values else "–"
