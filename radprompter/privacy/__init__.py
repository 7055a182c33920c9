"""Identifiers of people in reports: found by patterns, masked by typed placeholders, counted by kind."""

from radprompter.privacy.identifiers import Identifier, find, mask
from radprompter.privacy.screening import Screening, count_kinds, describe_identifiers, refuse_identifiers

__all__ = ["Identifier", "Screening", "count_kinds", "describe_identifiers", "find", "mask", "refuse_identifiers"]
