"""Tables of different schemas made comparable: which findings are the same, which reports, what is left out."""
