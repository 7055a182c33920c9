"""The version of both packages, which ship together."""

__version__ = "0.1.0"
