"""A labeler held against a reference."""
