"""What a label table was made from and what making it took: the content of ``manifest.json``."""

from __future__ import annotations

import importlib.metadata
import platform
from collections import Counter
from collections.abc import Mapping
from typing import Any

from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, LabelState
from radprompter.records import NO_TEXT, TOO_LONG, Labeled
from radprompter.version import __version__

PACKAGES = ("openai", "json_repair", "pandas", "pyarrow", "pydantic", "jinja2")

UNANSWERED = frozenset(map(str, LabelState)) - frozenset(map(str, LABELS)) - {str(LabelState.SKIPPED)}
"""States of a cell that a report with words should not have."""


def label_manifest(made_from: Mapping[str, Any], table: LabelTable, labeled: Labeled) -> dict[str, Any]:
    """Provenance, then counts: the cells of each state sum to reports times findings.

    Failures are of the last request of each conversation, tokens and time of all requests.
    """
    counts = table.counts()
    wide = table.wide()
    failures = Counter(completion.failure for completion in labeled.last if completion.failure is not None)
    usages = [completion.usage for completion in labeled.completions]
    return {
        **made_from,
        "schema": {"name": table.schema.name, "hash": table.schema.hash, "findings": list(table.schema.names)},
        "versions": package_versions(),
        "models": dict(Counter(completion.model for completion in labeled.completions if completion.model)),
        "n_reports": len(table),
        "n_findings": len(table.schema.names),
        "n_failed": int(wide.isin(UNANSWERED).any(axis=1).sum()),
        "n_skipped": int((wide == str(LabelState.SKIPPED)).any(axis=1).sum()),
        "counts": counts,
        "states": {str(state): sum(row[str(state)] for row in counts.values()) for state in LabelState},
        "failures": dict(failures),
        "n_failed_requests": sum(number for kind, number in failures.items() if kind not in (NO_TEXT, TOO_LONG)),
        "follow_ups": labeled.n_follow_ups,
        "tokens": {
            "prompt": sum(usage.prompt_tokens for usage in usages),
            "completion": sum(usage.completion_tokens for usage in usages),
            "cached": sum(usage.cached_tokens for usage in usages),
        },
        "attempts": sum(usage.attempts for usage in usages),
        "seconds_answering": round(sum(usage.seconds for usage in usages), 3),
    }


def label_summary(manifest: Mapping[str, Any], *, up_to_date: bool) -> dict[str, Any]:
    """What a command says of a manifest; `line` says it in one line."""
    names = (
        "n_reports",
        "n_findings",
        "n_failed",
        "n_skipped",
        "states",
        "failures",
        "requests",
        "follow_ups",
        "length",
        "privacy",
        "tokens",
    )
    line = f"{manifest['n_reports']:,} reports x {manifest['n_findings']} findings by {manifest['backend']}"
    if manifest["n_failed"]:
        line += f", {manifest['n_failed']:,} reports without a full answer"
    return {**{name: manifest[name] for name in (*names, "seconds")}, "up_to_date": up_to_date, "line": line}


def package_versions() -> dict[str, str]:
    """Versions of Python, of this package and of those that shape its answers."""
    versions = {"python": platform.python_version(), "radprompter": __version__}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
