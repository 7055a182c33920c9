"""Completion to reading: strip, parse, repair, normalise, validate."""

from radprompter.answers.confidence import read_letter, vote
from radprompter.answers.parsing import read

__all__ = ["read", "read_letter", "vote"]
