"""Completion to reading: strip, parse, repair, normalise, validate."""
