"""Completion to reading: strip, parse, repair, normalise, validate."""

from pathlib import Path

from radprompter.answers.confidence import read_letter, vote
from radprompter.answers.parsing import read
from radprompter.files import source_digest

__all__ = ["parser_digest", "read", "read_letter", "vote"]


def parser_digest() -> str:
    """Digest of the code that reads answers: stored answers are read again when it changes."""
    return source_digest(Path(__file__).parent)
