"""Runs against each other, inside and outside, and which runs may be compared at all."""
