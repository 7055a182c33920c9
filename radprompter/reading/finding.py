"""Which drawn report an id in a file means that a spreadsheet may have rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from radprompter.reading.spelling import quote

MOST_FAULTS = 20


class Finder:
    """The drawn report that an id in a sheet means, also where a spreadsheet took space or zeros from its ends."""

    def __init__(self, report_ids: Iterable[str]) -> None:
        self._exact = frozenset(report_ids)
        self._like: dict[str, list[str]] = {}
        for report_id in sorted(self._exact):
            for key in {report_id.strip(), report_id.strip().lstrip("0") or "0"}:
                self._like.setdefault(key, []).append(report_id)

    def __call__(self, written: str) -> str | None:
        """The id of the report; ``None`` where none is meant, or more than one may be."""
        if written in self._exact:
            return written
        alike = self._like.get(written.strip(), [])
        return alike[0] if len(alike) == 1 else None


def stranger(where: str, written: str) -> str:
    """What is said of an id that no drawn report has."""
    return f"{where}: report {quote(written)} is not in the sample; a spreadsheet may have rewritten it"


def list_faults(faults: Sequence[str]) -> str:
    """What is wrong with rows, a line each; of more than `MOST_FAULTS` the others are counted."""
    more = [f"and {len(faults) - MOST_FAULTS:,} more rows"] if len(faults) > MOST_FAULTS else []
    return "\n".join([*faults[:MOST_FAULTS], *more])
