"""Agreements as one self-contained HTML page."""

from radprompter.agreement.page.render import Part, render_agreement, render_agreements

__all__ = ["Part", "render_agreement", "render_agreements"]
