"""Self-contained HTML pages without scripts: how they are rendered, and the look that they share (``base.css``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def render_page(template: Path, **values: Any) -> str:
    """A page from a Jinja template, in which every value is escaped; the template may include ``base.css``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(**values)
