"""What a label table was made from and what making it took: the content of ``manifest.json``."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

from radprompter.labeling.tally import Tally
from radprompter.labels import LabelState
from radprompter.store import LabelFiles
from radprompter.version import __version__

PACKAGES = ("openai", "json_repair", "pandas", "pyarrow", "pydantic", "jinja2")


def label_manifest(made_from: Mapping[str, Any], files: LabelFiles, tally: Tally) -> dict[str, Any]:
    """Provenance, then counts: the cells of each state sum to reports times findings.

    Failures are of the last request of each conversation, tokens and time of all requests.
    """
    counts = files.counts
    return {
        **made_from,
        "schema": {"name": files.schema.name, "hash": files.schema.hash, "findings": list(files.schema.names)},
        "versions": package_versions(),
        "n_reports": files.n_reports,
        "n_findings": len(files.schema.names),
        "n_failed": files.n_failed,
        "n_skipped": files.n_skipped,
        "counts": counts,
        "states": {str(state): sum(row[str(state)] for row in counts.values()) for state in LabelState},
        **tally.describe(),
    }


def label_summary(manifest: Mapping[str, Any], *, up_to_date: bool) -> dict[str, Any]:
    """What a command says of a manifest; `line` says it in one line."""
    names = (
        "n_reports",
        "n_findings",
        "n_failed",
        "n_skipped",
        "counts",
        "states",
        "failures",
        "requests",
        "follow_ups",
        "length",
        "privacy",
        "n_disguised",
        "tokens",
        "models",
        "spent_usd",
    )
    line = f"{manifest['n_reports']:,} reports x {manifest['n_findings']} findings by {manifest['backend']}"
    if manifest["n_failed"]:
        line += f", {manifest['n_failed']:,} reports without a full answer"
    return {**{name: manifest.get(name) for name in (*names, "seconds")}, "up_to_date": up_to_date, "line": line}


def package_versions() -> dict[str, str]:
    """Versions of Python, of this package and of those that shape its answers."""
    versions = {"python": platform.python_version(), "radprompter": __version__}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
