"""Identifiers of people in reports: found by patterns, masked by typed placeholders, counted by kind."""

from radprompter.privacy.identifiers import Identifier, find, mask
from radprompter.privacy.screening import Found, Screening, count_kinds, refuse_examples

__all__ = ["Found", "Identifier", "Screening", "count_kinds", "find", "mask", "refuse_examples"]
