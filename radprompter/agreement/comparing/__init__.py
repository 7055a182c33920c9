"""Labelers against each other on the same reports: what may be compared, paired tests, tables as papers print them."""
