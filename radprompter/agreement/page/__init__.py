"""An agreement as one self-contained HTML page."""

from radprompter.agreement.page.render import render_agreement

__all__ = ["render_agreement"]
