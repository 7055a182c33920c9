"""Completion to reading: strip, parse, repair, normalise, validate."""

from pathlib import Path

from radprompter import attributes, dependence
from radprompter.answers.confidence import read_letter, vote
from radprompter.answers.parsing import read
from radprompter.files import digest, sha256, source_digest

__all__ = ["parser_digest", "read", "read_letter", "vote"]


def parser_digest() -> str:
    """Digest of the code that reads answers: stored answers are read again when it changes."""
    besides = [sha256(Path(module.__file__)) for module in (attributes, dependence) if module.__file__]
    return digest([source_digest(Path(__file__).parent), *besides])
