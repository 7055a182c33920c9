"""Radiology reports in, label tables out."""

__version__ = "0.1.0"
