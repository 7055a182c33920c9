"""Slow second implementations, written from the definitions and not from the code that they check."""
