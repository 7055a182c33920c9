"""Radiology reports in, label tables out.

What a notebook needs is here, and imported on use: `load_template`, `open_backend`, `label`, `Rounds`, `Report`,
`LabelTable`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from radprompter.version import __version__

if TYPE_CHECKING:
    from radprompter.backends import open_backend
    from radprompter.label_table import LabelTable
    from radprompter.labeling.rounds import Rounds
    from radprompter.labels import LabelSchema, LabelState
    from radprompter.prompting.templates import load_template
    from radprompter.records import Report
    from radprompter.run import label

__all__ = [
    "LabelSchema",
    "LabelState",
    "LabelTable",
    "Report",
    "Rounds",
    "__version__",
    "label",
    "load_template",
    "open_backend",
]

_HOMES = {
    "LabelSchema": "radprompter.labels",
    "LabelState": "radprompter.labels",
    "LabelTable": "radprompter.label_table",
    "Report": "radprompter.records",
    "Rounds": "radprompter.labeling.rounds",
    "label": "radprompter.run",
    "load_template": "radprompter.prompting.templates",
    "open_backend": "radprompter.backends",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'radprompter' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
