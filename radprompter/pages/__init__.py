"""Self-contained HTML pages without scripts: how they are rendered, and the looks that they share (``*.css``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PLOTS = Path(__file__).parent / "plots.css"
"""The look of plots, for pages and for drawings that are files of their own."""


def render_page(template: Path, **values: Any) -> str:
    """A page from a Jinja template, in which every value is escaped; it may include the style sheets in this folder."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(**values)
