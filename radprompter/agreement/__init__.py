"""A labeler held against a reference, or two labelers against each other."""
