"""Completion to reading: strip, parse, repair, normalise, validate."""

from radprompter.answers.parsing import read

__all__ = ["read"]
