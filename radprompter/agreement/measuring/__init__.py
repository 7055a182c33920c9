"""Cells to numbers: counts, tasks, measures, whole reports, resamples, intervals, and why a number has no value."""
