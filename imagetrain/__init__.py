"""Label tables and radiographs in, evaluated classifiers out."""

__version__ = "0.1.0"
