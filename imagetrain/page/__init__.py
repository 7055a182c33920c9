"""Evaluation to one self-contained HTML page."""
